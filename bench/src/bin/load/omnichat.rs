//! Starts OmniChat for a measurement: one process for each store.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::client::{Connection, post};
use crate::processes::{Process, free_address};
use crate::targets::Target;
use omnichat_bench::models::PLAIN;

const START: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// OmniChat on one store: how it is started.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    /// Its working directory; its data directory is below.
    pub(crate) directory: PathBuf,
    pub(crate) provider: SocketAddr,
    /// PostgreSQL's address and the id of its first process; SQLite if `None`.
    pub(crate) database: Option<(String, u32)>,
}

/// A running OmniChat.
#[derive(Debug)]
pub(crate) struct Running {
    process: Process,
    pub(crate) target: Target,
}

impl Installation {
    /// The database file, if the store is SQLite.
    pub(crate) fn sqlite_file(&self) -> PathBuf {
        data(&self.directory).join("omnichat.db")
    }

    /// Starts it with this default model, and waits until it answers.
    pub(crate) async fn start(&self, model: &str) -> anyhow::Result<Running> {
        let (mut process, address) = self.spawn(model)?;
        let token = timeout(START, async {
            while Connection::open(address).await.is_err() {
                process.check()?;
                sleep(BETWEEN_TRIES).await;
            }
            self.token_of("bench", address).await
        });
        let token = token.await.context("it does not listen")?.context(self.name)?;
        let create = post("/conversations?project_id=bench", Some(&token), None);
        first_answer(&mut process, address, &create, 0).await.context(self.name)?;
        Ok(self.running(process, address, token))
    }

    /// Starts it again on its data. Returns how long it took until its first answer in a conversation.
    pub(crate) async fn start_again(
        &self,
        model: &str,
        token: &str,
        request: &[u8],
        tokens: usize,
    ) -> anyhow::Result<(Running, Duration)> {
        let started = Instant::now();
        let (mut process, address) = self.spawn(model)?;
        first_answer(&mut process, address, request, tokens).await.context(self.name)?;
        let elapsed = started.elapsed();
        Ok((self.running(process, address, token.to_owned()), elapsed))
    }

    fn running(&self, process: Process, address: SocketAddr, token: String) -> Running {
        let database = self.database.as_ref().map(|(_, pid)| *pid);
        let pids = [process.pid].into_iter().chain(database).collect();
        Running { process, target: Target { name: self.name, address, token: Some(token), pids } }
    }

    fn spawn(&self, model: &str) -> anyhow::Result<(Process, SocketAddr)> {
        fs::create_dir_all(&self.directory)?;
        let address = free_address()?;
        Ok((Process::start(self.command(model, address), self.name, &self.directory)?, address))
    }

    /// A token for the user of this name, who is created if there is none.
    pub(crate) async fn token_of(&self, user: &str, address: SocketAddr) -> anyhow::Result<String> {
        let mut command = self.command(PLAIN, address);
        command.args(["token", "--user", user]).current_dir(&self.directory);
        let output = command.output().await?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`omnichat token` failed: {stderr}");
        let printed = String::from_utf8(output.stdout)?;
        Ok(printed.split_whitespace().last().context("`omnichat token` printed nothing")?.to_owned())
    }

    fn command(&self, model: &str, address: SocketAddr) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("ENVIRONMENT", "development");
        command.env("PORT", address.port().to_string());
        command.env("DATA_DIR", data(&self.directory));
        command.env("LOG_LEVEL", "WARN");
        command.env("RATE_LIMIT_TIERS", "free=100000000");
        command.env("LLM_PROVIDER", "openai");
        command.env("LLM_MODEL", model);
        command.env("OPENAI_API", "chat");
        command.env("OPENAI_API_KEY", "x");
        command.env("OPENAI_BASE_URL", format!("http://{}/v1", self.provider));
        command.envs(self.database.as_ref().map(|(url, _)| ("DATABASE_URL", url)));
        command
    }
}

impl Running {
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// Repeats a request until it succeeds.
async fn first_answer(
    process: &mut Process,
    address: SocketAddr,
    request: &[u8],
    tokens: usize,
) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let answer = async { Connection::open(address).await?.call(request, tokens).await };
        let Err(error) = answer.await else { return Ok(()) };
        process.check()?;
        ensure!(started.elapsed() < START, "it does not become ready: {error:#}");
        sleep(BETWEEN_TRIES).await;
    }
}
