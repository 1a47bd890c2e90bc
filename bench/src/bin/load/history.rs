//! Measures pages of the history of a user with very many sessions, each page with the number of all that match.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use omnichat_bench::models::PLAIN;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::sleep;

use crate::client::{Connection, get};
use crate::omnichat::{Installation, Running};
use crate::report::shown;
use crate::shapes::percentile;

/// What to measure, and with what.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The number of sessions of the largest user; another one has a tenth of it.
    pub(crate) sessions: usize,
    /// PostgreSQL's client program, and its log: they are there if it is measured.
    pub(crate) psql: Option<&'a Path>,
    pub(crate) log: Option<&'a Path>,
}

/// A user with sessions.
#[derive(Debug, Clone, Copy)]
struct Case {
    sessions: usize,
    /// When the sessions were updated: `year`, soon after they were made in the course of a year, or all on one `day`.
    updated: &'static str,
    /// What the median of each page should be at most, in milliseconds.
    aim: f64,
}

const PAGE_SIZE: usize = 10;
const MESSAGES: usize = 10;
/// Calls that are not measured: a connection to PostgreSQL plans its first five calls of a statement differently.
const WARM_UP: usize = 20;
const CALLS: usize = 50;

const SEED_POSTGRES: &str = include_str!("../../../seed/postgres.sql");
const SEED_SQLITE: &str = include_str!("../../../seed/sqlite.py");

/// From the next connection on, the plan of each statement is logged.
const EXPLAIN: &str = "
    ALTER ROLE CURRENT_USER SET session_preload_libraries = 'auto_explain';
    ALTER ROLE CURRENT_USER SET auto_explain.log_min_duration = 0;
    ALTER ROLE CURRENT_USER SET auto_explain.log_analyze = on;
    ALTER ROLE CURRENT_USER SET auto_explain.log_buffers = on;
";

/// The pages that are read: a name and a query.
fn pages(sessions: usize) -> [(String, String); 4] {
    let deep = 1_000.min(sessions.div_ceil(PAGE_SIZE));
    let june = "start_date=2025-06-01T00:00:00Z&end_date=2025-07-01";
    [
        ("page 1".to_owned(), "page=1".to_owned()),
        (format!("page {deep}"), format!("page={deep}")),
        ("page 1 of a model".to_owned(), "model=gpt-4".to_owned()),
        ("page 1 of a month".to_owned(), june.to_owned()),
    ]
}

/// Measures each store. Returns the report, and whether all aims are met.
pub(crate) async fn measure(
    plan: &Plan<'_>,
    installations: &[Installation],
) -> anyhow::Result<(String, bool)> {
    let (many, fewer) = (plan.sessions, plan.sessions.div_ceil(10));
    let mut text = format!(
        "Each page has {PAGE_SIZE} sessions of {MESSAGES} messages; {CALLS} calls each, one after the other.\n\n\
         | store | sessions | updated | page | matching | p50, ms | p99, ms | aim | |\n\
         | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | --- |\n"
    );
    let (mut are_met, mut largest) = (true, None);
    for installation in installations {
        let on_postgres = installation.database.is_some();
        let cases = if on_postgres {
            vec![
                Case { sessions: many, updated: "year", aim: 120.0 },
                Case { sessions: many, updated: "day", aim: 120.0 },
                Case { sessions: fewer, updated: "year", aim: 25.0 },
            ]
        } else {
            vec![Case { sessions: fewer, updated: "year", aim: 50.0 }]
        };
        for case in cases {
            let user = format!("{}-{}", case.updated, case.sessions);
            let token = seed(plan, installation, &user, case).await?;
            let running = installation.start(PLAIN).await?;
            for (name, query) in pages(case.sessions) {
                let timed =
                    timed(&running, &token, &query).await.with_context(|| format!("{user}, {name}"))?;
                let is_filtered = !query.starts_with("page=");
                ensure!(
                    is_filtered || timed.total == case.sessions,
                    "{user}, {name}: total is {}",
                    timed.total
                );
                let p50 = percentile(timed.times.iter().copied(), 50);
                let is_met = p50.is_some_and(|p50| p50 <= case.aim);
                are_met &= is_met;
                let verdict = if is_met { "met" } else { "**missed**" };
                let p99 = shown(percentile(timed.times.iter().copied(), 99));
                writeln!(
                    text,
                    "| {} | {} | {} | {name} | {} | {} | {p99} | ≤ {} | {verdict} |",
                    installation.name,
                    case.sessions,
                    case.updated,
                    timed.total,
                    shown(p50),
                    case.aim
                )?;
            }
            running.stop().await?;
            largest = largest.or(on_postgres.then_some((installation, token)));
        }
    }
    if let Some((installation, token)) = largest {
        text.push_str(&explained(plan, installation, &token, many).await?);
    }
    Ok((text, are_met))
}

