//! Shared by the tests of the services: a model that follows a script, mocked stores, a fixed time and ids.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use domain::{
    Caller, Contract, Conversation, ConversationChange, ConversationId, ConversationKey, ConversationNumber,
    Delta, Ending, FinishReason, HistoryLocation, JsonText, Label, Message, MessageId, MessageNumber,
    MessageState, ModelMessage, ModelName, ModelRequest, NanoDollars, NewMessage, Part, Price, ReplyRef,
    ReportedUsage, Role, Seq, Tier, Timestamp, Totals, UserId,
};
use omnichat_services::{ModelSettings, SendMessage, SendTarget, Tasks, TurnSettings, Turns, TurnsSetup};
use ports::{
    AppendedMessage, Begin, Begun, Finish, Finished, LanguageModel, MockClock, MockConversationStore,
    MockFileStore, MockIdSource, MockLedger, MockRunnerStore, MockTurnEvents, MockTurnStore, ModelError,
    ModelEvent, ModelStream, RunnerStore, TurnEvents, Window,
};
use uuid::Uuid;

/// A step of a scripted model.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Say(&'static str),
    Think(&'static str),
    Refuse(&'static str),
    CallTool,
    Wait(Duration),
    Usage(ReportedUsage),
    Finish,
    FinishFor(&'static str),
    Fail(fn() -> ModelError),
    Panic,
}

/// A model that follows a script.
pub(crate) struct ScriptedModel {
    pub(crate) steps: Vec<Step>,
    pub(crate) requests: std::sync::Mutex<Vec<Arc<ModelRequest>>>,
}

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn provider(&self) -> &'static str {
        "scripted"
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        self.requests.lock().unwrap().push(request);
        if let Some(Step::Fail(error)) = self.steps.first() {
            return Err(error());
        }
        let steps = self.steps.clone();
        Ok(Box::pin(futures_util::stream::unfold(steps.into_iter(), |mut steps| async move {
            loop {
                let event = match steps.next()? {
                    Step::Say(text) => Ok(ModelEvent::Delta(Delta::Text(text.to_owned()))),
                    Step::Think(text) => Ok(ModelEvent::Delta(Delta::Reasoning(text.to_owned()))),
                    Step::Refuse(text) => Ok(ModelEvent::Delta(Delta::Refusal(text.to_owned()))),
                    Step::CallTool => {
                        let (call, name) = ("c".to_owned(), "clock".to_owned());
                        let arguments = JsonText::empty_object();
                        Ok(ModelEvent::Delta(Delta::ToolCall { call, name, arguments }))
                    }
                    Step::Wait(time) => {
                        tokio::time::sleep(time).await;
                        continue;
                    }
                    Step::Usage(usage) => Ok(ModelEvent::Usage { usage, cost: None }),
                    Step::Finish => Ok(ModelEvent::Finished { response: None, reason: FinishReason::Stop }),
                    Step::FinishFor(reason) => {
                        let reason = FinishReason::from_name(reason);
                        Ok(ModelEvent::Finished { response: None, reason })
                    }
                    Step::Fail(error) => Err(error()),
                    Step::Panic => panic!("the script says so"),
                };
                return Some((event, steps));
            }
        })))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

pub(crate) fn now() -> Timestamp {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub(crate) fn caller() -> Caller {
    Caller { user: UserId(1), tier: Tier::Free, application: None }
}

pub(crate) fn conversation() -> Conversation {
    Conversation {
        id: ConversationId(Uuid::from_u128(7)),
        number: ConversationNumber(1),
        owner: UserId(1),
        label: Label::of_owner(UserId(1)),
        project: None,
        persona: None,
        begun_by: Contract::ChatService,
        home: HistoryLocation::Local,
        title: None,
        model: None,
        last_model: None,
        metadata: JsonText::empty_object(),
        summary: None,
        application: None,
        active: true,
        message_count: 0,
        totals: Totals::default(),
        last_seq: Seq(1),
        running: None,
        created_at: now(),
        updated_at: now(),
    }
}

/// A store that begins every turn.
pub(crate) fn opening_store() -> MockTurnStore {
    let mut store = MockTurnStore::new();
    store.expect_begin().returning(|begin: Begin| {
        Ok(Begun {
            conversation: Conversation { running: Some(begin.turn), ..conversation() },
            persona: None,
            question: Seq(1),
            appended: appended(&begin.messages),
            model: begin.default_model,
            window: Window::default(),
            has_files: false,
        })
    });
    store
}

/// The calls of `finish` that a store received.
pub(crate) struct Finishes(Receiver<Finish>);

impl Finishes {
    /// Returns the only call. It is checked in the task of the test, because a turn survives a panic of the mock.
    #[track_caller]
    pub(crate) fn only(&self) -> Finish {
        let finish = self.0.try_recv().unwrap_or_else(|_| panic!("the turn was not finished"));
        assert!(self.0.try_recv().is_err(), "the turn was finished twice");
        finish
    }
}

/// A store that begins every turn and stores every reply, and the calls of `finish` that it receives.
pub(crate) fn keeping_store() -> (MockTurnStore, Finishes) {
    let mut store = opening_store();
    let (sent, finishes) = channel();
    store.expect_finish().returning(move |finish| {
        sent.send(finish.clone()).unwrap();
        Ok(kept(finish))
    });
    (store, Finishes(finishes))
}

/// The result of a store that stores the reply.
pub(crate) fn kept(finish: Finish) -> Finished {
    let reply = finish.reply.filter(|(_, reply)| reply.has_content()).map(|(id, _)| ReplyRef {
        id,
        number: Some(MessageNumber(2)),
        seq: Seq(2),
        created_at: finish.ending.at,
    });
    let ending = Ending { reply, ..finish.ending };
    let change = ConversationChange {
        title: finish.title,
        persona: None,
        last_model: None,
        message_count: 0,
        totals: Totals::default(),
        last_seq: Seq(1),
        updated_at: now(),
    };
    Finished::Done { ending, change: Some(Box::new(change)) }
}

/// The stored messages of a `begin`, the first ones of the conversation.
pub(crate) fn appended(messages: &[NewMessage]) -> Vec<AppendedMessage> {
    let rows = (1..).zip(messages);
    rows.map(|(seq, message)| AppendedMessage {
        id: message.id,
        seq: Seq(seq),
        number: Some(MessageNumber(seq)),
    })
    .collect()
}

/// Turns over this store and a model that follows these steps.
pub(crate) fn turns(store: MockTurnStore, steps: Vec<Step>) -> (Turns, Arc<ScriptedModel>, Tasks) {
    turns_with(store, MockFileStore::new(), steps, settings())
}

/// Turns over these stores and a model that follows these steps.
pub(crate) fn turns_with(
    store: MockTurnStore,
    files: MockFileStore,
    steps: Vec<Step>,
    settings: TurnSettings,
) -> (Turns, Arc<ScriptedModel>, Tasks) {
    let model = Arc::new(ScriptedModel { steps, requests: std::sync::Mutex::default() });
    let events = Arc::new(MockTurnEvents::new());
    let (runners, ledger) = (Arc::new(MockRunnerStore::new()), counting_nothing());
    let (turns, tasks) = turns_over(store, events, runners, files, ledger, Arc::clone(&model), settings);
    (turns, model, tasks)
}

/// Turns over this store, with this ledger for the calls of titles.
pub(crate) fn titled_turns(
    store: MockTurnStore,
    ledger: MockLedger,
    steps: Vec<Step>,
    settings: TurnSettings,
) -> Turns {
    let model = Arc::new(ScriptedModel { steps, requests: std::sync::Mutex::default() });
    let (events, runners) = (Arc::new(MockTurnEvents::new()), Arc::new(MockRunnerStore::new()));
    turns_over(store, events, runners, MockFileStore::new(), ledger, model, settings).0
}

fn counting_nothing() -> MockLedger {
    let mut ledger = MockLedger::new();
    ledger.expect_append().returning(|_| Ok(()));
    ledger
}

/// Turns over this store, of a process that runs none and follows those of others by these events.
pub(crate) fn turns_of_others(store: MockTurnStore, events: Arc<dyn TurnEvents>) -> (Turns, Tasks) {
    no_turns(store, events, Arc::new(MockRunnerStore::new()))
}

/// Turns of a process that runs none, among these processes.
pub(crate) fn turns_among(runners: Arc<dyn RunnerStore>) -> (Turns, Tasks) {
    no_turns(MockTurnStore::new(), Arc::new(MockTurnEvents::new()), runners)
}

fn no_turns(
    store: MockTurnStore,
    events: Arc<dyn TurnEvents>,
    runners: Arc<dyn RunnerStore>,
) -> (Turns, Tasks) {
    let model = Arc::new(ScriptedModel { steps: Vec::new(), requests: std::sync::Mutex::default() });
    turns_over(store, events, runners, MockFileStore::new(), counting_nothing(), model, settings())
}

/// Turns over these stores, which are not expected to begin.
pub(crate) fn turns_in(conversations: MockConversationStore, store: MockTurnStore) -> Turns {
    let model = Arc::new(ScriptedModel { steps: Vec::new(), requests: std::sync::Mutex::default() });
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    Turns::new(TurnsSetup {
        turns: Arc::new(store),
        conversations: Arc::new(conversations),
        events: Arc::new(MockTurnEvents::new()),
        files: Arc::new(MockFileStore::new()),
        runners: Arc::new(MockRunnerStore::new()),
        ledger: Arc::new(counting_nothing()),
        model,
        clock: clock(),
        ids: Arc::new(ids()),
        tasks,
        settings: settings(),
    })
}

/// A stored message of the user.
pub(crate) fn message(text: &str) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(9)),
        number: MessageNumber(1),
        conversation: conversation().id,
        seq: Seq(1),
        parent: None,
        turn: None,
        role: Role::User,
        parts: vec![Part::Text(text.to_owned())],
        state: MessageState::Completed,
        reply: None,
        created_at: now(),
    }
}

