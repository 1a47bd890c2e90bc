//! Helpers of these tests: services over mocked ports, a model that follows a script, and plain sockets.

mod gate;
pub mod logs;
mod mocks;
mod settings;
pub mod sockets;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Service;
use actix_web::http::header::HeaderMap;
use actix_web::test;
use async_trait::async_trait;
use chrono::DateTime;
use domain::{
    Contract, Conversation, ConversationChange, ConversationId, ConversationKey, ConversationNumber, Delta,
    Ending, FinishReason, HistoryLocation, JsonText, Label, Message, MessageId, MessageNumber, MessageState,
    ModelRequest, NewMessage, Part, ReplyRef, ReportedUsage, Role, Seq, Tier, Timestamp, Totals, User,
    UserId,
};
use futures_util::future::LocalBoxFuture;
use omnichat_http::{HttpSettings, Services};
use ports::{
    Access, AppendedMessage, Begin, BeginError, Begun, Finish, Finished, LanguageModel, MessageBatch,
    MockBlobs, MockConversationStore, MockFileStore, MockLedger, MockMessageStore, MockPasswordHasher,
    MockPersonaStore, MockPromptStore, MockRateLimiter, MockRunnerStore, MockStoreHealth, MockTextExtractor,
    MockTurnEvents, MockTurnStore, MockUserStore, ModelError, ModelEvent, ModelStream, Target, Window,
};
use serde_json::Value;
use services::{
    Conversations, Files, FilesSetup, Health, Limits, PersonaSettings, Personas, PersonasSetup,
    PromptSettings, Prompts, PromptsSetup, SignIn, SignInSetup, Tasks, Turns, TurnsSetup, UploadLimit,
};
use uuid::Uuid;

pub use gate::Gate;

use mocks::{clock, ids, issuer, open_limiter, verifier, working_storage};
use settings::{default_models, limit_settings, public_config, test_model, turn_settings};

