//! The suite of all stores, and tests of what only this store has: groups of writes, the file.
#![expect(clippy::disallowed_methods, reason = "tests make their own ids and times")]

mod contract;
mod durability;
mod grouping;
mod plans;
mod tables;

use chrono::DateTime;
use domain::{
    Contract, Conversation, ConversationId, Delta, EndState, Ending, FinishReason, HistoryLocation, JsonText,
    Label, MessageId, ModelName, NanoDollars, NewConversation, NewMessage, NewUser, Part, Reply, Role,
    RunnerId, Timestamp, TurnId, Usage, UserId,
};
use ports::{Begin, Begun, ConversationStore, Finish, Target, TurnRecord, TurnStore, UserStore as _};
use sqlx::{AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::DbError;

impl SqliteStore {
    /// Runs statements through the writer.
    async fn sql(&self, statements: impl Into<String>) {
        let statements = statements.into();
        let run = self.writer.write(move |connection| Box::pin(run_sql(connection, statements.clone())));
        run.await.unwrap();
    }
}

async fn run_sql(connection: &mut SqliteConnection, statements: String) -> Result<(), DbError> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await?;
    Ok(())
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn runner() -> RunnerId {
    RunnerId(Uuid::now_v7())
}

fn model() -> ModelName {
    ModelName::parse("demo/echo").unwrap()
}

async fn user(store: &SqliteStore, name: &str) -> UserId {
    let new =
        NewUser { email: None, username: name.to_owned(), full_name: None, password_hash: None, at: at(0) };
    store.register(new).await.unwrap().id
}

fn conversation_of(owner: UserId) -> NewConversation {
    NewConversation {
        id: ConversationId(Uuid::now_v7()),
        owner,
        label: Label::of_owner(owner),
        project: None,
        persona: None,
        begun_by: Contract::LlmChat,
        home: HistoryLocation::Local,
        title: None,
        model: None,
        metadata: JsonText::empty_object(),
        application: None,
        at: at(0),
    }
}

async fn conversation(store: &SqliteStore, owner: UserId) -> Conversation {
    store.create(conversation_of(owner)).await.unwrap()
}

fn question(text: &str) -> NewMessage {
    let parts = [Part::Text(text.to_owned())].into();
    NewMessage { id: MessageId(Uuid::now_v7()), role: Role::User, parts }
}

fn begin(caller: UserId, target: Target, runner: RunnerId) -> Begin {
    Begin {
        caller,
        target,
        branch: None,
        messages: vec![question("why?")],
        turn: TurnId(Uuid::now_v7()),
        runner,
        contract: Contract::LlmChat,
        model: None,
        default_model: model(),
        own_model: None,
        at: at(1),
    }
}

fn said(text: &str) -> Reply {
    let mut reply = Reply::default();
    reply.push(Delta::Text(text.to_owned()));
    reply
}

fn finish(turn: TurnId, runner: RunnerId, conversation: ConversationId, text: &str) -> Finish {
    let ending = Ending {
        state: EndState::Completed(FinishReason::Stop),
        reply: None,
        usage: Usage { input: 7, output: 3, ..Usage::default() },
        cost: NanoDollars(11),
        response_time_ms: 5,
        at: at(2),
    };
    let reply = Some((MessageId(Uuid::now_v7()), said(text)));
    Finish { turn, runner, conversation, ending, reply, title: None, ledger: None }
}

/// A question and its reply.
async fn exchange(store: &SqliteStore, owner: UserId, id: ConversationId) -> Begun {
    let runner = runner();
    let order = begin(owner, Target::existing(id), runner);
    let turn = order.turn;
    let begun = store.begin(order).await.unwrap();
    store.finish(finish(turn, runner, id, "because")).await.unwrap();
    begun
}

async fn seen(store: &SqliteStore, owner: UserId, id: ConversationId) -> Conversation {
    ConversationStore::find(store, owner, id.into()).await.unwrap().granted().unwrap()
}

async fn turn_of(store: &SqliteStore, owner: UserId, turn: TurnId) -> TurnRecord {
    TurnStore::find(store, owner, turn).await.unwrap().unwrap()
}

/// A directory that is deleted after the test.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("omnichat-sqlite-{}", Uuid::now_v7().simple())))
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.join("deep").join("omnichat.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
