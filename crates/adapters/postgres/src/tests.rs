//! The suite of all stores, and what it cannot bring about: faults of the database, races within a statement, plans.
#![expect(clippy::disallowed_methods, reason = "tests make their own ids and tasks")]

mod addresses;
mod cancelled_begin;
mod contract;
mod files;
mod groups;
mod leases;
mod locks;
mod lost_answers;
mod migrating;
mod outages;
mod plans;
mod poolers;
mod prompts;
mod races;
mod unusable;

use std::time::Duration;

use chrono::{TimeZone, Utc};
use domain::{
    Contract, Conversation, ConversationId, Delta, EndState, Ending, FinishReason, HistoryLocation, JsonText,
    Label, MessageId, ModelName, NanoDollars, NewConversation, NewMessage, NewUser, Part, Reply, Role,
    RunnerId, Timestamp, TurnId, Usage, UserId,
};
use ports::{
    Begin, BeginError, Begun, ConversationStore, Finish, Finished, RegisterError, RunnerStore, StoreError,
    StoreHealth, Target, TurnRecord, TurnStore, UserStore,
};
use testkit::PostgresServer;
use uuid::Uuid;

use crate::{PostgresOptions, PostgresStore};

/// How long tests wait for what should happen soon: much longer than a busy machine needs, and less than the 30 s after
/// which a lock is tried again that the account may not take.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(url: &str) -> PostgresStore {
    let options = PostgresOptions { max_connections: 4, ..PostgresOptions::default() };
    PostgresStore::connect_lazy(url, options).unwrap()
}

/// A store with the schema, on the server of all tests, and its address.
async fn fresh() -> (PostgresStore, String) {
    let migrate = async |url: String| {
        let store = connect(&url);
        store.migrate().await.unwrap();
        store.close().await;
    };
    let url = PostgresServer::shared().migrated_database(migrate).await;
    (connect(&url), url)
}

/// A user and a process.
#[derive(Clone, Copy)]
struct Scene {
    owner: UserId,
    runner: RunnerId,
}

impl Scene {
    async fn new(store: &PostgresStore) -> Self {
        let username = format!("user-{}", Uuid::now_v7().simple());
        let new = NewUser { email: None, username, full_name: None, password_hash: None, at: now() };
        let owner = store.register(new).await.unwrap().id;
        let runner = RunnerId(Uuid::now_v7());
        store.renew(runner).await.unwrap();
        Self { owner, runner }
    }

    /// The same user in another process.
    async fn in_another_process(&self, store: &PostgresStore) -> Self {
        let runner = RunnerId(Uuid::now_v7());
        store.renew(runner).await.unwrap();
        Self { runner, ..*self }
    }

    fn begin(&self, target: Target, question: &str) -> Begin {
        Begin {
            caller: self.owner,
            target,
            branch: None,
            messages: vec![question_of(question)],
            turn: TurnId(Uuid::now_v7()),
            runner: self.runner,
            contract: Contract::LlmChat,
            model: None,
            default_model: ModelName::parse("default").unwrap(),
            own_model: None,
            at: now(),
        }
    }

    fn begin_new(&self, question: &str) -> Begin {
        self.begin(Target::New(Box::new(self.new_conversation())), question)
    }

    fn begin_in(&self, conversation: ConversationId, question: &str) -> Begin {
        self.begin(Target::existing(conversation), question)
    }

    fn new_conversation(&self) -> NewConversation {
        NewConversation {
            id: ConversationId(Uuid::now_v7()),
            owner: self.owner,
            label: Label::of_owner(self.owner),
            project: None,
            persona: None,
            begun_by: Contract::LlmChat,
            home: HistoryLocation::Local,
            title: None,
            model: None,
            metadata: JsonText::empty_object(),
            application: None,
            at: now(),
        }
    }

    fn finish(&self, begun: &Begun, text: &str) -> Finish {
        let mut reply = Reply::default();
        reply.push(Delta::Text(text.to_owned()));
        Finish {
            turn: begun.conversation.running.unwrap(),
            runner: self.runner,
            conversation: begun.conversation.id,
            ending: Ending {
                state: EndState::Completed(FinishReason::Stop),
                reply: None,
                usage: Usage { input: 10, output: 5, ..Usage::default() },
                cost: NanoDollars(250),
                response_time_ms: 5,
                at: now(),
            },
            reply: Some((MessageId(Uuid::now_v7()), reply)),
            title: None,
            ledger: None,
        }
    }

    async fn start(&self, store: &PostgresStore) -> Begun {
        store.begin(self.begin_new("q")).await.unwrap()
    }

    async fn answer(&self, store: &PostgresStore, begun: &Begun, text: &str) {
        match store.finish(self.finish(begun, text)).await.unwrap() {
            Finished::Done { .. } => {}
            Finished::Lost => panic!("the turn was lost"),
        }
    }

    /// An idle conversation of one exchange.
    async fn conversation(&self, store: &PostgresStore) -> ConversationId {
        let begun = self.start(store).await;
        self.answer(store, &begun, "a").await;
        begun.conversation.id
    }
}

/// A turn as its owner finds it.
async fn record_of(store: &PostgresStore, scene: &Scene, turn: TurnId) -> TurnRecord {
    TurnStore::find(store, scene.owner, turn).await.unwrap().unwrap()
}

/// A conversation as its owner finds it.
async fn conversation_of(
    store: &PostgresStore,
    scene: &Scene,
    id: ConversationId,
) -> Result<Conversation, StoreError> {
    let found = ConversationStore::find(store, scene.owner, id.into()).await?;
    Ok(found.granted().unwrap())
}

fn question_of(text: &str) -> NewMessage {
    NewMessage {
        id: MessageId(Uuid::now_v7()),
        role: Role::User,
        parts: [Part::Text(text.to_owned())].into(),
    }
}

fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().unwrap()
}

/// Checks that a store is ready. On a busy machine, a check may not end within its second.
async fn is_ready(store: &PostgresStore) {
    for _ in 0..10 {
        let Err(error) = store.check().await else { return };
        let reason = domain::chain(&error);
        assert!(reason.contains("no answer within"), "{reason}");
    }
    panic!("no check gets an answer");
}

/// Why a store is not ready, as the log says it. On a busy machine, a check may not end within its second.
async fn not_ready(store: &PostgresStore) -> String {
    let mut reason = String::new();
    for _ in 0..10 {
        let error = store.check().await.expect_err("the store is ready");
        assert!(error.is_unavailable(), "{error:?}");
        reason = domain::chain(&error);
        if !reason.contains("no answer within") {
            break;
        }
    }
    reason
}

/// Checks that calls of all kinds fail, and so that their callers may try again.
async fn refuses_all_calls(store: &PostgresStore) {
    let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
    let begun = store.begin(scene.begin_new("q")).await;
    assert!(matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))), "{begun:?}");
    assert!(is_unavailable(&store.renew(scene.runner).await));
    assert!(is_unavailable(&store.find_for_sign_in("ann".to_owned()).await));
    let new =
        NewUser { email: None, username: "ann".to_owned(), full_name: None, password_hash: None, at: now() };
    let registered = store.register(new).await;
    assert!(matches!(registered, Err(RegisterError::Store(StoreError::Unavailable(_)))), "{registered:?}");
}

fn is_unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}