/// Makes a user with sessions. Returns the user's token.
async fn seed(
    plan: &Plan<'_>,
    installation: &Installation,
    user: &str,
    case: Case,
) -> anyhow::Result<String> {
    eprintln!("bench: {}: {} sessions, updated in a {}", installation.name, case.sessions, case.updated);
    // The first start makes the tables.
    let running = installation.start(PLAIN).await?;
    let token = installation.token_of(user, running.target.address).await?;
    let mut connection = Connection::open(running.target.address).await?;
    connection.fetch(&get("/auth/me", &token)).await?;
    let me: Value = serde_json::from_slice(connection.body())?;
    let owner = me["id"].as_i64().context("an account without id")?.to_string();
    running.stop().await?;
    let sessions = case.sessions.to_string();
    if let Some((url, _)) = &installation.database {
        let mut psql = client(plan, url)?;
        for variable in
            [format!("owner={owner}"), format!("sessions={sessions}"), format!("updated={}", case.updated)]
        {
            psql.args(["--set", &variable]);
        }
        run(psql.args(["--file", "-"]), SEED_POSTGRES).await?;
    } else {
        let mut python = Command::new("python3");
        python.arg("-").arg(installation.sqlite_file()).args([owner, sessions]);
        run(&mut python, SEED_SQLITE).await?;
    }
    Ok(token)
}

/// PostgreSQL's client, which stops at the first error.
fn client(plan: &Plan<'_>, url: &str) -> anyhow::Result<Command> {
    let psql = plan.psql.context("PostgreSQL needs --psql, the path of its client")?;
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]);
    Ok(command)
}

/// Runs a program that reads its script from the standard input.
async fn run(command: &mut Command, script: &str) -> anyhow::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(script.as_bytes()).await?;
    drop(input);
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The times of the calls for a page, and the number of all sessions that match.
struct Timed {
    times: Vec<Duration>,
    total: usize,
}

async fn timed(running: &Running, token: &str, query: &str) -> anyhow::Result<Timed> {
    let request = get(&format!("/v1/chat/history?{query}"), token);
    let mut connection = Connection::open(running.target.address).await?;
    for _ in 0..WARM_UP {
        connection.fetch(&request).await?;
    }
    let mut timed = Timed { times: Vec::with_capacity(CALLS), total: 0 };
    for _ in 0..CALLS {
        timed.times.push(connection.fetch(&request).await?.whole);
        timed.total = checked(connection.body())?;
    }
    Ok(timed)
}

/// The total of a page that has as many sessions and messages as it should have.
fn checked(body: &[u8]) -> anyhow::Result<usize> {
    let page: Value = serde_json::from_slice(body)?;
    let total = usize::try_from(page["total"].as_u64().context("a page without total")?)?;
    let sessions = page["sessions"].as_array().context("a page without sessions")?;
    let messages = |session: &Value| session["messages"].as_array().map_or(0, Vec::len);
    let are_whole = sessions.iter().all(|session| messages(session) == MESSAGES);
    ensure!(sessions.len() == total.min(PAGE_SIZE) && are_whole, "{} sessions of {total}", sessions.len());
    Ok(total)
}

/// How PostgreSQL found each page: its own words, by the module `auto_explain`.
async fn explained(
    plan: &Plan<'_>,
    installation: &Installation,
    token: &str,
    sessions: usize,
) -> anyhow::Result<String> {
    let ((url, _), log) = installation.database.as_ref().zip(plan.log).context("no log of PostgreSQL")?;
    run(client(plan, url)?.args(["--file", "-"]), EXPLAIN).await?;
    let running = installation.start(PLAIN).await?;
    let mut text = "\nHow PostgreSQL found them:\n".to_owned();
    for (name, query) in pages(sessions) {
        let request = get(&format!("/v1/chat/history?{query}"), token);
        let mut connection = Connection::open(running.target.address).await?;
        for _ in 0..WARM_UP {
            connection.fetch(&request).await?;
        }
        sleep(Duration::from_millis(200)).await;
        let before = std::fs::metadata(log)?.len();
        connection.fetch(&request).await?;
        sleep(Duration::from_millis(200)).await;
        let logged = std::fs::read(log)?;
        let logged = String::from_utf8_lossy(logged.get(before as usize..).unwrap_or_default()).into_owned();
        write!(text, "\n{name}:\n\n```text\n{}```\n", plans_in(&logged))?;
    }
    running.stop().await?;
    Ok(text)
}

/// The plans of statements over conversations and messages in a log, each once, with long conditions cut.
fn plans_in(log: &str) -> String {
    let mut plans: Vec<String> = Vec::new();
    // What belongs to an entry of the log before it begins with a tab.
    for entry in log.replace("\n\t", "\r").lines() {
        let Some((head, body)) = entry.split_once("plan:\r") else { continue };
        let duration = head.split_once("duration: ").map_or("", |(_, duration)| duration.trim());
        let lines: Vec<&str> = body.split('\r').collect();
        let start = lines.iter().position(|line| line.contains("(cost=")).unwrap_or(lines.len());
        let (statement, steps) = lines.split_at(start);
        let is_ours = statement.iter().any(|line| {
            line.contains("FROM omnichat.conversations") || line.contains("FROM omnichat.messages")
        });
        // The first step tells statements apart; its times differ.
        let first =
            |plan: &str| plan.lines().nth(1).and_then(|step| Some(step.split_once("(actual")?.0.to_owned()));
        let steps: Vec<String> = steps.iter().map(|step| step.chars().take(118).collect()).collect();
        let plan = format!("{duration}\n{}\n", steps.join("\n"));
        if is_ours && !plans.iter().any(|known| first(known) == first(&plan)) {
            plans.push(plan);
        }
    }
    plans.concat()
}
