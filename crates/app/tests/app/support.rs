//! What the end-to-end tests share: the real binary on its own port, with a fake provider behind it.
//!
//! What touches a store is tested on both stores ([`on_both_stores`]). What only depends on a dialect's wording, on a
//! provider or on settings is tested on SQLite alone ([`on_sqlite_alone`]). In case of doubt, both.

mod database;
pub(crate) mod files;
pub(crate) mod persona_chat;
pub(crate) mod prompts;
pub(crate) mod raw_replies;
pub(crate) mod real_servers;
mod tab;
mod user;
mod watcher;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{FakeLlm, PostgresServer, free_port};

pub(crate) use database::{change, sql};
pub(crate) use tab::Tab;
pub(crate) use user::{Answer, User};
pub(crate) use watcher::Watcher;

/// The secret that tokens are signed with.
pub(crate) const JWT_SECRET: &str = "a-secret-for-tests-that-is-long-enough-0123456789";
/// The provider's key, which must be in no response and no log.
pub(crate) const PROVIDER_KEY: &str = "sk-canary-4f7d1c9b2a8e6d5f";

/// The store that the application runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

/// Runs each test on both stores: for everything that a store keeps, finds, sorts, counts, limits or serialises.
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Store::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Store::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// Runs each test on SQLite alone: for what is decided without the store, such as which input a dialect accepts, what a
/// provider does, and what settings mean.
macro_rules! on_sqlite_alone {
    ($($name:ident),* $(,)?) => {
        mod sqlite_alone {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Store::Sqlite).await;
            })*
        }
    };
}
pub(crate) use on_sqlite_alone;

/// The address of a new database with the schema in it. Migrating itself is tested in the store's crate.
async fn postgres_database() -> String {
    let migrate = async |url| {
        let llm = Arc::new(FakeLlm::start().await);
        let output = App::over(Some(url), llm, &[]).command().arg("migrate").output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    PostgresServer::shared().migrated_database(migrate).await
}

/// The application. It is killed when it is dropped.
pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) llm: Arc<FakeLlm>,
    pub(crate) data: tempfile::TempDir,
    pub(crate) database_url: Option<String>,
    pub(crate) http: reqwest::Client,
    settings: Vec<(String, String)>,
    process: Option<Child>,
}

impl App {
    /// An application on this store, which calls the fake provider by Chat Completions.
    pub(crate) async fn start(store: Store) -> Self {
        Self::start_with(store, &[]).await
    }

    /// Like [`App::start`], with further variables.
    pub(crate) async fn start_with(store: Store, settings: &[(&str, &str)]) -> Self {
        let llm = Arc::new(FakeLlm::start().await);
        Self::start_on(store, llm, settings).await
    }

    /// Like [`App::start_with`], with this provider.
    pub(crate) async fn start_on(store: Store, llm: Arc<FakeLlm>, settings: &[(&str, &str)]) -> Self {
        let mut app = Self::on(store, llm, settings).await;
        app.spawn();
        app.wait_until_ready().await;
        app
    }

