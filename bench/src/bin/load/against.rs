//! Compares an old and a new build: did durable turns become slower?

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use omnichat_bench::models::PLAIN;
use tokio::process::Command;

use crate::comparison::{Comparison, Cost, HEAD};
use crate::cpu_meter::CpuMeter;
use crate::omnichat::Installation;
use crate::shapes::{closed_loop, fixed_count};
use crate::targets::CallKind;

/// Connections that send turns at the same time.
const CONNECTIONS: usize = 32;
/// The turns are spread over this many conversations, so that none becomes long.
const CONVERSATIONS: usize = 1_024;
const WARM_UP: Duration = Duration::from_millis(500);
/// Fewer rounds tell too little about the spread. It is also the default.
pub(crate) const ENOUGH_ROUNDS: usize = 5;

/// What to compare, and how often.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) old: &'a Path,
    pub(crate) new: &'a Path,
    pub(crate) rounds: usize,
    /// The number of durable turns in each run.
    pub(crate) turns: usize,
    /// PostgreSQL's client program, with which each run gets a database of its own.
    pub(crate) psql: Option<&'a Path>,
}

/// The report, and whether the new build is not slower on all stores.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) text: String,
    pub(crate) is_not_slower: bool,
}

/// Compares both builds on each store. An installation tells how to start a build; each run replaces its program, its
/// directory and its database.
pub(crate) async fn compare(plan: &Plan<'_>, installations: &[Installation]) -> anyhow::Result<Verdict> {
    let mut comparisons: Vec<Comparison> = installations.iter().map(|_| Comparison::default()).collect();
    for round in 1..=plan.rounds {
        for (installation, comparison) in installations.iter().zip(&mut comparisons) {
            let old_first = round % 2 == 1;
            let (old, new) = if old_first {
                let old = run(plan, installation, round, "old", plan.old).await?;
                (old, run(plan, installation, round, "new", plan.new).await?)
            } else {
                let new = run(plan, installation, round, "new", plan.new).await?;
                (run(plan, installation, round, "old", plan.old).await?, new)
            };
            comparison.add(old, new);
        }
    }
    let mut text = format!(
        "{} rounds of {} durable turns on {CONNECTIONS} connections, for each build and store.\n\n{HEAD}",
        plan.rounds, plan.turns
    );
    for (installation, comparison) in installations.iter().zip(&comparisons) {
        text.push_str(&comparison.rows(installation.name));
    }
    let is_not_slower = comparisons.iter().all(Comparison::is_not_slower);
    text.push_str(if is_not_slower {
        "\nVerdict: not slower (each ratio is ≤ 1.05, or inside the spread of the old build against itself).\n"
    } else {
        "\nVerdict: **slower** (a ratio is > 1.05 and outside the spread of the old build against itself).\n"
    });
    if plan.rounds < ENOUGH_ROUNDS {
        text.push_str("Fewer than five rounds are not enough for a verdict.\n");
    }
    Ok(Verdict { text, is_not_slower })
}

/// One run: a fresh process on a fresh database, its turns, and the end of both.
async fn run(
    plan: &Plan<'_>,
    installation: &Installation,
    round: usize,
    build: &str,
    program: &Path,
) -> anyhow::Result<Cost> {
    let database = Database::fresh(plan, installation, round, build).await?;
    let running = Installation {
        program: program.to_owned(),
        directory: database.directory.clone(),
        database: database.url.clone().zip(installation.database.as_ref().map(|(_, pid)| *pid)),
        ..installation.clone()
    };
    let running = running.start(PLAIN).await?;
    let target = &running.target;
    let load = target.workload(CallKind::Turn, PLAIN, CONNECTIONS, CONVERSATIONS).await?;
    let warm_up = closed_loop(&load, WARM_UP).await;
    let meter = CpuMeter::start(&target.pids);
    let (figures, nanoseconds) = meter.during(fixed_count(&load, plan.turns)).await;
    let failure = figures.failure.as_ref().or(warm_up.failure.as_ref());
    ensure!(failure.is_none(), "{}, {build} build: a call failed: {failure:?}", installation.name);
    ensure!(nanoseconds > 0, "this kernel does not count the CPU time of threads (/proc/PID/task/TID/schedstat)");
    let turns = figures.answers.len() as f64;
    let cost =
        Cost { cpu: nanoseconds as f64 / 1e3 / turns, time: figures.elapsed.as_secs_f64() * 1e6 / turns };
    eprintln!(
        "bench: round {round}, {}, {build}: {:.1} µs of CPU per turn, {:.0} turns/s",
        installation.name,
        cost.cpu,
        1e6 / cost.time
    );
    running.stop().await?;
    database.remove(plan).await?;
    Ok(cost)
}

/// The directory of a run and, on PostgreSQL, its database.
struct Database {
    directory: PathBuf,
    url: Option<String>,
    /// The address through which databases are created and dropped, and the name of this one.
    server: Option<(String, String)>,
}

impl Database {
    async fn fresh(
        plan: &Plan<'_>,
        installation: &Installation,
        round: usize,
        build: &str,
    ) -> anyhow::Result<Self> {
        let name = format!("round_{round}_{build}");
        let directory = installation.directory.join(&name);
        let Some((server, _)) = &installation.database else {
            return Ok(Self { directory, url: None, server: None });
        };
        let (before, _) = server.rsplit_once('/').context("an address without a database")?;
        let url = format!("{before}/{name}");
        sql(plan, server, &format!("CREATE DATABASE {name}")).await?;
        // Writes what earlier runs have left in memory, so that it does not count for this run.
        sql(plan, server, "CHECKPOINT").await?;
        Ok(Self { directory, url: Some(url), server: Some((server.clone(), name)) })
    }

    async fn remove(self, plan: &Plan<'_>) -> anyhow::Result<()> {
        if let Some((server, name)) = &self.server {
            sql(plan, server, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(std::fs::remove_dir_all(&self.directory)?)
    }
}

/// Runs a statement with `psql`.
async fn sql(plan: &Plan<'_>, server: &str, statement: &str) -> anyhow::Result<()> {
    let psql = plan.psql.context("a comparison on PostgreSQL needs --psql, the path of its client")?;
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--dbname", server, "--command", statement]);
    let output = command.output().await.with_context(|| psql.display().to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{statement}: {stderr}");
    Ok(())
}