fn turns_over(
    store: MockTurnStore,
    events: Arc<dyn TurnEvents>,
    runners: Arc<dyn RunnerStore>,
    files: MockFileStore,
    ledger: MockLedger,
    model: Arc<ScriptedModel>,
    settings: TurnSettings,
) -> (Turns, Tasks) {
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let turns = Turns::new(TurnsSetup {
        turns: Arc::new(store),
        conversations: Arc::new(MockConversationStore::new()),
        events,
        files: Arc::new(files),
        runners,
        ledger: Arc::new(ledger),
        model,
        clock: clock(),
        ids: Arc::new(ids()),
        tasks: tasks.clone(),
        settings,
    });
    (turns, tasks)
}

/// A clock that stands still.
pub(crate) fn clock() -> Arc<MockClock> {
    let mut clock = MockClock::new();
    clock.expect_now().returning(now);
    Arc::new(clock)
}

pub(crate) fn ids() -> MockIdSource {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = || Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut ids = MockIdSource::new();
    ids.expect_conversation().returning(move || ConversationId(next()));
    ids.expect_message().returning(move || domain::MessageId(next()));
    ids.expect_turn().returning(move || domain::TurnId(next()));
    ids.expect_runner().returning(move || domain::RunnerId(next()));
    ids.expect_blob().returning(move || domain::BlobId(next()));
    ids
}

fn test_model() -> ModelName {
    ModelName::parse("test-model").unwrap()
}

pub(crate) fn settings() -> TurnSettings {
    let price = Price {
        input_per_1k: NanoDollars(2_500_000),
        cached_input_per_1k: NanoDollars(2_500_000),
        output_per_1k: NanoDollars(10_000_000),
    };
    TurnSettings {
        models: ModelSettings {
            allow: None,
            windows: HashMap::new(),
            default_window: 128_000,
            prices: HashMap::new(),
            default_price: price,
        },
        title_model: test_model(),
        titled_by_model: vec![Contract::LlmChat],
        first_event_grace: Duration::from_secs(8),
        checkpoint_every: Duration::from_millis(250),
        renew_every: Duration::from_secs(5),
        watch_locks_every: Duration::from_secs(1),
        finish_patience: Duration::from_mins(1),
    }
}

pub(crate) fn question(text: &str) -> SendMessage {
    let question = ModelMessage::from_user(vec![Part::Text(text.to_owned())]);
    let target = SendTarget::Existing(ConversationKey::Id(conversation().id));
    SendMessage::plain(target, Contract::ChatService, test_model(), question)
}
