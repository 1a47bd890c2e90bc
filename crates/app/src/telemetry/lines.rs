//! Writes lines from a thread of its own: a reader that stands still must not stop the service.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait; later ones are dropped and counted.
const WAITING: usize = 8_192;

/// How long the end of the process waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that writes lines. Dropping it waits a moment for those that are left.
#[derive(Debug)]
pub struct Lines {
    writer: LinesWriter,
    ended: Receiver<()>,
}

/// Hands lines to the thread, and never waits.
#[derive(Debug, Clone)]
pub(super) struct LinesWriter {
    sender: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    End,
}

impl Lines {
    pub(super) fn start(out: impl Write + Send + 'static) -> Self {
        Self::with_room(out, WAITING)
    }

    fn with_room(out: impl Write + Send + 'static, waiting: usize) -> Self {
        let (sender, lines) = sync_channel(waiting);
        let (end, ended) = sync_channel(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        // Not a task: it must also write while the runtime ends. Where there can be no thread, lines are dropped.
        let started = thread::Builder::new().name("log".to_owned()).spawn(move || {
            write_lines(&lines, out, &counted);
            let _ = end.send(());
        });
        drop(started);
        Self { writer: LinesWriter { sender, dropped }, ended }
    }

    pub(super) fn writer(&self) -> LinesWriter {
        self.writer.clone()
    }

    /// How many lines were dropped, because nobody read the log fast enough.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.writer.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // With a full queue there is a reader that stands still, and no point in waiting long.
        let mut end = Message::End;
        for _ in 0..10 {
            match self.writer.sender.try_send(end) {
                Ok(()) => {
                    let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(PATIENCE);
                    return;
                }
                Err(std::sync::mpsc::TrySendError::Full(again)) => end = again,
                Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return,
            }
            thread::sleep(PATIENCE / 20);
        }
    }
}

fn write_lines(lines: &Receiver<Message>, mut out: impl Write, dropped: &AtomicU64) {
    let mut told = 0;
    while let Ok(Message::Line(line)) = lines.recv() {
        // A log that cannot be written can be told to nobody.
        let _ = out.write_all(&line);
        let lost = dropped.load(Ordering::Relaxed);
        if lost > told {
            let _ = writeln!(
                out,
                "{{\"level\":\"WARN\",\"message\":\"{} lines of the log were dropped\"}}",
                lost - told
            );
            told = lost;
        }
        let _ = out.flush();
    }
}

impl<'a> MakeWriter<'a> for LinesWriter {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { bytes: Vec::with_capacity(256), writer: self }
    }
}

/// A line that is being made; it is handed over when it is dropped.
#[derive(Debug)]
pub(super) struct Line<'a> {
    bytes: Vec<u8>,
    writer: &'a LinesWriter,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = std::mem::take(&mut self.bytes);
        if !line.is_empty() && self.writer.sender.try_send(Message::Line(line)).is_err() {
            self.writer.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    use super::*;

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
        let lines = Lines::start(out.clone());
        for number in 0..1_000 {
            writeln!(lines.writer().make_writer(), "line {number}").unwrap();
        }
        drop(lines);
        assert_eq!(out.text().lines().count(), 1_000);
        assert!(out.text().ends_with("line 999\n"));
    }

    #[test]
    fn a_log_that_nobody_reads_stops_nobody_and_says_later_what_is_missing() {
        let (gate, out, stuck) = Stuck::new();
        let lines = Lines::with_room(stuck, 4);
        let start = Instant::now();
        for number in 0..1_000 {
            writeln!(lines.writer().make_writer(), "line {number}").unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(5));
        let dropped = lines.dropped();
        assert!((994..=996).contains(&dropped), "{dropped}");
        drop(gate);
        drop(lines);
        assert!(out.text().contains(&format!("{dropped} lines of the log were dropped")), "{}", out.text());
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stands_still() {
        let (_gate, _out, stuck) = Stuck::new();
        let lines = Lines::with_room(stuck, 1);
        for _ in 0..10 {
            writeln!(lines.writer().make_writer(), "line").unwrap();
        }
        let start = Instant::now();
        drop(lines);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
