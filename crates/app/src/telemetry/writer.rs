//! Writes the log from a thread of its own, so that a blocked standard error does not block the service.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How many lines may wait to be written; further lines are dropped and counted.
const WAITING: usize = 8_192;
/// How long the process waits at its end for the remaining lines to be written.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often dropped lines are reported in the log.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// The thread that writes lines. Dropping it waits up to two seconds for the remaining ones.
#[derive(Debug)]
pub struct LogWriter {
    guard: Option<WorkerGuard>,
    dropped: DroppedLines,
}

/// Counts the lines that were dropped because standard error took them too slowly.
#[derive(Debug, Clone)]
pub struct DroppedLines {
    counter: ErrorCounter,
    reported: Arc<AtomicUsize>,
}

impl LogWriter {
    /// Starts the thread. Lines are written to the second value, which never blocks.
    pub(super) fn start(out: impl Write + Send + 'static) -> (Self, NonBlocking) {
        Self::with_capacity(out, WAITING)
    }

    fn with_capacity(out: impl Write + Send + 'static, waiting: usize) -> (Self, NonBlocking) {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(waiting);
        let (lines, guard) = builder.thread_name("log").finish(out);
        let dropped = DroppedLines { counter: lines.error_counter(), reported: Arc::default() };
        (Self { guard: Some(guard), dropped }, lines)
    }

    /// The counter of dropped lines.
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
        // If the lines cannot be written, the guard prints a message to standard output. That may be the same full
        // pipe, so the guard is dropped in a thread that can be left behind. Without a thread it is dropped here.
        let _ = thread::Builder::new().spawn(move || {
            drop(guard);
            drop(ended);
        });
        let _ = end.recv_timeout(PATIENCE);
    }
}

impl DroppedLines {
    /// Reports dropped lines in the log every few seconds, for ever.
    pub async fn report_always(self) {
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            self.report();
        }
    }

    /// Reports the lines that were dropped since the last report, if any. A dropped report is counted in the next one.
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

    /// An output that blocks until its gate is opened.
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
    fn dropping_the_writer_writes_the_remaining_lines() {
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
    fn a_blocked_output_does_not_block_the_service_and_dropped_lines_are_reported() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let (gate, out, stuck) = Stuck::new();
            let (writer, lines) = LogWriter::with_capacity(stuck, 4);
            let log = subscriber(Telemetry { level: Level::INFO, format }, lines, false);
            tracing::subscriber::with_default(log, || {
                // The output takes nothing before the gate is dropped.
                for number in 0..1_000 {
                    tracing::info!("line {number}");
                }
                let start = Instant::now();
                let dropped = writer.dropped().counter.dropped_lines();
                assert!((994..=996).contains(&dropped), "{dropped}");
                drop(gate);
                while out.text().lines().count() < 1_000 - dropped {
                    assert!(start.elapsed() < Duration::from_secs(30), "lines are missing: {}", out.text());
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
    fn dropping_the_writer_does_not_wait_for_a_blocked_output() {
        let (_gate, _out, stuck) = Stuck::new();
        let (writer, lines) = LogWriter::with_capacity(stuck, 1);
        // A report that is logged without a subscriber could switch off that line for the test above, which runs at
        // the same time: tracing remembers for each line whether a subscriber wants it.
        let log = subscriber(Telemetry { level: Level::INFO, format: LogFormat::Pretty }, lines, false);
        tracing::subscriber::with_default(log, || {
            for number in 0..10 {
                tracing::info!("line {number}");
            }
            // The output takes nothing for ever.
            drop(writer);
        });
    }
}
