//! Hostile documents: each is read, or refused for what it is, within the limits, and never an internal failure.

mod contents;
mod encryption;
mod fonts;
mod mutations;
mod random;
mod structure;

use std::sync::Arc;

use omnichat_pdf::{PdfReader, PdfSettings};
use ports::{Extracted, ExtractionError, TextExtractor};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{pdf, settings, stream};

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
const TEXT: &str = "BT /F 12 Tf 72 700 Td (text) Tj ET";

/// What must become of a document.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// All of its text is read.
    Reads(&'static str),
    /// It is read up to what exceeds a limit, or refused as too complex.
    Limited,
    Unreadable,
    Encrypted,
    /// It is read, or refused for any of these reasons: that depends on how much of it the library can repair.
    Answered,
}

type Case = (&'static str, Vec<u8>, Outcome);

/// A document of one page with this content; `resources` are added to the page's, and `further` objects are numbered
/// from 6 on.
fn page(resources: &str, content: impl AsRef<[u8]>, further: &[Vec<u8>]) -> Vec<u8> {
    let page =
        format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>{resources}>>>>");
    objects(&[CATALOG.into(), PAGES.into(), page.into(), stream("", content), FONT.into()], further)
}

fn objects(first: &[Vec<u8>], further: &[Vec<u8>]) -> Vec<u8> {
    pdf(&[first, further].concat())
}

/// Settings whose child has one second of CPU time instead of five.
fn short_settings() -> PdfSettings {
    let PdfSettings { program, .. } = settings();
    let script = format!("ulimit -t 1; exec {}", program.display());
    PdfSettings { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()], ..settings() }
}

/// Reads the documents, two at a time, and checks what becomes of each.
async fn check(cases: Vec<Case>) {
    let reader = Arc::new(PdfReader::new(PdfSettings { waiting: cases.len(), ..short_settings() }));
    let turns = Arc::new(Semaphore::new(2));
    let mut reads = JoinSet::new();
    for (name, document, outcome) in cases {
        let (reader, turns) = (Arc::clone(&reader), Arc::clone(&turns));
        reads.spawn(async move {
            let _turn = turns.acquire().await;
            (name, outcome, reader.extract(document.into()).await)
        });
    }
    let mut wrong = Vec::new();
    while let Some(read) = reads.join_next().await {
        let (name, outcome, read) = read.unwrap();
        if !fits(outcome, &read) {
            let read: String = format!("{read:?}").chars().take(200).collect();
            wrong.push(format!("{name}: {outcome:?}, but {read}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fits(outcome: Outcome, read: &Result<Extracted, ExtractionError>) -> bool {
    let (limited, answered) = (matches!(outcome, Outcome::Limited), matches!(outcome, Outcome::Answered));
    match read {
        Ok(read) => limited || answered || matches!(outcome, Outcome::Reads(text) if read.text == text),
        Err(ExtractionError::TooComplex) => limited || answered,
        Err(ExtractionError::Unreadable) => answered || matches!(outcome, Outcome::Unreadable),
        Err(ExtractionError::Encrypted) => answered || matches!(outcome, Outcome::Encrypted),
        Err(ExtractionError::Busy | ExtractionError::Failed(_)) => false,
    }
}
