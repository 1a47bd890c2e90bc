//! Processes: starting and stopping them, and their CPU time and memory from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The unit of CPU time in `stat` files: hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a process may take to end after SIGTERM.
const ENDING: Duration = Duration::from_secs(15);

/// A process that the benchmark started. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) pid: u32,
    pid_file: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts a program in this directory; its output goes to `NAME.log` there.
    pub(crate) fn start(mut command: Command, name: &str, directory: &Path) -> anyhow::Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let file = fs::File::options().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.current_dir(directory).kill_on_drop(true).spawn().context(name.to_owned())?;
        let pid = child.id().context("it ended at once")?;
        // If this process is killed, `scripts/bench.sh` ends the remaining processes by these files.
        let pid_file = directory.join(format!("{name}.pid"));
        fs::write(&pid_file, pid.to_string())?;
        Ok(Self { child, pid, pid_file, log })
    }

    /// Fails if the process has ended, with the last lines of its log.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        fs::remove_file(&self.pid_file).ok();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        bail!("it ended ({status}):\n{}", lines[lines.len().saturating_sub(15)..].join("\n"));
    }

    /// Sends SIGTERM to the process and waits for its end; kills it if that takes too long.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        if timeout(ENDING, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        fs::remove_file(&self.pid_file).ok();
        Ok(())
    }
}

/// A loopback address that is free.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// CPU time in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) kernel: f64,
}

impl Cpu {
    pub(crate) fn total(self) -> f64 {
        self.user + self.kernel
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self { user: self.user - before.user, kernel: self.kernel - before.kernel }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { user: self.user + other.user, kernel: self.kernel + other.kernel }
    }

    fn ticks(user: f64, kernel: f64) -> Self {
        Self { user: user / TICKS_PER_SECOND, kernel: kernel / TICKS_PER_SECOND }
    }
}

/// The numbers of a `stat` file, from the third field on.
struct Stat(Vec<f64>);

impl Stat {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        // The second field is the name in brackets, which may hold any character.
        let (_, fields) = text.rsplit_once(')')?;
        Some(Self(fields.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect()))
    }

    /// A field by its number in `proc_pid_stat(5)`.
    fn field(&self, number: usize) -> f64 {
        self.0.get(number - 3).copied().unwrap_or_default()
    }

    fn is_child_of(&self, pid: u32) -> bool {
        (self.field(4) - f64::from(pid)).abs() < 0.5
    }

    fn cpu(&self) -> Cpu {
        Cpu::ticks(self.field(14), self.field(15))
    }

    fn cpu_of_ended_children(&self) -> Cpu {
        Cpu::ticks(self.field(16), self.field(17))
    }
}

/// CPU time by the name of the thread, or by the title of PostgreSQL's process. Names that differ only by a number
/// count as one.
pub(crate) fn cpu_by_name(pid: u32) -> BTreeMap<String, Cpu> {
    let mut times = BTreeMap::<String, Cpu>::new();
    let mut add = |name: String, cpu: Cpu| {
        let sum = times.entry(name).or_default();
        *sum = sum.plus(cpu);
    };
    for child in children(pid) {
        if let Some((title, stat)) = title(child).zip(Stat::read(&path_of(child).join("stat"))) {
            add(title, stat.cpu());
        }
    }
    for thread in numbered(&path_of(pid).join("task")) {
        let path = path_of(pid).join("task").join(thread.to_string());
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if let Some(stat) = Stat::read(&path.join("stat")) {
            add(without_number(name.trim()), stat.cpu());
        }
    }
    times
}

/// CPU time of a process and its children, including children that have ended.
pub(crate) fn cpu(pid: u32) -> Cpu {
    let own = Stat::read(&path_of(pid).join("stat"));
    let own = own.map(|stat| stat.cpu().plus(stat.cpu_of_ended_children())).unwrap_or_default();
    let living = children(pid).into_iter().filter_map(|child| Stat::read(&path_of(child).join("stat")));
    living.fold(own, |sum, stat| sum.plus(stat.cpu()))
}

/// Memory of a process and its children in KiB; shared memory counts once.
pub(crate) fn memory(pid: u32) -> f64 {
    let read = |pid: u32, file: &str, field: &str| -> f64 {
        let text = fs::read_to_string(path_of(pid).join(file)).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(field));
        value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    };
    let children = children(pid);
    if children.is_empty() {
        return read(pid, "status", "VmRSS:");
    }
    [pid].into_iter().chain(children).map(|pid| read(pid, "smaps_rollup", "Pss:")).sum()
}

/// CPU time of each thread of a process, in nanoseconds since the thread began.
pub(crate) fn nanoseconds_by_thread(pid: u32) -> Vec<(u32, u64)> {
    let tasks = path_of(pid).join("task");
    let time = |thread: u32| {
        let text = fs::read_to_string(tasks.join(thread.to_string()).join("schedstat")).ok()?;
        Some((thread, text.split_whitespace().next()?.parse().ok()?))
    };
    numbered(&tasks).into_iter().filter_map(time).collect()
}

pub(crate) fn children(pid: u32) -> Vec<u32> {
    let is_child =
        |other: &u32| Stat::read(&path_of(*other).join("stat")).is_some_and(|stat| stat.is_child_of(pid));
    numbered(Path::new("/proc")).into_iter().filter(is_child).collect()
}

fn path_of(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn numbered(directory: &Path) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The title of one of PostgreSQL's processes, such as `walwriter`; `backend` for one that serves a client.
fn title(pid: u32) -> Option<String> {
    let line = fs::read(path_of(pid).join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let title = line.trim().strip_prefix("postgres: ")?;
    Some(if title.contains('(') { "backend".to_owned() } else { title.to_owned() })
}

fn without_number(name: &str) -> String {
    let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || "-:#".contains(letter));
    // A `|` would end a cell of a table.
    name.replace('|', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_time() {
        let pid = std::process::id();
        assert!(memory(pid) > 100.0);
        let started = std::time::Instant::now();
        while started.elapsed() < Duration::from_millis(60) {}
        assert!(cpu(pid).total() >= 0.02);
        let by_thread: f64 = cpu_by_name(pid).values().map(|cpu| cpu.total()).sum();
        assert!(by_thread >= 0.02);
    }

    #[test]
    fn threads_of_one_kind_have_one_name() {
        assert_eq!(without_number("tokio-rt-worker"), "tokio-rt-worker");
        assert_eq!(without_number("sqlite-12"), "sqlite");
        assert_eq!(without_number("actix-rt|system:0|arbiter:1"), "actix-rt system:0 arbiter");
    }
}
