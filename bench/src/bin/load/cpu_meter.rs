//! CPU time in nanoseconds, as the scheduler counts it: the first number of `schedstat` (proc(5)).
//!
//! Linux keeps this number for each thread, and it goes with the thread. So the threads of the processes and of their
//! children are read again and again while the work runs, and the last reading of one that has ended stays in the sum:
//! of such a thread at most one interval is missed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::processes;

/// How often the threads are read.
const INTERVAL: Duration = Duration::from_millis(200);

/// What some processes and their children use from now on.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    pids: Vec<u32>,
    /// By process and thread.
    threads: BTreeMap<(u32, u32), Reading>,
}

/// CPU time of a thread, in nanoseconds since it began.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    at_start: u64,
    last: u64,
}

impl CpuMeter {
    /// Begins to count; what threads have used before does not.
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

    /// Does the work; answers what it brought, and the nanoseconds that the processes have used by its end.
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
                // Long enough to be read once more.
                std::thread::sleep(INTERVAL * 3);
            });
            spun.join().unwrap();
        });
        let ((), used) = CpuMeter::start(&[pid]).during(async { thread.await.unwrap() }).await;
        // Other tests of this process may add to it; a busy machine may take from it.
        assert!(used >= 30_000_000, "{used} ns");
    }

    #[tokio::test]
    async fn what_was_used_before_does_not_count() {
        let mut child = tokio::process::Command::new("sleep").arg("5").kill_on_drop(true).spawn().unwrap();
        let pid = child.id().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let meter = CpuMeter::start(&[pid]);
        let ((), used) = meter.during(tokio::time::sleep(Duration::from_millis(300))).await;
        assert!(used < 1_000_000, "{used} ns");
        child.kill().await.unwrap();
    }
}
