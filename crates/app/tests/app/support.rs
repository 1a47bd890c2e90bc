//! The whole application as its users meet it: the real binary on a port of its own, with a fake provider behind it.
//!
//! What touches a store is tested over both stores ([`on_both_stores`]); what is a matter of one dialect's words, of a
//! provider or of settings, over SQLite alone ([`on_sqlite_alone`]). Where in doubt, both.

mod database;
pub(crate) mod persona_chat;
mod tab;
mod user;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{FakeLlm, PostgresServer, free_port};

pub(crate) use database::{change, sql};
pub(crate) use tab::Tab;
pub(crate) use user::{Answer, User};

/// The secret that the tests sign their own tokens with.
pub(crate) const JWT_SECRET: &str = "a-secret-for-tests-that-is-long-enough-0123456789";
/// The provider's key; no answer and no log may hold it.
pub(crate) const PROVIDER_KEY: &str = "sk-canary-4f7d1c9b2a8e6d5f";

/// Which store the application runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

/// Runs each test over both stores: the rule for all that a store keeps, finds, orders, counts, bounds or is raced for.
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

/// Runs each test over SQLite alone: the rule for what is decided before or beside a store, such as what a dialect
/// takes and refuses, what a provider does, and what settings say.
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

/// The address of a new database that is migrated already. What migrating itself does is tested with the store.
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
    /// An application over this store, asking the fake provider in Chat Completions mode.
    pub(crate) async fn start(store: Store) -> Self {
        Self::start_with(store, &[]).await
    }

    /// As [`App::start`], with further variables.
    pub(crate) async fn start_with(store: Store, settings: &[(&str, &str)]) -> Self {
        let llm = Arc::new(FakeLlm::start().await);
        Self::start_on(store, llm, settings).await
    }

    /// As [`App::start_with`], in front of this provider.
    pub(crate) async fn start_on(store: Store, llm: Arc<FakeLlm>, settings: &[(&str, &str)]) -> Self {
        let mut app = Self::on(store, llm, settings).await;
        app.spawn();
        app.wait_until_ready().await;
        app
    }

    /// An application over a new database of this store that has yet to be started.
    pub(crate) async fn on(store: Store, llm: Arc<FakeLlm>, settings: &[(&str, &str)]) -> Self {
        let database_url = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(postgres_database().await),
        };
        Self::over(database_url, llm, settings)
    }

    /// An application over this database, or a file of its own, that has yet to be started.
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

    /// The binary with the application's variables and nothing else of the test's own environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omnichat"));
        command
            .env_clear()
            .current_dir(self.data.path())
            .env("PORT", self.port.to_string())
            .env("DATA_DIR", self.data.path().join("data"))
            .env("JWT_SECRET", JWT_SECRET)
            // Nothing here speaks TLS, and to read the machine's certificates takes a fifth of a start.
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
        let start = Instant::now();
        loop {
            if let Ok(answer) = self.http.get(format!("{}/health/ready", self.url)).send().await
                && answer.status() == 200
            {
                return;
            }
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            assert!(ended.is_none(), "the application ended with {ended:?}:\n{}", self.log());
            assert!(start.elapsed() < Duration::from_secs(30), "not ready in 30 s:\n{}", self.log());
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// All that the application has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("omnichat.log")).unwrap_or_default()
    }

    /// Waits until the log, which is written a moment later, holds this.
    pub(crate) async fn wait_for_log(&self, text: &str) {
        wait_until(&format!("the log says {text:?}"), async || self.log().contains(text)).await;
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks the process to end, as an orchestrator does.
    pub(crate) fn ask_to_end(&self) {
        let process = self.process.as_ref().expect("the application runs").id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
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

    /// What a probe of the service answers, without a token.
    pub(crate) async fn probe(&self, path: &str) -> Answer {
        Answer::read(self.http.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    /// What a `POST` is answered, without a token.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::read(self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap()).await
    }

    /// Who the service takes the bearer of this token for.
    pub(crate) async fn me(&self, token: &str) -> Answer {
        let request = self.http.get(format!("{}/auth/me", self.url)).bearer_auth(token);
        Answer::read(request.send().await.unwrap()).await
    }

    /// The same user at this application, which shares the database and the secret with the user's own.
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

/// How often a condition that a test waits for is looked at.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Waits until this holds, for half a minute at most.
pub(crate) async fn wait_until(what: &str, holds: impl AsyncFnMut() -> bool) {
    wait_within(Duration::from_secs(30), what, holds).await;
}

/// Waits until this holds, no longer than so.
pub(crate) async fn wait_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < patience, "waited {patience:?} in vain until {what}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// A client of the test's own; TLS is never used, and still wants a provider, but no certificates.
fn http_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_built_in_root_certs(false).build().unwrap()
}
