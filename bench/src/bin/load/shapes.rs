//! Kinds of load: as fast as answers come, for a time or a count; at a fixed rate; many open streams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::client::{Answer, Connection};

/// The requests for one server.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) address: SocketAddr,
    /// The number of tokens in each answer.
    pub(crate) tokens: usize,
    /// The requests of each connection, which it repeats in this order.
    pub(crate) connections: Vec<Arc<[Vec<u8>]>>,
}

/// The times of calls, and how many failed.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) answers: Vec<Answer>,
    pub(crate) tokens: usize,
    pub(crate) elapsed: Duration,
    pub(crate) failures: usize,
    /// The first failure, in words.
    pub(crate) failure: Option<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.tokens += other.tokens;
        self.elapsed += other.elapsed;
        self.failures += other.failures;
        self.failure = self.failure.take().or(other.failure);
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.answers.len() as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.elapsed.as_secs_f64()
    }

    /// A percentile of the times of whole answers, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> Option<f64> {
        percentile(self.answers.iter().map(|answer| answer.whole), percent)
    }

    /// A percentile of the times to the first bytes, in milliseconds.
    pub(crate) fn first_percentile(&self, percent: usize) -> Option<f64> {
        percentile(self.answers.iter().map(|answer| answer.first), percent)
    }

    fn take(&mut self, answer: anyhow::Result<Answer>, tokens: usize) -> bool {
        match answer {
            Ok(answer) => {
                self.answers.push(answer);
                self.tokens += tokens;
                true
            }
            Err(error) => {
                self.failures += 1;
                self.failure.get_or_insert_with(|| format!("{error:#}"));
                false
            }
        }
    }
}

/// A percentile of times, in milliseconds.
pub(crate) fn percentile(times: impl Iterator<Item = Duration>, percent: usize) -> Option<f64> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1);
    times.get(rank - 1).map(|time| time.as_secs_f64() * 1e3)
}

/// Each connection sends its next request when it has its answer, until the time is over.
pub(crate) async fn closed_loop(load: &Workload, duration: Duration) -> Figures {
    let started = Instant::now();
    let ends = started + duration;
    let tasks = load.connections.iter().cloned().map(|requests| {
        let (address, tokens) = (load.address, load.tokens);
        async move {
            let mut figures = Figures::default();
            let mut connection = None;
            let mut requests = requests.iter().cycle();
            while Instant::now() < ends && figures.failures < 3 {
                let Some(request) = requests.next() else { break };
                call(&mut figures, &mut connection, address, request, tokens).await;
            }
            figures
        }
    });
    together(tasks, started).await
}

/// Each connection sends its next request when it has its answer, until all connections together have made this many
/// calls.
pub(crate) async fn fixed_count(load: &Workload, calls: usize) -> Figures {
    let started = Instant::now();
    let left = Arc::new(AtomicUsize::new(calls));
    let tasks = load.connections.iter().cloned().map(|requests| {
        let (address, tokens, left) = (load.address, load.tokens, Arc::clone(&left));
        async move {
            let mut figures = Figures::default();
            let mut connection = None;
            let take = |left: usize| left.checked_sub(1);
            for request in requests.iter().cycle() {
                let is_taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
                if !is_taken || figures.failures > 0 {
                    break;
                }
                call(&mut figures, &mut connection, address, request, tokens).await;
            }
            figures
        }
    });
    together(tasks, started).await
}

/// Calls start at fixed times, however long answers take. A call whose connection is busy waits for it, and its time
/// includes the wait.
pub(crate) async fn fixed_rate(load: &Workload, per_second: u32, duration: Duration) -> Figures {
    let started = Instant::now();
    let period = Duration::from_secs(1) / per_second;
    let stride = load.connections.len() as u32;
    let calls = (duration.as_secs_f64() * f64::from(per_second)) as u32;
    let tasks = (0..).zip(load.connections.iter().cloned()).map(|(index, requests)| {
        let (address, tokens) = (load.address, load.tokens);
        async move {
            let mut figures = Figures::default();
            let mut connection = Connection::open(address).await.ok();
            for (turn, request) in (index..calls).step_by(stride as usize).zip(requests.iter().cycle()) {
                let due = started + period * turn;
                let late = due.elapsed();
                sleep_until(due.into()).await;
                if call(&mut figures, &mut connection, address, request, tokens).await
                    && let Some(answer) = figures.answers.last_mut()
                {
                    answer.first += late;
                    answer.whole += late;
                }
            }
            figures
        }
    });
    together(tasks, started).await
}

/// One connection makes this many calls, one after the other; the answers are in that order.
pub(crate) async fn sequence(load: &Workload, calls: usize, at_most: Duration) -> Figures {
    let mut figures = Figures::default();
    let mut connection = None;
    let started = Instant::now();
    for request in load.connections.iter().flat_map(|requests| requests.iter()).cycle().take(calls) {
        let answered = call(&mut figures, &mut connection, load.address, request, load.tokens).await;
        if !answered || started.elapsed() > at_most {
            break;
        }
    }
    figures.elapsed = started.elapsed();
    figures
}

/// Opens a stream on every connection, all within a second, and reads each to its end.
pub(crate) async fn open_streams(load: &Workload) -> Figures {
    let started = Instant::now();
    let gap = Duration::from_secs(1) / load.connections.len().max(1) as u32;
    let tasks = (0..).zip(load.connections.iter().cloned()).map(|(index, requests)| {
        let (address, tokens) = (load.address, load.tokens);
        async move {
            let mut figures = Figures::default();
            sleep(gap * index).await;
            if let Some(request) = requests.first() {
                call(&mut figures, &mut None, address, request, tokens).await;
            }
            figures
        }
    });
    together(tasks, started).await
}

/// Makes a call on the connection, or on a new one if there is none. A connection on which a call failed is closed.
async fn call(
    figures: &mut Figures,
    connection: &mut Option<Connection>,
    address: SocketAddr,
    request: &[u8],
    tokens: usize,
) -> bool {
    let answer = async {
        if connection.is_none() {
            *connection = Some(Connection::open(address).await?);
        }
        match connection {
            Some(connection) => connection.call(request, tokens).await,
            None => Err(anyhow::anyhow!("not connected")),
        }
    };
    let answer = answer.await;
    let answered = figures.take(answer, tokens);
    if !answered {
        *connection = None;
    }
    answered
}

async fn together<F>(tasks: impl Iterator<Item = F>, started: Instant) -> Figures
where
    F: Future<Output = Figures> + Send + 'static,
{
    let mut tasks: JoinSet<Figures> = tasks.collect();
    let mut all = Figures::default();
    while let Some(figures) = tasks.join_next().await {
        if let Ok(figures) = figures {
            all.add(figures);
        }
    }
    all.elapsed = started.elapsed();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times = |count: u64| (1..=count).map(Duration::from_millis);
        assert_eq!(percentile(times(100), 50), Some(50.0));
        assert_eq!(percentile(times(100), 99), Some(99.0));
        assert_eq!(percentile(times(1), 99), Some(1.0));
        assert_eq!(percentile(times(0), 50), None);
    }
}
