//! Writes lines from a thread of its own: a reader that stands still must not stop the service.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How many lines may wait; later ones are dropped and counted.
const WAITING: usize = 8_192;
/// How long the end of the process waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the log says how many lines it lost.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// The thread that writes lines. Dropping it waits a moment for those that are left.
#[derive(Debug)]
pub struct LogWriter {
    guard: Option<WorkerGuard>,
    dropped: DroppedLines,
}

/// Counts the lines that were dropped, because nobody read the log fast enough.
#[derive(Debug, Clone)]
pub struct DroppedLines {
    counter: ErrorCounter,
    reported: Arc<AtomicUsize>,
}

impl LogWriter {
    /// Starts the thread; lines are handed to what stands beside it, which never waits.
    pub(super) fn start(out: impl Write + Send + 'static) -> (Self, NonBlocking) {
        Self::with_room(out, WAITING)
    }

    fn with_room(out: impl Write + Send + 'static, waiting: usize) -> (Self, NonBlocking) {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(waiting);
        let (lines, guard) = builder.thread_name("log").finish(out);
        let dropped = DroppedLines { counter: lines.error_counter(), reported: Arc::default() };
        (Self { guard: Some(guard), dropped }, lines)
    }

    /// The lines that were dropped.
    #[must_use]
    pub fn dropped(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.dropped.report();
        let guard = self.guard.take();
        let (ended, end) = channel::<()>();
        // While the reader stands still, the guard tells so on standard output, which may be the same full pipe: it
        // must not be waited for. Where there can be no thread, the guard goes at once.
        let _ = thread::Builder::new().spawn(move || {
            drop(guard);
            drop(ended);
        });
        let _ = end.recv_timeout(PATIENCE);
    }
}

impl DroppedLines {
    /// Says in the log, now and then, how many lines it lost.
    pub async fn report_always(self) {
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            self.report();
        }
    }

    /// Says how many lines were lost since the last report, if any. A report that is lost itself is counted in the next.
    fn report(&self) {
        let now = self.counter.dropped_lines();
        let before = self.reported.swap(now, Ordering::Relaxed);
        if now > before {
            tracing::warn!("{} lines of the log were dropped", now - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender};
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    use tracing::Level;

    use super::super::subscriber;
    use super::*;
    use crate::config::{LogFormat, Telemetry};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes nothing until its gate is opened.
    struct Stuck(Receiver<()>, Shared);

    impl Stuck {
        fn new() -> (Sender<()>, Shared, Self) {
            let (gate, wait) = channel();
            let out = Shared::default();
            (gate, out.clone(), Self(wait, out))
        }
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_end_writes_what_is_left() {
        let out = Shared::default();
        let (writer, mut lines) = LogWriter::start(out.clone());
        for number in 0..1_000 {
            lines.write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        drop(writer);
        assert_eq!(out.text().lines().count(), 1_000);
        assert!(out.text().ends_with("line 999\n"));
    }

    #[test]
    fn a_log_that_nobody_reads_stops_nobody_and_says_later_what_is_missing() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let (gate, out, stuck) = Stuck::new();
            let (writer, lines) = LogWriter::with_room(stuck, 4);
            let log = subscriber(Telemetry { level: Level::INFO, format }, lines, false);
            tracing::subscriber::with_default(log, || {
                let start = Instant::now();
                for number in 0..1_000 {
                    tracing::info!("line {number}");
                }
                assert!(start.elapsed() < Duration::from_secs(5));
                let dropped = writer.dropped().counter.dropped_lines();
                assert!((994..=996).contains(&dropped), "{dropped}");
                drop(gate);
                while out.text().lines().count() < 1_000 - dropped {
                    thread::sleep(Duration::from_millis(1));
                }
                drop(writer);
                let text = out.text();
                let last = text.lines().last().unwrap();
                assert!(last.contains(&format!("{dropped} lines of the log were dropped")), "{text}");
                let is_json = serde_json::from_str::<serde_json::Value>(last).is_ok();
                assert_eq!(is_json, format == LogFormat::Json, "{last}");
            });
        }
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stands_still() {
        let (_gate, _out, stuck) = Stuck::new();
        let (writer, mut lines) = LogWriter::with_room(stuck, 1);
        for _ in 0..10 {
            lines.write_all(b"line\n").unwrap();
        }
        let start = Instant::now();
        drop(writer);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
