//! The limits of child processes, and how they are ended.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use omnichat_pdf::{PdfReader, PdfSettings};
use ports::{Bytes, ExtractionError, TextExtractor};
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

#[tokio::test]
async fn a_child_lowers_its_own_limits() {
    let mut child =
        Command::new(settings().program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let limit = |name: &str| {
        let limits = fs::read_to_string(&limits).unwrap();
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    until(|| limit("Max address space") == "536870912 536870912").await;
    assert_eq!(limit("Max cpu time"), "5 5");
    assert_eq!(limit("Max core file size"), "0 0");
    assert_eq!(limit("Max file size"), "0 0");
    assert_eq!(limit("Max open files"), "3 3");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_child_inherits_no_environment() {
    // These two variables are not ones that a shell sets itself.
    let read =
        outcome("cat >/dev/null; echo \"{\\\"pages\\\":1,\\\"text\\\":\\\"${HOME-none} ${CARGO-none}\\\"}\"")
            .await;
    assert_eq!(read.unwrap().text, "none none");
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
        let settings = PdfSettings { wall: Duration::from_secs(2), ..scripted(script) };
        let read = PdfReader::new(settings).extract(Bytes::from_static(b"%PDF-")).await;
        let is_endless = script == "yes";
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
    let settings = PdfSettings { wall: Duration::from_millis(500), ..scripted(&script) };
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
        "cat >/dev/null; echo x >> {}; while [ ! -e {} ]; do sleep 0.02; done; echo '{{\"pages\":1,\"text\":\"\"}}'",
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
