//! The limits of child processes, and how they are ended.

use std::fs::{self, File};
use std::future::ready;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use omnichat_pdf::{PdfReader, PdfSettings};
use ports::{Bytes, ExtractionError, TextExtractor};
use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::{pdf, settings};

const PATIENCE: Duration = Duration::from_secs(30);

/// Settings with a shell script in place of the child program.
fn scripted(script: &str) -> PdfSettings {
    PdfSettings { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()], ..settings() }
}

async fn outcome(script: &str) -> Result<ports::Extracted, ExtractionError> {
    PdfReader::new(scripted(script)).extract(Bytes::from_static(b"%PDF-")).await
}

async fn until(condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waited).await.unwrap();
}

fn is_alive(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// The id of the process that wrote it to this file.
async fn process_id_in(file: &Path) -> u32 {
    until(|| fs::read_to_string(file).is_ok_and(|number| number.ends_with('\n'))).await;
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// Settings with the child program of the tests, which then does this instead of reading.
fn misbehaving(action: &str) -> PdfSettings {
    PdfSettings { arguments: vec![action.into()], ..settings() }
}

/// A child as it is while it reads its document.
struct Waiting {
    directory: PathBuf,
}

impl Waiting {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap()
    }

    /// What a line of a file says that begins with this name.
    fn line(&self, file: &str, name: &str) -> String {
        let file = self.file(file);
        let line = file.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }
}

/// Threat 55
#[tokio::test]
async fn a_child_is_confined_before_it_reads_its_document() {
    // The test binary has an environment, and now also a descriptor that children inherit.
    let inherited = File::open("/dev/null").unwrap();
    fcntl_setfd(&inherited, FdFlags::empty()).unwrap();
    let reader = PdfReader::new(settings());
    // More than a pipe holds: the child waits for the rest while nothing polls the extraction.
    let mut extraction = reader.extract(vec![0; 1_000_000].into());
    tokio::select! {
        biased;
        read = &mut extraction => panic!("{read:?}"),
        () = ready(()) => {}
    }
    let child = fs::read_to_string("/proc/thread-self/children").unwrap();
    let child = Waiting { directory: Path::new("/proc").join(child.trim()) };
    until(|| child.line("status", "Seccomp:") == "2").await;

    assert_eq!(child.line("status", "NoNewPrivs:"), "1");
    assert_eq!(child.line("status", "Threads:"), "1");
    assert_eq!(child.file("environ"), "");
    let mut descriptors: Vec<_> =
        fs::read_dir(child.directory.join("fd")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);
    for (limit, value) in [
        ("Max address space", "536870912 536870912"),
        ("Max cpu time", "5 5"),
        ("Max core file size", "0 0"),
        ("Max file size", "0 0"),
        ("Max open files", "3 3"),
    ] {
        assert_eq!(child.line("limits", limit), value, "{limit}");
    }

    let read = extraction.await;
    assert!(matches!(read, Err(ExtractionError::Unreadable)), "{read:?}");
}

/// Threat 55
#[test]
fn a_confined_child_reaches_nothing() {
    let child = Command::new(settings().program).arg("attempts").output().unwrap();
    let attempts = String::from_utf8(child.stderr).unwrap();
    assert!(child.status.success(), "{attempts}");
    assert_eq!(attempts.lines().count(), 11);
    for attempt in attempts.lines() {
        // EPERM.
        assert!(attempt.ends_with(": Err(Some(1))"), "{attempt}");
    }
}

#[tokio::test]
async fn a_confined_child_that_fails_means_too_complex_a_document() {
    for action in ["panic", "abort", "overflow", "memory"] {
        let read = PdfReader::new(misbehaving(action)).extract(Bytes::from_static(b"%PDF-")).await;
        assert!(matches!(read, Err(ExtractionError::TooComplex)), "{action}: {read:?}");
    }
}

#[tokio::test]
async fn a_child_that_cannot_be_confined_wholly_reads_all_the_same() {
    let read = outcome(
        "cat >/dev/null; echo 'system calls cannot be restricted' >&2; echo '{\"pages\":1,\"pages_read\":1,\"text\":\"x\"}'",
    )
    .await;
    assert_eq!(read.unwrap().text, "x");
}

#[tokio::test]
async fn a_child_that_is_killed_means_too_complex_a_document() {
    for script in ["kill -KILL $$", "kill -XCPU $$", "kill -ABRT $$", "cat >/dev/null; exit 101"] {
        let read = outcome(script).await;
        assert!(matches!(read, Err(ExtractionError::TooComplex)), "{script}: {read:?}");
    }
}

#[tokio::test]
async fn a_child_that_fails_is_an_internal_failure() {
    for script in ["exit 3", "cat >/dev/null; echo '{\"pages\"'", "true", "yes"] {
        let is_endless = script == "yes";
        let wall = Duration::from_secs(if is_endless { 1 } else { 30 });
        let settings = PdfSettings { wall, ..scripted(script) };
        let read = PdfReader::new(settings).extract(Bytes::from_static(b"%PDF-")).await;
        assert!(matches!(read, Err(ExtractionError::Failed(_))) != is_endless, "{script}: {read:?}");
    }
    let absent = PdfSettings { program: "/absent".into(), ..settings() };
    let read = PdfReader::new(absent).extract(Bytes::from_static(b"%PDF-")).await;
    assert!(matches!(read, Err(ExtractionError::Failed(_))), "{read:?}");
}

#[tokio::test]
async fn a_child_that_takes_too_long_is_ended() {
    let directory = TempDir::new().unwrap();
    let number = directory.path().join("number");
    let script = format!("echo $$ > {}; exec sleep 600", number.display());
    let settings = PdfSettings { wall: Duration::from_secs(2), ..scripted(&script) };
    // More than a pipe holds: the child never reads it.
    let read = PdfReader::new(settings).extract(vec![0; 1_000_000].into()).await;
    assert!(matches!(read, Err(ExtractionError::TooComplex)), "{read:?}");
    assert!(!is_alive(process_id_in(&number).await));
}

#[tokio::test]
async fn a_child_ends_with_the_request() {
    let directory = TempDir::new().unwrap();
    let number = directory.path().join("number");
    let reader = PdfReader::new(scripted(&format!("echo $$ > {}; exec sleep 600", number.display())));
    let child = tokio::select! {
        read = reader.extract(Bytes::from_static(b"%PDF-")) => panic!("{read:?}"),
        child = process_id_in(&number) => child,
    };
    until(|| !is_alive(child)).await;
}

/// Threat 55
#[tokio::test]
async fn two_documents_are_read_at_the_same_time_and_the_others_wait() {
    let directory = TempDir::new().unwrap();
    let (started, go) = (directory.path().join("started"), directory.path().join("go"));
    let script = format!(
        "cat >/dev/null; echo x >> {}; while [ ! -e {} ]; do sleep 0.02; done; echo '{{\"pages\":1,\"pages_read\":1,\"text\":\"\"}}'",
        started.display(),
        go.display()
    );
    let running = || fs::read_to_string(&started).map_or(0, |lines| lines.lines().count());
    let reader = Arc::new(PdfReader::new(PdfSettings { waiting: 3, ..scripted(&script) }));
    let mut reads = JoinSet::new();
    for _ in 0..8 {
        let reader = Arc::clone(&reader);
        reads.spawn(async move { reader.extract(Bytes::from_static(b"%PDF-")).await });
    }
    // Two run, three wait, and three are refused.
    for _ in 0..3 {
        let read = reads.join_next().await.unwrap().unwrap();
        assert!(matches!(read, Err(ExtractionError::Busy)), "{read:?}");
    }
    until(|| running() == 2).await;
    fs::write(&go, "").unwrap();
    while let Some(read) = reads.join_next().await {
        assert_eq!(read.unwrap().unwrap().pages, 1);
    }
    assert_eq!(running(), 5);
}

#[tokio::test]
async fn a_document_waits_for_a_limited_time() {
    let settings =
        PdfSettings { at_once: 1, patience: Duration::from_millis(50), ..scripted("exec sleep 600") };
    let reader = PdfReader::new(settings);
    let first = reader.extract(Bytes::from_static(b"%PDF-"));
    tokio::select! {
        biased;
        read = first => panic!("{read:?}"),
        read = reader.extract(Bytes::from_static(b"%PDF-")) => assert!(matches!(read, Err(ExtractionError::Busy)), "{read:?}"),
    }
}

#[tokio::test]
async fn eight_documents_at_the_same_time_are_all_read() {
    let document: Bytes = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R>>",
    ])
    .into();
    let reader = Arc::new(PdfReader::new(settings()));
    let mut reads = JoinSet::new();
    for _ in 0..8 {
        let (reader, document) = (Arc::clone(&reader), document.clone());
        reads.spawn(async move { reader.extract(document).await });
    }
    while let Some(read) = reads.join_next().await {
        assert_eq!(read.unwrap().unwrap().pages, 1);
    }
}
