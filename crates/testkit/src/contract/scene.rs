//! The setup of most cases: a user, a process, and helpers for common calls.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{TimeDelta, TimeZone, Utc};
use domain::{
    Contract, Conversation, ConversationChange, ConversationId, ConversationKey, Delta, EndState, Ending,
    FinishReason, HistoryLocation, JsonText, Label, LedgerEntry, Message, MessageId, MessagePage, ModelName,
    NanoDollars, NewConversation, NewMessage, NewUser, Part, PersonaId, ProjectId, Purpose, Relation, Reply,
    Role, RunnerId, Seq, Timestamp, TurnId, Usage, UserId,
};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, LedgerTotals, MessageBatch, NewPersona, Target,
};
use uuid::Uuid;

use super::Stores;

/// A user with a process that runs turns.
pub(super) struct Scene<'a> {
    pub(super) stores: &'a Stores,
    pub(super) owner: UserId,
    pub(super) runner: RunnerId,
    seconds: AtomicI64,
}

impl<'a> Scene<'a> {
    pub(super) async fn new(stores: &'a Stores) -> Self {
        let owner = user(stores).await;
        let runner = runner(stores).await;
        Self { stores, owner, runner, seconds: AtomicI64::new(0) }
    }

    /// The same process, seen by another user.
    pub(super) async fn of_another_user(&self) -> Self {
        let owner = user(self.stores).await;
        Self { stores: self.stores, owner, runner: self.runner, seconds: AtomicI64::new(0) }
    }

    /// The same user, served by another process.
    pub(super) async fn in_another_process(&self) -> Self {
        let runner = runner(self.stores).await;
        let seconds = AtomicI64::new(self.seconds.load(Ordering::Relaxed));
        Self { stores: self.stores, owner: self.owner, runner, seconds }
    }

