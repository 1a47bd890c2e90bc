//! Processes that run turns over one store. Their models end each turn as a test wants it to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    BlobId, Caller, Contract, ConversationId, Delta, FinishReason, Message, MessageId, MessagePage,
    ModelMessage, ModelName, ModelRequest, NanoDollars, NewUser, Part, Price, Reply, Role, RunnerId, Seq,
    Tier, TurnId, UserId,
};
use futures_util::{StreamExt, stream};
use local::{SystemClock, UuidIds};
use omnichat::stores::Store;
use ports::{
    Begin, BeginError, Begun, Chunk, Clock, Finish, Finished, IdSource, LanguageModel, ModelError,
    ModelEvent, ModelStream, Signals, StopOutcome, StoreError, TurnRecord, TurnStore, Window,
};
use postgres::{PostgresOptions, PostgresStore};
use services::{
    ModelSettings, NewConversationRequest, SendError, SendMessage, SendTarget, Tasks, TurnSettings, Turns,
    TurnsSetup,
};
use sqlite::SqliteStore;
use testkit::PostgresServer;

/// How a turn ends. The pieces of its reply are sent before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Completed,
    Failed,
    Stopped,
    /// The process is killed.
    Killed {
        /// How many pieces were stored before.
        stored: usize,
        /// Whether that is noticed before the next message comes. If not, its begin ends the turn.
        is_noticed: bool,
    },
}

/// A store with a user, and a process that is alive.
pub(super) struct Processes {
    store: Arc<dyn Store>,
    /// The address of a PostgreSQL database.
    url: Option<String>,
    caller: Caller,
    runner: RunnerId,
    turns: Turns,
    plan: Plan,
}

/// What the models do in the next turn: the pieces of the reply, and the end.
type Plan = Arc<Mutex<(Vec<String>, Fate)>>;

impl Processes {
    pub(super) async fn on_sqlite() -> Self {
        let store = SqliteStore::in_memory().await.unwrap();
        Self::over(Arc::new(store), None).await
    }

    pub(super) async fn on_postgres() -> Self {
        let connect = |url: &str| PostgresStore::connect_lazy(url, PostgresOptions::default()).unwrap();
        let migrate = async |url: String| connect(&url).migrate().await.unwrap();
        let url = PostgresServer::shared().migrated_database(migrate).await;
        Self::over(Arc::new(connect(&url)), Some(url)).await
    }

    async fn over(store: Arc<dyn Store>, url: Option<String>) -> Self {
        let at = SystemClock.now();
        let new =
            NewUser { email: None, username: "ann".to_owned(), full_name: None, password_hash: None, at };
        let user = store.register(new).await.unwrap().id;
        let plan = Plan::new(Mutex::new((Vec::new(), Fate::Completed)));
        let runner = UuidIds.runner();
        let turns = turns(Arc::clone(&store), store.clone(), runner, &plan);
        store.renew(runner).await.unwrap();
        if let Some(url) = &url {
            // A process may end the turns of others only after it has been alive for a while.
            let since = "UPDATE omnichat.runners SET since = since - interval '1 minute'";
            PostgresServer::shared().sql(url, since);
        }
        let caller = Caller { user, tier: Tier::Free, application: None };
        Self { store, url, caller, runner, turns, plan }
    }

    /// Posts messages to a session, or to a new one, and waits until the turn has ended. Returns the session.
    pub(super) async fn post(
        &self,
        session: Option<ConversationId>,
        posted: &[(Role, String)],
        pieces: &[String],
        fate: Fate,
    ) -> ConversationId {
        self.store.renew(self.runner).await.unwrap();
        *self.plan.lock().unwrap() = (pieces.to_vec(), fate);
        let message = message_of(session, posted);
        if let Fate::Killed { stored, .. } = fate {
            return self.post_and_kill(message, pieces, stored).await;
        }
        let mut turn = self.turns.send(&self.caller, message).await.unwrap();
        let session = turn.conversation.id;
        if fate == Fate::Stopped {
            let mut listener = turn.into_listener();
            wait_for(&mut listener, pieces.len()).await;
            self.turns.stop(&self.caller, session.into()).await.unwrap();
            listener.ended().await.unwrap();
        } else {
            let _ = turn.first_event(Duration::from_secs(10)).await;
            turn.into_listener().ended().await.unwrap();
        }
        session
    }

    /// Posts to another process, and kills it in the middle of the turn.
    async fn post_and_kill(&self, message: SendMessage, pieces: &[String], stored: usize) -> ConversationId {
        let runner = UuidIds.runner();
        let mortal = Arc::new(Mortal(Arc::clone(&self.store)));
        let turn = turns(Arc::clone(&self.store), mortal, runner, &self.plan);
        let turn = loop {
            match turn.send(&self.caller, message.clone()).await {
                // This process is too new to end the turn of one that was killed before.
                Err(SendError::Busy { .. }) => {
                    self.notice_killed().await;
                }
                sent => break sent.unwrap(),
            }
        };
        let (session, id) = (turn.conversation.id, turn.turn());
        wait_for(&mut turn.into_listener(), pieces.len()).await;
        let mut deltas = Reply::default();
        for piece in pieces.iter().take(stored) {
            deltas.push(Delta::Text(piece.clone()));
        }
        if stored > 0 {
            let chunk = Chunk { turn: id, first: 0, deltas };
            self.store.checkpoint(runner, vec![id], vec![chunk]).await.unwrap();
        }
        session
    }

