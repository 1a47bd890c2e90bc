//! The parent: one child for each document, a few at once.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ports::{Extracted, ExtractionError, TextExtractor};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::reader_result::{RESULT_BYTES, ReaderResult};

/// Bytes of a child's error output that are kept for the log.
const COMPLAINT_BYTES: u64 = 512;
/// The exit code of a Rust program that panicked.
const PANICKED: i32 = 101;

/// How documents are read.
#[derive(Debug, Clone)]
pub struct PdfSettings {
    /// The program that runs [`child_main`](crate::child_main).
    pub program: PathBuf,
    /// What makes it do so.
    pub arguments: Vec<OsString>,
    /// How many documents are read at once.
    pub at_once: usize,
    /// How many more may wait for their turn.
    pub waiting: usize,
    /// How long one waits for its turn.
    pub patience: Duration,
    /// How long reading one document may take.
    pub wall: Duration,
}

/// Reads PDFs, each in a process of its own.
#[derive(Debug)]
pub struct PdfReader {
    settings: PdfSettings,
    admitted: Semaphore,
    running: Semaphore,
}

impl PdfReader {
    /// A reader; no process is started yet.
    #[must_use]
    pub fn new(settings: PdfSettings) -> Self {
        Self {
            admitted: Semaphore::new(settings.at_once.saturating_add(settings.waiting)),
            running: Semaphore::new(settings.at_once),
            settings,
        }
    }

    /// Waits for one of the few processes; fails where too many wait already, or for too long.
    async fn turn(&self) -> Result<[SemaphorePermit<'_>; 2], ExtractionError> {
        let waiting = self.admitted.try_acquire().map_err(|_| ExtractionError::Busy)?;
        let turn = timeout(self.settings.patience, self.running.acquire()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(ExtractionError::Busy)?;
        Ok([turn, waiting])
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.settings.program)
            .args(&self.settings.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt from the terminal is the parent's matter: it lets what runs end in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl TextExtractor for PdfReader {
    async fn extract(&self, pdf: Arc<[u8]>) -> Result<Extracted, ExtractionError> {
        let _turn = self.turn().await?;
        let mut child = self.spawn().map_err(|error| failed(Failure::Start(error)))?;
        let wall = self.settings.wall;
        let said = timeout(wall, converse(&mut child, &pdf)).await;
        match said {
            Ok(Ok(said)) => judge(&said),
            Ok(Err(error)) => Err(failed(Failure::Pipe(error))),
            Err(_) => {
                child.kill().await.map_err(|error| failed(Failure::Pipe(error)))?;
                tracing::info!(wall_ms = wall.as_millis(), "a document took too long to be read");
                Err(ExtractionError::TooComplex)
            }
        }
    }
}

/// All that a child wrote, and how it ended.
struct Said {
    result: Vec<u8>,
    complaint: Vec<u8>,
    status: ExitStatus,
}

async fn converse(child: &mut Child, pdf: &[u8]) -> io::Result<Said> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let hand_over = async move {
        if let Some(mut stdin) = stdin {
            // A child that has ended or has read enough closes the pipe; its result tells more than that.
            let _ = stdin.write_all(pdf).await;
        }
    };
    let (result, complaint, status, ()) = tokio::join!(
        start_of(stdout, RESULT_BYTES),
        start_of(stderr, COMPLAINT_BYTES),
        child.wait(),
        hand_over
    );
    Ok(Said { result: result?, complaint: complaint?, status: status? })
}

/// The first bytes that come; the others are thrown away, so that the sender is never held up.
async fn start_of(pipe: Option<impl AsyncRead + Unpin>, bytes: u64) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(bytes).read_to_end(&mut start).await?;
        copy(&mut pipe, &mut sink()).await?;
    }
    Ok(start)
}

fn judge(said: &Said) -> Result<Extracted, ExtractionError> {
    let Said { result, complaint, status } = said;
    if status.success() {
        let result: Result<ReaderResult, _> = serde_json::from_slice(result);
        return result.map_err(|error| failed(Failure::Result(error)))?.into();
    }
    let complaint = String::from_utf8_lossy(complaint).trim().to_owned();
    // A limit ends the child by a signal, a failed allocation or a full stack by an abort.
    if status.signal().is_some() || status.code() == Some(PANICKED) {
        tracing::info!(%status, complaint, "a document was more than its reader could take");
        return Err(ExtractionError::TooComplex);
    }
    Err(failed(Failure::Exit { status: *status, complaint }))
}

fn failed(failure: Failure) -> ExtractionError {
    ExtractionError::Failed(Box::new(failure))
}

/// What a log says of a child that failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no process can be started")]
    Start(#[source] io::Error),
    #[error("the process cannot be spoken with")]
    Pipe(#[source] io::Error),
    #[error("the process gave no result that can be read")]
    Result(#[source] serde_json::Error),
    #[error("the process ended with {status}: {complaint}")]
    Exit { status: ExitStatus, complaint: String },
}