    /// An application on a new database of this store. It is not started.
    pub(crate) async fn on(store: Store, llm: Arc<FakeLlm>, settings: &[(&str, &str)]) -> Self {
        let database_url = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(postgres_database().await),
        };
        Self::over(database_url, llm, settings)
    }

    /// An application on this database, or on its own SQLite file. It is not started.
    pub(crate) fn over(database_url: Option<String>, llm: Arc<FakeLlm>, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            llm,
            data: tempfile::tempdir().unwrap(),
            database_url,
            http: http_client(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            process: None,
        }
    }

    /// The binary with the application's variables; nothing is inherited from the test's environment.
    pub(crate) fn command(&self) -> Command {
        // Another build of the service may be measured (scripts/watchers.sh).
        let program = std::env::var_os("OMNICHAT_TEST_PROGRAM");
        let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_omnichat").into()));
        command
            .env_clear()
            .current_dir(self.data.path())
            .env("PORT", self.port.to_string())
            .env("DATA_DIR", self.data.path().join("data"))
            .env("JWT_SECRET", JWT_SECRET)
            // Nothing here uses TLS, and reading the machine's certificates takes a fifth of a start.
            .env("SSL_CERT_FILE", "/dev/null")
            .env("LLM_PROVIDER", "openai")
            .env("OPENAI_API", "chat")
            .env("OPENAI_API_KEY", PROVIDER_KEY)
            .env("OPENAI_BASE_URL", self.llm.base_url())
            .env("LOG_LEVEL", "DEBUG")
            .env("RATE_LIMIT_TIERS", "free=100000,pro=100000,enterprise=100000")
            .env("RATE_LIMIT_PER_MINUTE", "100000")
            .env("AUTH_RATE_LIMIT_PER_MINUTE", "100000");
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        command.envs(self.settings.iter().cloned());
        command
    }

    pub(crate) fn spawn(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.data.path().join("omnichat.log"))
            .unwrap();
        let process =
            self.command().stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.process = Some(process);
    }

    pub(crate) async fn wait_until_ready(&mut self) {
        assert!(self.comes_up().await, "the application ended:\n{}", self.log());
    }

    /// Waits until the process is ready or has ended. Answers whether it is ready.
    pub(crate) async fn comes_up(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Ok(answer) = self.http.get(format!("{}/health/ready", self.url)).send().await
                && answer.status() == 200
            {
                return true;
            }
            if self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_some()) {
                return false;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "not ready in 30 s:\n{}", self.log());
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// All that the application has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("omnichat.log")).unwrap_or_default()
    }

    /// Waits until the log has this text. Lines are written a moment after they are logged.
    pub(crate) async fn wait_for_log(&self, text: &str) {
        wait_until(&format!("the log says {text:?}"), async || self.log().contains(text)).await;
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.as_ref().expect("the application runs").id()
    }

    /// Asks the process to end, as an orchestrator does.
    pub(crate) fn ask_to_end(&self) {
        self.signal("TERM");
    }

    /// Sends the process a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.process_id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    /// Waits until the process has ended; its exit code.
    pub(crate) async fn wait_for_end(&mut self) -> Option<i32> {
        let mut process = self.process.take()?;
        tokio::task::spawn_blocking(move || process.wait().unwrap().code()).await.unwrap()
    }

    /// Asks the process to end and waits until it has; its exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        self.ask_to_end();
        self.wait_for_end().await
    }

    /// Waits until the store holds the text that a running turn has so far.
    pub(crate) async fn wait_for_partial_text(&self) {
        let chunks = "SELECT count(*) FROM omnichat.turn_chunks";
        wait_until("partial text is kept", async || sql(self, chunks) != ["0"]).await;
    }

    /// Starts the process again, on the same data.
    pub(crate) async fn start_again(&mut self) {
        self.spawn();
        self.wait_until_ready().await;
    }

    /// The response to a `GET` without a token.
    pub(crate) async fn probe(&self, path: &str) -> Answer {
        Answer::read(self.http.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    /// The response to a `POST` without a token.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::read(self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap()).await
    }

    /// The account that the service finds for this token.
    pub(crate) async fn me(&self, token: &str) -> Answer {
        let request = self.http.get(format!("{}/auth/me", self.url)).bearer_auth(token);
        Answer::read(request.send().await.unwrap()).await
    }

    /// The same user, who now calls this application. It must share database and secret with the user's first one.
    pub(crate) fn welcome(&self, user: &User) -> User {
        User { url: self.url.clone(), ..user.clone() }
    }

    /// A new user, signed in.
    pub(crate) async fn user(&self, name: &str) -> User {
        let body = json!({"username": name, "password": "password123"});
        let body = self.post("/auth/register", body).await.ok();
        User {
            token: body["access_token"].as_str().unwrap().to_owned(),
            id: body["id"].as_i64().unwrap(),
            url: self.url.clone(),
            http: self.http.clone(),
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the application's log:\n{}", self.log());
        }
    }
}

/// A number from the environment, with which a script makes a test larger.
pub(crate) fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// The pause between two checks of a condition that a test waits for.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Waits until a condition holds, for 30 seconds at most. `what` completes "waited in vain until …".
pub(crate) async fn wait_until(what: &str, holds: impl AsyncFnMut() -> bool) {
    wait_within(Duration::from_secs(30), what, holds).await;
}

/// Waits until a condition holds, for `patience` at most.
pub(crate) async fn wait_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < patience, "waited {patience:?} in vain until {what}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// A client. TLS is never used, but the client needs a crypto provider; it needs no certificates.
fn http_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_built_in_root_certs(false).build().unwrap()
}
