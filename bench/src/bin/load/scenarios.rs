//! The measurements. The targets take turns within seconds, so that other work on the machine affects all of them
//! alike.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use omnichat_bench::models::{BURST, PLAIN, SLOW};
use tokio::time::{interval, sleep};

use crate::disk;
use crate::processes::{self, Cpu};
use crate::report::{Aim, Report, shown};
use crate::shapes::{Figures, Workload, closed_loop, fixed_rate, open_streams, sequence};
use crate::targets::{CallKind, Target};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_300);
const WARM_UP: Duration = Duration::from_millis(300);
/// The turns are spread over this many conversations, so that none becomes long.
const CONVERSATIONS: usize = 1_024;

const RATE: u32 = 50;
const RATE_TIME: Duration = Duration::from_secs(4);

const SLOW_STREAMS: usize = 1_000;

const EARLY_TURN: usize = 200;
const LATE_TURN: usize = 2_000;
/// The time of a turn is the median of this many turns before it and after it.
const AROUND: usize = 25;
const LONG_AT_MOST: Duration = Duration::from_secs(90);

/// The figures of a closed loop, and the CPU time during it.
#[derive(Debug, Default)]
struct Measured {
    figures: Figures,
    cpu: Cpu,
}

impl Measured {
    /// CPU time in microseconds, divided by `count`; `None` for a target without processes.
    fn cpu_each(&self, target: &Target, count: usize) -> Option<f64> {
        (!target.pids.is_empty()).then(|| self.cpu.total() * 1e6 / count.max(1) as f64)
    }
}

/// Durable turns on 32 connections, as fast as answers come.
pub(crate) async fn turns(targets: &[Target], report: &mut Report) -> anyhow::Result<()> {
    let measured = rounds(targets, CallKind::Turn, PLAIN, 32, report).await?;
    let row = |figure: &dyn Fn(&Measured) -> Option<f64>| measured.iter().map(figure).collect::<Vec<_>>();
    let rate = row(&|it| Some(it.figures.per_second()));
    report.row("durable turns/s, 32 connections", rate, Some(Aim::TimesFloorAtLeast(0.15)));
    report.row("– p50, ms", row(&|it| it.figures.percentile(50)), None);
    report.row("– p99, ms", row(&|it| it.figures.percentile(99)), None);
    let each = measured.iter().zip(targets);
    let cpu = each.map(|(it, target)| it.cpu_each(target, it.figures.answers.len())).collect();
    report.row("– CPU per turn, µs, database included", cpu, Some(Aim::TimesFloorAtMost(11.0)));
    Ok(())
}

/// Turns at a rate at which the machine is nearly idle: the latency that OmniChat adds.
pub(crate) async fn at_a_rate(targets: &[Target], scratch: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut measured = Vec::new();
    for target in targets {
        let load = target.workload(CallKind::Turn, PLAIN, 16, 16).await?;
        fixed_rate(&load, RATE, WARM_UP).await;
        let figures = fixed_rate(&load, RATE, RATE_TIME).await;
        note(report, target, "turns at a rate", &figures);
        measured.push(figures);
    }
    let row = |percent| measured.iter().map(|figures| figures.percentile(percent)).collect();
    report.row("turns at 50/s: p50, ms", row(50), Some(Aim::OverDirectAtMost(0.8)));
    report.row("– p99, ms", row(99), None);
    let write = disk::synced_write(scratch, RATE, RATE_TIME).await?;
    report.section(format!(
        "A synced write of 8 KiB at {RATE}/s took {} ms at the median. A durable turn waits for two.\n",
        shown(Some(write))
    ));
    Ok(())
}

