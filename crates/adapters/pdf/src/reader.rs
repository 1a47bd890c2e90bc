//! The parent's side: it starts a child process for each document, a few at the same time.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

use async_trait::async_trait;
use ports::{Extracted, ExtractionError, TextExtractor};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::child::UNRESTRICTED;
use crate::reader_result::{RESULT_BYTES, ReaderResult};

/// How many bytes of a child's standard error are kept for the log.
const STDERR_BYTES: u64 = 512;
/// The exit code of a Rust program that panicked.
const PANICKED: i32 = 101;

/// How documents are read.
#[derive(Debug, Clone)]
pub struct PdfSettings {
    /// The program that runs [`child_main`](crate::child_main).
    pub program: PathBuf,
    /// The arguments with which it does so.
    pub arguments: Vec<OsString>,
    /// How many documents are read at the same time.
    pub at_once: usize,
    /// How many more may wait.
    pub waiting: usize,
    /// How long a document may wait.
    pub patience: Duration,
    /// The time limit of reading one document, by the clock.
    pub wall: Duration,
}

/// Reads PDFs, each in a child process.
#[derive(Debug)]
pub struct PdfReader {
    settings: PdfSettings,
    admitted: Semaphore,
    running: Semaphore,
    warned: Once,
}

impl PdfReader {
    /// A reader; no process is started yet.
    #[must_use]
    pub fn new(settings: PdfSettings) -> Self {
        Self {
            admitted: Semaphore::new(settings.at_once.saturating_add(settings.waiting)),
            running: Semaphore::new(settings.at_once),
            warned: Once::new(),
            settings,
        }
    }

    /// Waits for a permit to start a process; fails if too many documents wait already, or after `patience`.
    async fn permit(&self) -> Result<[SemaphorePermit<'_>; 2], ExtractionError> {
        let admitted = self.admitted.try_acquire().map_err(|_| ExtractionError::Busy)?;
        let running = timeout(self.settings.patience, self.running.acquire()).await;
        let running = running.ok().and_then(Result::ok).ok_or(ExtractionError::Busy)?;
        Ok([running, admitted])
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.settings.program)
            .args(&self.settings.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is then sent to the parent alone, which ends in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    fn evaluate(&self, output: &ChildOutput) -> Result<Extracted, ExtractionError> {
        let ChildOutput { stdout, stderr, status } = output;
        let stderr = String::from_utf8_lossy(stderr).trim().to_owned();
        if status.success() {
            if stderr.starts_with(UNRESTRICTED) {
                self.warned.call_once(|| tracing::warn!("PDFs are read by a process whose {stderr}"));
            }
            let result: Result<ReaderResult, _> = serde_json::from_slice(stdout);
            return result.map_err(|error| failed(Failure::Result(error)))?.into();
        }
        // A child that exceeds a limit is ended by a signal; a failed allocation or a stack overflow aborts it.
        if status.signal().is_some() || status.code() == Some(PANICKED) {
            tracing::info!(%status, stderr, "a document exceeded the limits of its reader");
            return Err(ExtractionError::TooComplex);
        }
        Err(failed(Failure::Exit { status: *status, stderr }))
    }
}

#[async_trait]
impl TextExtractor for PdfReader {
    async fn extract(&self, pdf: ports::Bytes) -> Result<Extracted, ExtractionError> {
        let _permit = self.permit().await?;
        let mut child = self.spawn().map_err(|error| failed(Failure::Start(error)))?;
        let wall = self.settings.wall;
        match timeout(wall, communicate(&mut child, &pdf)).await {
            Ok(Ok(output)) => self.evaluate(&output),
            Ok(Err(error)) => Err(failed(Failure::Pipe(error))),
            Err(_) => {
                child.kill().await.map_err(|error| failed(Failure::Pipe(error)))?;
                tracing::info!(wall_ms = wall.as_millis(), "a document took too long to be read");
                Err(ExtractionError::TooComplex)
            }
        }
    }
}

/// What a child wrote to standard output and standard error, and how it ended.
struct ChildOutput {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: ExitStatus,
}

/// Writes the document to a child and reads what it writes.
async fn communicate(child: &mut Child, pdf: &[u8]) -> io::Result<ChildOutput> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut stdin) = stdin {
            // An error is ignored: a child that has ended or read enough closes the pipe, and its output tells more.
            let _ = stdin.write_all(pdf).await;
        }
    };
    let (stdout, stderr, status, ()) =
        tokio::join!(read_start(stdout, RESULT_BYTES), read_start(stderr, STDERR_BYTES), child.wait(), write);
    Ok(ChildOutput { stdout: stdout?, stderr: stderr?, status: status? })
}

/// Reads the first bytes of a pipe. The rest is read and discarded, so that the child is never blocked.
async fn read_start(pipe: Option<impl AsyncRead + Unpin>, bytes: u64) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(bytes).read_to_end(&mut start).await?;
        copy(&mut pipe, &mut sink()).await?;
    }
    Ok(start)
}

fn failed(failure: Failure) -> ExtractionError {
    ExtractionError::Failed(Box::new(failure))
}

/// A failure of a child as it is logged.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the process cannot be started")]
    Start(#[source] io::Error),
    #[error("the pipes to the process failed")]
    Pipe(#[source] io::Error),
    #[error("the output of the process cannot be read")]
    Result(#[source] serde_json::Error),
    #[error("the process ended with {status}: {stderr}")]
    Exit { status: ExitStatus, stderr: String },
}
