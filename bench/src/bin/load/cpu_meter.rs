//! Measures CPU time in nanoseconds: the first number of `/proc/PID/task/TID/schedstat`.
//!
//! Linux counts it for each thread, and the number is gone when the thread ends. So the threads of the processes and
//! of their children are read every 200 ms during the work. The last reading of a thread that has ended stays in the
//! sum, so at most one interval of such a thread is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::processes;

/// How often the threads are read.
const INTERVAL: Duration = Duration::from_millis(200);

/// Measures the CPU time that some processes and their children use from its start on.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    pids: Vec<u32>,
    /// The readings by process and thread id.
    threads: BTreeMap<(u32, u32), Reading>,
}

/// CPU time of a thread, in nanoseconds since it began.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    at_start: u64,
    last: u64,
}

impl CpuMeter {
    /// Starts measuring; earlier CPU time does not count.
    pub(crate) fn start(pids: &[u32]) -> Self {
        let mut meter = Self { pids: pids.to_vec(), threads: BTreeMap::new() };
        meter.read();
        for reading in meter.threads.values_mut() {
            reading.at_start = reading.last;
        }
        meter
    }

    fn read(&mut self) {
        let children = self.pids.iter().flat_map(|pid| processes::children(*pid));
        let processes: Vec<u32> = self.pids.iter().copied().chain(children).collect();
        for pid in processes {
            for (thread, nanoseconds) in processes::nanoseconds_by_thread(pid) {
                self.threads.entry((pid, thread)).or_default().last = nanoseconds;
            }
        }
    }

    /// Runs the work. Returns its result and the CPU time of the processes, in nanoseconds.
    pub(crate) async fn during<T>(mut self, work: impl Future<Output = T>) -> (T, u64) {
        let mut work = std::pin::pin!(work);
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick() => self.read(),
            }
        };
        self.read();
        let used = self.threads.values().map(|reading| reading.last - reading.at_start).sum();
        (done, used)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn work(time: Duration) {
        let started = Instant::now();
        while started.elapsed() < time {}
    }

    #[tokio::test]
    async fn a_thread_that_has_ended_still_counts() {
        work(Duration::from_millis(50));
        let pid = std::process::id();
        let thread = tokio::task::spawn_blocking(|| {
            let spun = std::thread::spawn(|| {
                work(Duration::from_millis(100));
                // The thread lives long enough to be read after its work.
                std::thread::sleep(INTERVAL * 3);
            });
            spun.join().unwrap();
        });
        let ((), used) = CpuMeter::start(&[pid]).during(async { thread.await.unwrap() }).await;
        // Other tests of this process may add to it; a busy machine may take from it.
        assert!(used >= 30_000_000, "{used} ns");
    }

    #[tokio::test]
    async fn earlier_cpu_time_does_not_count() {
        let mut child = tokio::process::Command::new("sleep").arg("5").kill_on_drop(true).spawn().unwrap();
        let pid = child.id().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let meter = CpuMeter::start(&[pid]);
        let ((), used) = meter.during(tokio::time::sleep(Duration::from_millis(300))).await;
        assert!(used < 1_000_000, "{used} ns");
        child.kill().await.unwrap();
    }
}