/// Streams of 200 tokens that the provider sends in one write.
pub(crate) async fn bursts(targets: &[Target], report: &mut Report) -> anyhow::Result<()> {
    let eight = rounds(targets, CallKind::Stream, BURST, 8, report).await?;
    let row = |figure: &dyn Fn(&Measured) -> Option<f64>| eight.iter().map(figure).collect::<Vec<_>>();
    let rate = row(&|it| Some(it.figures.tokens_per_second()));
    report.row("streamed tokens/s, 8 connections", rate, Some(Aim::TimesFloorAtLeast(1.0)));
    let each = eight.iter().zip(targets);
    let cpu = each.map(|(it, target)| it.cpu_each(target, it.figures.tokens)).collect();
    report.row("– CPU per token, µs, database included", cpu, None);
    let one = rounds(targets, CallKind::Stream, BURST, 1, report).await?;
    let row = |figure: &dyn Fn(&Measured) -> Option<f64>| one.iter().map(figure).collect::<Vec<_>>();
    let whole = row(&|it| it.figures.percentile(50));
    report.row("stream of 200 tokens, 1 connection: p50, ms", whole, Some(Aim::TimesFloorAtMost(1.5)));
    report.row("– p99, ms", row(&|it| it.figures.percentile(99)), None);
    report.row("– first bytes p50, ms", row(&|it| it.figures.first_percentile(50)), None);
    Ok(())
}