/// What a scripted model does, in order.
#[derive(Debug, Clone)]
pub enum Step {
    Say(&'static str),
    SayMuch(usize),
    Wait(Duration),
    Gate(Gate),
    Usage,
    Finish,
    Fail(fn() -> ModelError),
}

struct ScriptedModel(Vec<Step>);

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn provider(&self) -> &'static str {
        "scripted"
    }

    async fn stream(&self, _: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        if let Some(Step::Fail(error)) = self.0.first() {
            return Err(error());
        }
        Ok(Box::pin(futures_util::stream::unfold(self.0.clone().into_iter(), |mut steps| async move {
            loop {
                let event = match steps.next()? {
                    Step::Say(text) => Ok(ModelEvent::Delta(Delta::Text(text.to_owned()))),
                    Step::SayMuch(bytes) => Ok(ModelEvent::Delta(Delta::Text("x".repeat(bytes)))),
                    Step::Wait(time) => {
                        tokio::time::sleep(time).await;
                        continue;
                    }
                    Step::Gate(gate) => {
                        gate.pass().await;
                        continue;
                    }
                    Step::Usage => {
                        let usage =
                            ReportedUsage { input: Some(10), output: Some(15), ..ReportedUsage::default() };
                        Ok(ModelEvent::Usage { usage, cost: None })
                    }
                    Step::Finish => Ok(ModelEvent::Finished { response: None, reason: FinishReason::Stop }),
                    Step::Fail(error) => Err(error()),
                };
                return Some((event, steps));
            }
        })))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

/// What a test prepares before it starts the application.
pub struct Setup {
    pub conversations: MockConversationStore,
    pub turns: MockTurnStore,
    pub personas: MockPersonaStore,
    pub prompts: MockPromptStore,
    /// The ledger of previews.
    pub ledger: MockLedger,
    pub messages: MockMessageStore,
    pub files: MockFileStore,
    pub blobs: MockBlobs,
    pub extractor: MockTextExtractor,
    /// Allows all calls, unless a test replaces it.
    pub limiter: MockRateLimiter,
    pub users: MockUserStore,
    pub health: MockStoreHealth,
    pub hasher: MockPasswordHasher,
    pub settings: HttpSettings,
    pub steps: Vec<Step>,
    pub grace: Duration,
}

pub fn setup() -> Setup {
    let mut users = MockUserStore::new();
    users.expect_find().returning(|id| Ok(Some(user(id.0))));
    Setup {
        conversations: MockConversationStore::new(),
        turns: MockTurnStore::new(),
        personas: MockPersonaStore::new(),
        prompts: MockPromptStore::new(),
        ledger: MockLedger::new(),
        messages: MockMessageStore::new(),
        files: MockFileStore::new(),
        blobs: working_storage(),
        extractor: MockTextExtractor::new(),
        limiter: open_limiter(),
        users,
        health: MockStoreHealth::new(),
        hasher: MockPasswordHasher::new(),
        settings: HttpSettings::new("1.2.3", public_config(), default_models()),
        steps: Vec::new(),
        grace: Duration::from_secs(8),
    }
}

impl Setup {
    /// The settings and the services.
    pub fn ready(self) -> (HttpSettings, Services) {
        let Self {
            conversations,
            turns,
            personas,
            prompts,
            ledger,
            messages,
            files,
            blobs,
            extractor,
            limiter,
            users,
            health,
            hasher,
            settings,
            steps,
            grace,
        } = self;
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let (conversations, files) = (Arc::new(conversations), Arc::new(files));
        let blobs = Arc::new(blobs);
        let model = Arc::new(ScriptedModel(steps));
        let turns = Turns::new(TurnsSetup {
            turns: Arc::new(turns),
            conversations: conversations.clone(),
            events: Arc::new(MockTurnEvents::new()),
            files: files.clone(),
            runners: Arc::new(MockRunnerStore::new()),
            ledger: Arc::new(MockLedger::new()),
            model: model.clone(),
            clock: Arc::new(clock()),
            ids: Arc::new(ids()),
            tasks: tasks.clone(),
            settings: turn_settings(grace),
        });
        let sign_in = SignIn::new(SignInSetup {
            users: Arc::new(users),
            hasher: Arc::new(hasher),
            verifier: Arc::new(verifier()),
            issuer: Arc::new(issuer()),
            clock: Arc::new(clock()),
            tasks: tasks.clone(),
        });
        let conversations = Conversations::new(
            conversations,
            turns.clone(),
            Arc::new(clock()),
            Arc::new(ids()),
            tasks.clone(),
        );
        let personas = Personas::new(PersonasSetup {
            store: Arc::new(personas),
            messages: Arc::new(messages),
            conversations: conversations.clone(),
            turns: turns.clone(),
            clock: Arc::new(clock()),
            tasks: tasks.clone(),
            settings: PersonaSettings {
                default_model: test_model(),
                options: Arc::default(),
                history_limit: 20,
            },
        });
        let prompts = Prompts::new(PromptsSetup {
            store: Arc::new(prompts),
            ledger: Arc::new(ledger),
            model: model.clone(),
            clock: Arc::new(clock()),
            tasks: tasks.clone(),
            settings: PromptSettings { preview_model: test_model(), models: turn_settings(grace).models },
        });
        let files = Files::new(FilesSetup {
            store: files,
            conversations: conversations.clone(),
            blobs: blobs.clone(),
            extractor: Arc::new(extractor),
            clock: Arc::new(clock()),
            ids: Arc::new(ids()),
            tasks,
            upload_limit: UploadLimit::megabytes(1),
        });
        let limits = Limits::new(Arc::new(limiter), limit_settings());
        let health = Health::new(Arc::new(health), model, blobs);
        let services = Services { turns, conversations, files, personas, prompts, limits, sign_in, health };
        (settings, services)
    }

    /// A store that opens every turn in conversation 7 or in a new one, and a model that follows these steps.
    pub fn with_open_turns(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self.turns.expect_begin().returning(|begin: Begin| {
            if let Target::Existing { key, .. } = &begin.target
                && granted(key, ()) == Access::Absent
            {
                return Err(BeginError::NotFound);
            }
            let conversation = Conversation { running: Some(begin.turn), ..conversation() };
            let (model, question) = (begin.model.unwrap_or(begin.default_model), Seq(1));
            Ok(Begun {
                conversation,
                persona: None,
                question,
                appended: appended(&begin.messages),
                model,
                window: Window::default(),
                has_files: false,
            })
        });
        self
    }

    /// A store that also keeps every reply.
    pub fn with_working_turns(self, steps: Vec<Step>) -> Self {
        let mut setup = self.with_open_turns(steps);
        setup.turns.expect_finish().returning(|finish| Ok(kept(finish)));
        setup
    }
}

/// The whole application, without sockets.
pub struct TestApp(Box<dyn Fn(test::TestRequest) -> LocalBoxFuture<'static, Read>>);

/// Starts the application, without sockets.
pub async fn start(setup: Setup) -> TestApp {
    let (settings, services) = setup.ready();
    let app = Rc::new(test::init_service(omnichat_http::application(&settings, &services)).await);
    TestApp(Box::new(move |request| {
        let app = Rc::clone(&app);
        Box::pin(async move {
            let response = app.call(request.to_request()).await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Read { status, headers, body: test::read_body(response).await.to_vec() }
        })
    }))
}

impl TestApp {
    pub async fn call(&self, request: test::TestRequest) -> Read {
        (self.0)(request).await
    }
}

/// A response with its whole body.
pub struct Read {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Read {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The code of the error, after a check of the rest of the body.
    pub fn code(&self) -> String {
        let body = self.json();
        assert!(body["detail"].is_string() && body["detail"] == body["error"]["message"], "{body}");
        assert!(body["error"]["type"].is_string(), "{body}");
        body["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// A request by user 1.
pub fn by_alice(request: test::TestRequest) -> test::TestRequest {
    request.insert_header(("authorization", "Bearer alice"))
}

pub fn get(path: &str) -> test::TestRequest {
    by_alice(test::TestRequest::get().uri(path))
}

pub fn post(path: &str, body: impl serde::Serialize) -> test::TestRequest {
    by_alice(test::TestRequest::post().uri(path).set_json(body))
}

pub fn now() -> Timestamp {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub const ID: u128 = 0x0193_4a5b_6c7d_7e8f_9012_3456_789a_bcde;
pub const PREFIXED: &str = "conv_01934a5b6c7d7e8f90123456789abcde";
pub const UUID: &str = "01934a5b-6c7d-7e8f-9012-3456789abcde";

pub fn conversation() -> Conversation {
    Conversation {
        id: ConversationId(Uuid::from_u128(ID)),
        number: ConversationNumber(7),
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
        last_seq: Seq(0),
        running: None,
        created_at: now(),
        updated_at: now(),
    }
}

pub fn message(seq: i64, role: Role, text: &str) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(u128::try_from(seq).unwrap())),
        number: MessageNumber(seq),
        conversation: conversation().id,
        seq: Seq(seq),
        parent: None,
        turn: None,
        role,
        parts: vec![Part::Text(text.to_owned())],
        state: MessageState::Completed,
        reply: None,
        created_at: now(),
    }
}

/// Grants `thing` to every key of conversation 7.
pub fn granted<T>(key: &ConversationKey, thing: T) -> Access<T> {
    let id = ConversationKey::Id(conversation().id);
    let number = ConversationKey::Number(conversation().number);
    if *key == id || *key == number { Access::Granted(thing) } else { Access::Absent }
}

/// A whole page with these messages.
pub fn batch(messages: Vec<Message>) -> MessageBatch {
    MessageBatch { messages, ..MessageBatch::default() }
}

pub fn kept(finish: Finish) -> Finished {
    let reply = finish.reply.filter(|(_, reply)| reply.has_content()).map(|(id, _)| ReplyRef {
        id,
        number: Some(MessageNumber(2)),
        seq: Seq(2),
        created_at: finish.ending.at,
    });
    let ending = Ending { reply, ..finish.ending };
    Finished::Done { ending, change: Some(Box::new(unchanged(conversation()))) }
}

/// The change that leaves a conversation as it is.
pub fn unchanged(conversation: Conversation) -> ConversationChange {
    ConversationChange {
        title: conversation.title,
        persona: conversation.persona,
        last_model: conversation.last_model,
        message_count: conversation.message_count,
        totals: conversation.totals,
        last_seq: conversation.last_seq,
        updated_at: conversation.updated_at,
    }
}

/// The rows of these messages, as the first ones of a conversation.
pub fn appended(messages: &[NewMessage]) -> Vec<AppendedMessage> {
    let rows = (1..).zip(messages);
    rows.map(|(seq, message)| AppendedMessage {
        id: message.id,
        seq: Seq(seq),
        number: Some(MessageNumber(seq)),
    })
    .collect()
}

pub fn user(id: i64) -> User {
    let name = Some("alice@example.com".to_owned());
    User {
        id: UserId(id),
        email: name.clone(),
        username: name,
        full_name: None,
        tier: Tier::Free,
        active: true,
        created_at: now(),
    }
}