    /// Ends the turns of killed processes.
    pub(super) async fn notice_killed(&self) {
        self.store.renew(self.runner).await.unwrap();
        self.store.reap(self.runner, SystemClock.now()).await.unwrap();
    }

    /// The active path of a session.
    pub(super) async fn path(&self, session: ConversationId) -> Vec<Message> {
        let read = self.store.messages(self.caller.user, session.into(), MessagePage::default());
        let batch = read.await.unwrap().granted().unwrap();
        assert!(batch.rest.is_none(), "one batch");
        batch.messages
    }

    /// Whether the session has this message, on its path or not.
    pub(super) async fn has(&self, session: ConversationId, message: MessageId) -> bool {
        let key = domain::MessageKey::Id(message);
        self.store.position(self.caller.user, session.into(), key).await.unwrap().granted().unwrap().is_some()
    }

    pub(super) fn name(&self) -> &'static str {
        if self.url.is_some() { "PostgreSQL" } else { "SQLite" }
    }
}

/// The message of contract S1 with these roles and texts.
fn message_of(session: Option<ConversationId>, posted: &[(Role, String)]) -> SendMessage {
    let one = |(role, text): &(Role, String)| ModelMessage {
        role: *role,
        parts: [Part::Text(text.clone())].into(),
    };
    let target = match session {
        Some(session) => SendTarget::Existing(session.into()),
        None => SendTarget::New(Box::new(NewConversationRequest::plain(Contract::ChatApi))),
    };
    let (question, earlier) = posted.split_last().unwrap();
    let model = ModelName::parse("test-model").unwrap();
    SendMessage {
        earlier: earlier.iter().map(one).collect(),
        may_repeat: true,
        own_model: Some(model.clone()),
        ..SendMessage::plain(target, Contract::ChatApi, model, one(question))
    }
}

/// Waits until so many pieces of the reply have been sent.
async fn wait_for(listener: &mut services::Listener, pieces: usize) {
    let mut events = 0;
    while events < 1 + pieces {
        events += listener.next().await.unwrap().1.len();
    }
}

fn turns(store: Arc<dyn Store>, turns: Arc<dyn TurnStore>, runner: RunnerId, plan: &Plan) -> Turns {
    let free = NanoDollars(0);
    Turns::new(TurnsSetup {
        turns,
        conversations: store.clone(),
        events: store.clone(),
        files: store.clone(),
        runners: store.clone(),
        ledger: store,
        model: Arc::new(Model(Arc::clone(plan))),
        clock: Arc::new(SystemClock),
        ids: Arc::new(Ids(runner)),
        tasks: Tasks::new(tokio::runtime::Handle::current()),
        settings: TurnSettings {
            models: ModelSettings {
                allow: None,
                windows: std::collections::HashMap::new(),
                default_window: 128_000,
                prices: std::collections::HashMap::new(),
                default_price: Price { input_per_1k: free, cached_input_per_1k: free, output_per_1k: free },
            },
            title_model: ModelName::parse("test-model").unwrap(),
            titled_by_model: Vec::new(),
            first_event_grace: Duration::from_secs(8),
            checkpoint_every: Duration::from_mins(1),
            renew_every: Duration::from_secs(5),
            watch_locks_every: Duration::from_mins(1),
            finish_patience: Duration::from_secs(10),
        },
    })
}

/// A model that does what is planned.
struct Model(Plan);

#[async_trait]
impl LanguageModel for Model {
    fn provider(&self) -> &'static str {
        "planned"
    }

    async fn stream(&self, _: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let (pieces, fate) = self.0.lock().unwrap().clone();
        let mut events: Vec<Result<ModelEvent, ModelError>> =
            pieces.into_iter().map(|piece| Ok(ModelEvent::Delta(Delta::Text(piece)))).collect();
        match fate {
            Fate::Completed => {
                events.push(Ok(ModelEvent::Finished { response: None, reason: FinishReason::Stop }));
            }
            Fate::Failed => events.push(Err(ModelError::Truncated)),
            Fate::Stopped | Fate::Killed { .. } => {
                return Ok(Box::pin(stream::iter(events).chain(stream::pending())));
            }
        }
        Ok(Box::pin(stream::iter(events)))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

/// New ids, for a process with this one.
struct Ids(RunnerId);

impl IdSource for Ids {
    fn conversation(&self) -> ConversationId {
        UuidIds.conversation()
    }

    fn message(&self) -> MessageId {
        UuidIds.message()
    }

    fn turn(&self) -> TurnId {
        UuidIds.turn()
    }

    fn runner(&self) -> RunnerId {
        self.0
    }

    fn blob(&self) -> BlobId {
        UuidIds.blob()
    }
}

/// The turns of a process that is killed before any turn ends.
struct Mortal(Arc<dyn Store>);

#[async_trait]
impl TurnStore for Mortal {
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError> {
        self.0.begin(begin).await
    }

    async fn earlier(&self, conversation: ConversationId, before: Seq) -> Result<Window, StoreError> {
        self.0.earlier(conversation, before).await
    }

    async fn checkpoint(&self, _: RunnerId, _: Vec<TurnId>, _: Vec<Chunk>) -> Result<Signals, StoreError> {
        std::future::pending().await
    }

    async fn finish(&self, _: Finish) -> Result<Finished, StoreError> {
        std::future::pending().await
    }

    async fn request_stop(
        &self,
        caller: UserId,
        key: domain::ConversationKey,
    ) -> Result<StopOutcome, StoreError> {
        self.0.request_stop(caller, key).await
    }

    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError> {
        TurnStore::find(self.0.as_ref(), caller, turn).await
    }
}