/// A thousand streams at the same time, each of 60 tokens at five in a second.
pub(crate) async fn slow_streams(targets: &[Target], report: &mut Report) -> anyhow::Result<()> {
    let (mut lost, mut memory, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for target in targets {
        if target.pids.is_empty() {
            for column in [&mut lost, &mut memory, &mut cpu] {
                column.push(None);
            }
            continue;
        }
        let load = target.workload(CallKind::Stream, SLOW, SLOW_STREAMS, SLOW_STREAMS).await?;
        let before = (target.cpu(), target.memory().unwrap_or_default());
        let (figures, peak) = watching(target, open_streams(&load)).await;
        note(report, target, "slow streams", &figures);
        lost.push(Some((SLOW_STREAMS - figures.answers.len()) as f64));
        memory.push(Some((peak - before.1) / SLOW_STREAMS as f64));
        cpu.push(Some(target.cpu().since(before.0).total() * 1e6 / figures.tokens.max(1) as f64));
    }
    report.row("1,000 open slow streams: lost", lost, Some(Aim::FigureAtMost(0.0)));
    report.row("– memory of each, KiB", memory, Some(Aim::FigureAtMost(64.0)));
    report.row("– CPU per token, µs, database included", cpu, None);
    Ok(())
}

/// Turn 2,000 of a conversation compared with turn 200 of the same; the model's window is full at both.
pub(crate) async fn long_conversation(targets: &[Target], report: &mut Report) -> anyhow::Result<()> {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for target in targets {
        if target.token.is_none() {
            early.push(None);
            late.push(None);
            continue;
        }
        let load = target.workload(CallKind::LongTurn, PLAIN, 1, 1).await?;
        let figures = sequence(&load, LATE_TURN + AROUND, LONG_AT_MOST).await;
        note(report, target, "the long conversation", &figures);
        let around = |turn: usize| {
            let answers = figures.answers.get(turn - AROUND..turn + AROUND)?.to_vec();
            Figures { answers, ..Figures::default() }.percentile(50)
        };
        early.push(around(EARLY_TURN));
        late.push(around(LATE_TURN));
        if figures.answers.len() < LATE_TURN + AROUND && figures.failures == 0 {
            let reached = figures.answers.len();
            report.failed(format!("{}: the long conversation came to turn {reached} in time", target.name));
        }
    }
    let ratio = early.iter().zip(&late).map(|(early, late)| Some((*late)? / (*early)?)).collect();
    report.row("turn 2,000 / turn 200 of one conversation", ratio, Some(Aim::FigureAtMost(1.2)));
    report.row("– turn 200: p50, ms", early, None);
    report.row("– turn 2,000: p50, ms", late, None);
    Ok(())
}

/// Memory after a second without a request, in MiB.
pub(crate) async fn idle_memory(target: &Target) -> Option<f64> {
    sleep(Duration::from_secs(1)).await;
    target.memory().map(|memory| memory / 1024.0)
}

/// The CPU time of durable turns by process and thread.
pub(crate) async fn cpu_by_thread(
    targets: &[Target],
    others: &[(&'static str, u32)],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut text = "CPU of durable turns, 32 connections, by process and thread, µs per turn:\n\n".to_owned();
    text.push_str("| target | process: thread | user | kernel |\n| --- | --- | ---: | ---: |\n");
    for target in targets {
        let load = target.workload(CallKind::Turn, PLAIN, 32, CONVERSATIONS).await?;
        let own = ["server", "database"].into_iter().zip(target.pids.iter().copied());
        let watched: Vec<(&str, u32)> = own.chain(others.iter().copied()).collect();
        let times = || -> BTreeMap<(usize, String), Cpu> {
            let all = watched.iter().enumerate();
            all.flat_map(|(index, (_, pid))| {
                processes::cpu_by_name(*pid).into_iter().map(move |(name, cpu)| ((index, name), cpu))
            })
            .collect()
        };
        let before = times();
        let figures = closed_loop(&load, ROUND).await;
        note(report, target, "turns by thread", &figures);
        let each = 1e6 / figures.answers.len().max(1) as f64;
        for ((index, name), after) in times() {
            let cpu = after.since(before.get(&(index, name.clone())).copied().unwrap_or_default());
            if cpu.total() * each < 1.0 {
                continue;
            }
            let process = watched.get(index).map_or("", |(process, _)| *process);
            let (user, kernel) = (shown(Some(cpu.user * each)), shown(Some(cpu.kernel * each)));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} | {process}: {name} | {user} | {kernel} |", target.name);
        }
    }
    report.section(text);
    Ok(())
}

/// Runs durable turns for as long as the profiler runs.
pub(crate) async fn turns_during(
    target: &Target,
    profiler: impl Future<Output = anyhow::Result<String>>,
) -> anyhow::Result<String> {
    let load = target.workload(CallKind::Turn, PLAIN, 32, CONVERSATIONS).await?;
    let mut profiler = std::pin::pin!(profiler);
    loop {
        tokio::select! {
            found = &mut profiler => return found,
            _ = closed_loop(&load, ROUND) => {}
        }
    }
}

/// A closed loop on every target, in rounds: each target is measured in each round.
async fn rounds(
    targets: &[Target],
    kind: CallKind,
    model: &str,
    connections: usize,
    report: &mut Report,
) -> anyhow::Result<Vec<Measured>> {
    let mut loads: Vec<Workload> = Vec::new();
    for target in targets {
        loads.push(target.workload(kind, model, connections, CONVERSATIONS).await?);
    }
    let mut measured: Vec<Measured> = targets.iter().map(|_| Measured::default()).collect();
    for _ in 0..ROUNDS {
        for ((target, load), measured) in targets.iter().zip(&loads).zip(&mut measured) {
            closed_loop(load, WARM_UP).await;
            let before = target.cpu();
            measured.figures.add(closed_loop(load, ROUND).await);
            measured.cpu = measured.cpu.plus(target.cpu().since(before));
        }
    }
    for (target, measured) in targets.iter().zip(&measured) {
        note(report, target, &format!("{model}, {connections} connections"), &measured.figures);
    }
    Ok(measured)
}

/// Runs the work. Returns its result and the greatest memory of the target during it, in KiB.
async fn watching<T>(target: &Target, work: impl Future<Output = T>) -> (T, f64) {
    let mut work = std::pin::pin!(work);
    let mut ticks = interval(Duration::from_millis(200));
    let mut peak: f64 = 0.0;
    loop {
        tokio::select! {
            done = &mut work => return (done, peak),
            _ = ticks.tick() => peak = peak.max(target.memory().unwrap_or_default()),
        }
    }
}

fn note(report: &mut Report, target: &Target, what: &str, figures: &Figures) {
    if figures.failures > 0 || figures.answers.is_empty() {
        let first = figures.failure.as_deref().unwrap_or("no answers");
        report.failed(format!("{}: {what}: {} calls failed, first: {first}", target.name, figures.failures));
    }
}
