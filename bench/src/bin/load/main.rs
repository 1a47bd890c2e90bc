//! Runs the benchmark: starts the servers, sends the load, prints the report. `scripts/bench.sh` calls it.

mod against;
mod client;
mod comparison;
mod cpu_meter;
mod disk;
mod history;
mod omnichat;
mod options;
mod processes;
mod profile;
mod report;
mod scenarios;
mod shapes;
mod targets;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, bail};
use omnichat_bench::models::{BURST, Model, PLAIN, SLOW};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::against::Plan;
use crate::client::{Connection, post};
use crate::omnichat::{Installation, Running};
use crate::options::Options;
use crate::processes::{Process, free_address};
use crate::report::{Aim, Report};
use crate::targets::{CallKind, Target};

/// The client uses one thread, so that it leaves the other processors to the servers.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut end = signal(SignalKind::terminate())?;
    let work = async {
        match (options.comparison(), options.history()) {
            (Some(plan), _) => compare(&options, &plan).await,
            (None, Some(plan)) => measure_history(&options, &plan).await,
            (None, None) => measure(&options).await,
        }
    };
    let (text, is_good) = tokio::select! {
        report = work => report?,
        // Dropping the work kills the processes that it started.
        _ = end.recv() => bail!("stopped"),
        _ = tokio::signal::ctrl_c() => bail!("stopped"),
    };
    println!("{text}");
    if let Some(out) = &options.out {
        std::fs::write(out, text).with_context(|| out.display().to_string())?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares two builds. Returns the report, and whether the new one is not slower.
async fn compare(options: &Options, plan: &Plan<'_>) -> anyhow::Result<(String, bool)> {
    let provider = free_address()?;
    let fake_llm = start_fake_llm(options, provider).await?;
    let verdict = against::compare(plan, &options.installations(provider)).await?;
    fake_llm.stop().await?;
    Ok((verdict.text, verdict.is_not_slower))
}

/// Measures pages of the history. Returns the report, and whether all aims are met.
async fn measure_history(options: &Options, plan: &history::Plan<'_>) -> anyhow::Result<(String, bool)> {
    // No model is called.
    history::measure(plan, &options.installations(free_address()?)).await
}

/// Measures OmniChat, direct calls and the floor. Returns the report, and whether every call succeeded.
async fn measure(options: &Options) -> anyhow::Result<(String, bool)> {
    let report = run(options).await?;
    Ok((report.to_markdown(), report.has_no_failures()))
}

async fn start_fake_llm(options: &Options, address: SocketAddr) -> anyhow::Result<Process> {
    let mut command = Command::new(Options::beside("fake-llm")?);
    command.arg(address.port().to_string());
    let process = Process::start(command, "fake-llm", &options.scratch)?;
    wait_until_answering(&direct(address)).await?;
    Ok(process)
}

/// Direct calls to the provider, as a target.
fn direct(provider: SocketAddr) -> Target {
    Target { name: "direct", address: provider, token: None, pids: Vec::new() }
}

async fn run(options: &Options) -> anyhow::Result<Report> {
    let provider = free_address()?;
    let fake_llm = start_fake_llm(options, provider).await?;
    let floor_address = free_address()?;
    let mut command = Command::new(Options::beside("floor")?);
    command.args([floor_address.port().to_string(), format!("http://{provider}/v1")]);
    let floor = Process::start(command, "floor", &options.scratch)?;

    let floor_target = Target { name: "floor", address: floor_address, token: None, pids: vec![floor.pid] };
    wait_until_answering(&floor_target).await?;
    let fixed = [direct(provider), floor_target];
    let installations = options.installations(provider);
    let stores = installations.iter().map(|installation| installation.name);
    let mut report = Report::new(fixed.iter().map(|target| target.name).chain(stores).collect());

    progress("durable turns");
    let running = start(&installations, PLAIN).await?;
    let all = all_targets(&fixed, &running);
    scenarios::turns(&all, &mut report).await?;
    scenarios::at_a_rate(&all, &options.scratch, &mut report).await?;
    scenarios::cpu_by_thread(&all, &[("fake-llm", fake_llm.pid), ("load", std::process::id())], &mut report)
        .await?;
    if options.profile {
        progress("profile");
        profile::profile(&all, &options.scratch, &mut report).await?;
    }
    if !installations.is_empty() {
        progress("long conversation");
        scenarios::long_conversation(&all, &mut report).await?;
        progress("starts");
        starts(&installations, running, fixed.len(), &mut report).await?;
    }

    progress("streams");
    let running = start(&installations, BURST).await?;
    scenarios::bursts(&all_targets(&fixed, &running), &mut report).await?;
    stop(running).await?;

    progress("slow streams");
    let running = start(&installations, SLOW).await?;
    scenarios::slow_streams(&all_targets(&fixed, &running), &mut report).await?;
    stop(running).await?;

    floor.stop().await?;
    fake_llm.stop().await?;
    Ok(report)
}

/// Stops each installation, starts it again on the same data, and sends a message in an existing conversation.
async fn starts(
    installations: &[Installation],
    running: Vec<Running>,
    columns_before: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut first, mut idle) = (vec![None; columns_before], vec![None; columns_before]);
    let plain = Model::named(PLAIN);
    for (installation, running) in installations.iter().zip(running) {
        let target = running.target.clone();
        let load = target.workload(CallKind::Turn, PLAIN, 1, 1).await?;
        running.stop().await?;
        let request = load.connections.first().and_then(|requests| requests.first());
        let request = request.context("a workload without requests")?;
        let token = target.token.unwrap_or_default();
        let again = installation.start_again(PLAIN, &token, request, plain.tokens).await?;
        let (running, elapsed) = again;
        first.push(Some(elapsed.as_secs_f64()));
        idle.push(scenarios::idle_memory(&running.target).await);
        running.stop().await?;
    }
    report.row("start to first answer, existing database, s", first, Some(Aim::FigureAtMost(0.3)));
    report.row("idle memory, MiB", idle, Some(Aim::FigureAtMost(40.0)));
    Ok(())
}

async fn start(installations: &[Installation], model: &str) -> anyhow::Result<Vec<Running>> {
    let mut running = Vec::new();
    for installation in installations {
        running.push(installation.start(model).await?);
    }
    Ok(running)
}

async fn stop(running: Vec<Running>) -> anyhow::Result<()> {
    for running in running {
        running.stop().await?;
    }
    Ok(())
}

fn all_targets(fixed: &[Target], running: &[Running]) -> Vec<Target> {
    fixed.iter().cloned().chain(running.iter().map(|running| running.target.clone())).collect()
}

/// Waits until the fake provider or the floor answers.
async fn wait_until_answering(target: &Target) -> anyhow::Result<()> {
    let body = serde_json::json!({"model": PLAIN, "messages": []});
    let request = post("/v1/chat/completions", None, Some(&body));
    let tokens = Model::named(PLAIN).tokens;
    for _ in 0..500 {
        if let Ok(mut connection) = Connection::open(target.address).await {
            connection.call(&request, tokens).await.with_context(|| target.name)?;
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    bail!("{} does not start", target.name)
}

fn progress(scenario: &str) {
    eprintln!("bench: {scenario}");
}