    /// A later instant at each call.
    pub(super) fn now(&self) -> Timestamp {
        instant(self.seconds.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn new_conversation(&self) -> NewConversation {
        NewConversation {
            id: conversation_id(),
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
            at: self.now(),
        }
    }

    /// A persona of the user's.
    pub(super) async fn persona(&self, name: &str) -> PersonaId {
        let new = NewPersona {
            owner: self.owner,
            name: name.to_owned(),
            description: None,
            relation: Relation::Friend,
            at: self.now(),
        };
        self.stores.personas.create(new).await.expect("the persona is made").persona.id
    }

    /// A conversation with a persona, without messages.
    pub(super) async fn talk_with(&self, persona: PersonaId) -> ConversationId {
        let new = NewConversation { persona: Some(persona), ..self.new_conversation() };
        self.stores.conversations.create(new).await.expect("the conversation is made").id
    }

    /// A begin with one question.
    pub(super) fn begin(&self, target: Target, question: &str) -> Begin {
        Begin {
            caller: self.owner,
            target,
            branch: None,
            messages: vec![says(Role::User, question)],
            turn: TurnId(Uuid::now_v7()),
            runner: self.runner,
            contract: Contract::LlmChat,
            model: None,
            default_model: model("default"),
            own_model: None,
            at: self.now(),
        }
    }

    pub(super) fn begin_in(&self, conversation: ConversationId, question: &str) -> Begin {
        self.begin(Target::existing(conversation), question)
    }

    pub(super) fn begin_new(&self, question: &str) -> Begin {
        self.begin(Target::New(Box::new(self.new_conversation())), question)
    }

    /// Begins, and must be accepted.
    pub(super) async fn begun(&self, begin: Begin) -> Begun {
        self.stores.turns.begin(begin).await.expect("the turn is opened")
    }

    /// Begins, and must be refused.
    pub(super) async fn refused(&self, begin: Begin) -> BeginError {
        self.stores.turns.begin(begin).await.expect_err("the turn is refused")
    }

    /// Asks in a new conversation.
    pub(super) async fn start(&self, question: &str) -> Begun {
        self.begun(self.begin_new(question)).await
    }

    /// Asks in a conversation.
    pub(super) async fn ask(&self, conversation: ConversationId, question: &str) -> Begun {
        self.begun(self.begin_in(conversation, question)).await
    }

    /// The end of a turn, with a ledger entry.
    pub(super) fn ending_of(&self, begun: &Begun, state: EndState, reply: Reply) -> Finish {
        let turn = turn_of(begun);
        let usage = Usage { input: 10, cached_input: 4, output: 5, reasoning: 1, estimated: false };
        let cost = NanoDollars(250);
        let at = self.now();
        Finish {
            turn,
            runner: self.runner,
            conversation: begun.conversation.id,
            ending: Ending { state, reply: None, usage, cost, response_time_ms: 1_234, at },
            reply: Some((message_id(), reply)),
            title: None,
            ledger: Some(LedgerEntry {
                user: self.owner,
                conversation: Some(begun.conversation.id),
                turn: Some(turn),
                purpose: Purpose::Turn,
                provider: "fake".to_owned(),
                model: begun.model.clone(),
                usage,
                cost,
                at,
            }),
        }
    }

    /// The end of a turn that went well.
    pub(super) fn completion_of(&self, begun: &Begun, reply: Reply) -> Finish {
        self.ending_of(begun, EndState::Completed(FinishReason::Stop), reply)
    }

    /// Finishes a turn that is still this process's.
    pub(super) async fn finished(&self, finish: Finish) -> (Ending, ConversationChange) {
        match self.stores.turns.finish(finish).await.expect("the turn is closed") {
            Finished::Done { ending, change } => (ending, *change.expect("it can be read")),
            Finished::Lost => panic!("the turn was lost"),
        }
    }

    /// Finishes a turn that is lost.
    pub(super) async fn finished_in_vain(&self, finish: Finish) {
        assert_eq!(self.stores.turns.finish(finish).await.expect("an answer"), Finished::Lost);
    }

    /// Completes a turn with this text.
    pub(super) async fn answer(&self, begun: &Begun, text: &str) -> (Ending, ConversationChange) {
        self.finished(self.completion_of(begun, reply([text]))).await
    }

    /// A question with its answer.
    pub(super) async fn exchange(&self, conversation: ConversationId, question: &str, answer: &str) {
        let begun = self.ask(conversation, question).await;
        self.answer(&begun, answer).await;
    }

    /// A conversation of so many exchanges: `q1`, `a1`, `q2`, …
    pub(super) async fn conversation_of(&self, exchanges: usize) -> ConversationId {
        let begun = self.start("q1").await;
        self.answer(&begun, "a1").await;
        for number in 2..=exchanges {
            self.exchange(begun.conversation.id, &format!("q{number}"), &format!("a{number}")).await;
        }
        begun.conversation.id
    }

    /// A conversation with these questions appended at once, and no turn running.
    pub(super) async fn conversation_with(&self, texts: impl IntoIterator<Item = String>) -> ConversationId {
        let mut begin = self.begin_new("");
        begin.messages = texts.into_iter().map(|text| says(Role::User, &text)).collect();
        let begun = self.begun(begin).await;
        self.finished(self.ending_of(&begun, EndState::Stopped, Reply::default())).await;
        begun.conversation.id
    }

    /// A conversation of the user's, as it is now.
    pub(super) async fn conversation(&self, id: ConversationId) -> Conversation {
        let found = self.stores.conversations.find(self.owner, id.into()).await.expect("an answer");
        found.granted().expect("the conversation is the user's")
    }

    /// The active path.
    pub(super) async fn messages(&self, conversation: ConversationId) -> Vec<Message> {
        self.whole_page(conversation, MessagePage::default()).await
    }

    /// The first batch of a page.
    pub(super) async fn batch(&self, conversation: ConversationId, page: MessagePage) -> MessageBatch {
        let key: ConversationKey = conversation.into();
        let found = self.stores.conversations.messages(self.owner, key, page).await.expect("an answer");
        found.granted().expect("the conversation is the user's")
    }

    /// A page, batch by batch.
    pub(super) async fn whole_page(&self, conversation: ConversationId, page: MessagePage) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut rest = Some(page);
        while let Some(page) = rest {
            let batch = self.batch(conversation, page).await;
            messages.extend(batch.messages);
            rest = batch.rest;
        }
        messages
    }

    /// The active path, as positions and texts.
    pub(super) async fn path(&self, conversation: ConversationId) -> Vec<(i64, String)> {
        self.messages(conversation).await.iter().map(|message| (message.seq.0, message.text())).collect()
    }

    /// The totals of the user's model calls.
    pub(super) async fn ledger(&self) -> LedgerTotals {
        self.stores.ledger.totals(self.owner).await.expect("an answer")
    }

    /// Keeps deltas of a running turn.
    pub(super) async fn checkpoint(&self, begun: &Begun, first: u32, deltas: Reply) {
        let turn = turn_of(begun);
        let chunk = Chunk { turn, first, deltas };
        let signals = self.stores.turns.checkpoint(self.runner, vec![turn], vec![chunk]).await;
        assert_eq!(signals.expect("an answer"), ports::Signals::default());
    }

    /// Makes this process dead.
    pub(super) async fn die(&self) {
        (self.stores.kill_runner)(self.runner).await;
    }
}

/// A new account.
pub(super) async fn user(stores: &Stores) -> UserId {
    let name = format!("user-{}", Uuid::now_v7().simple());
    let new = NewUser { email: None, username: name, full_name: None, password_hash: None, at: instant(0) };
    stores.users.register(new).await.expect("the account is made").id
}

/// A new process, with a lease.
pub(super) async fn runner(stores: &Stores) -> RunnerId {
    let runner = RunnerId(Uuid::now_v7());
    stores.runners.renew(runner).await.expect("the lease is renewed");
    runner
}

pub(super) fn instant(seconds: i64) -> Timestamp {
    let base = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a valid instant");
    // Not a whole second: both stores keep microseconds.
    base + TimeDelta::seconds(seconds) + TimeDelta::microseconds(123_456)
}

pub(super) fn conversation_id() -> ConversationId {
    ConversationId(Uuid::now_v7())
}

pub(super) fn message_id() -> MessageId {
    MessageId(Uuid::now_v7())
}

pub(super) fn turn_of(begun: &Begun) -> TurnId {
    begun.conversation.running.expect("a begun turn runs")
}

pub(super) fn model(name: &str) -> ModelName {
    ModelName::parse(name).expect("a valid model name")
}

pub(super) fn project(name: &str) -> ProjectId {
    ProjectId::parse(name).expect("a valid project")
}

pub(super) fn says(role: Role, text: &str) -> NewMessage {
    NewMessage { id: message_id(), role, parts: [Part::Text(text.to_owned())].into() }
}

/// A reply of these deltas of text.
pub(super) fn reply<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Reply {
    let mut reply = Reply::default();
    for piece in pieces {
        reply.push(Delta::Text(piece.to_owned()));
    }
    reply
}

/// The positions and texts of a window.
pub(super) fn window_of(begun: &Begun) -> Vec<(i64, String)> {
    let text = |message: &domain::WindowMessage| domain::message::text_of(&message.parts);
    begun.window.messages.iter().map(|message| (message.seq.0, text(message))).collect()
}

/// A path as [`Scene::path`] returns it.
pub(super) fn path_of<const N: usize>(path: [(i64, &str); N]) -> Vec<(i64, String)> {
    path.into_iter().map(|(seq, text)| (seq, text.to_owned())).collect()
}

pub(super) fn seqs(range: std::ops::RangeInclusive<i64>) -> Vec<Seq> {
    range.map(Seq).collect()
}

/// How long a race may take before it counts as stuck.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
