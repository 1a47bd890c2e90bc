//! Documents that were changed at random. `just pdf-mutations` runs more of them.
#![expect(clippy::disallowed_methods, reason = "a script makes the test longer")]
#![expect(clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use omnichat_pdf::{PdfReader, PdfSettings};
use ports::{ExtractionError, TextExtractor};
use tokio::task::JoinSet;

use super::random::Random;
use super::{TEXT, page, short_settings};
use crate::support::stream;

/// How many documents are changed, unless `OMNICHAT_TEST_CASES` is set.
const CASES: u64 = 150;
const AT_ONCE: usize = 4;
/// The longest document that is changed; others take too long, and hold the same.
const LARGEST: usize = 200_000;

/// What a document may hold that readers act on.
const WORDS: &[&str] = &[
    "/FlateDecode",
    "/Length",
    "/Kids",
    "/Parent",
    "/Type",
    "/Font",
    "/W",
    "/Index",
    "/Filter",
    "/ObjStm",
    "/XRef",
    "obj",
    "endobj",
    "stream",
    "endstream",
    "xref",
    "trailer",
    "startxref",
    " 0 R",
    "<<",
    ">>",
    "[",
    "]",
    "(",
    ")",
    "-1",
    "0",
    "4294967295",
    "9223372036854775807",
    "1e38",
    "null",
    "BT",
    "ET",
    "Tj",
    "Do",
    "q",
    "Q",
    "Tf",
    "cm",
    "BI",
    "ID",
];

/// Threat 55
#[tokio::test]
async fn changed_documents_never_fail() {
    let setting = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().expect("the setting is a number"))
    };
    let (first, cases) = (setting("OMNICHAT_TEST_SEED", 1), setting("OMNICHAT_TEST_CASES", CASES));
    let originals = Arc::new(originals());
    let reader = Arc::new(PdfReader::new(PdfSettings { at_once: AT_ONCE, ..short_settings() }));
    let mut seeds = first..first + cases;
    let mut reads = JoinSet::new();
    let (mut texts, mut refused, mut limited) = (0, 0, 0);
    loop {
        while reads.len() < AT_ONCE
            && let Some(seed) = seeds.next()
        {
            let (reader, document) = (Arc::clone(&reader), changed(seed, &originals));
            reads.spawn(async move { (seed, reader.extract(document.into()).await) });
        }
        let Some(read) = reads.join_next().await else { break };
        match read.unwrap() {
            (_, Ok(_)) => texts += 1,
            (_, Err(ExtractionError::Encrypted | ExtractionError::Unreadable)) => refused += 1,
            (seed, Err(ExtractionError::TooComplex)) => {
                eprintln!("seed {seed} exceeds a limit");
                limited += 1;
            }
            (seed, Err(error @ (ExtractionError::Busy | ExtractionError::Failed(_)))) => {
                panic!("OMNICHAT_TEST_SEED={seed} OMNICHAT_TEST_CASES=1: {error:?}")
            }
        }
    }
    eprintln!("{cases} documents from seed {first}: {texts} read, {refused} refused, {limited} too complex");
    // If nearly all were refused, the test would show little.
    assert!(texts * 3 >= cases, "{texts} of {cases} documents were read");
}

/// Documents of this test, and the fixtures that are not long.
fn originals() -> Vec<Vec<u8>> {
    let table =
        "1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <41> <5A> <0391> endbfrange";
    let font = "<</Type/Font/Subtype/TrueType/BaseFont/X/ToUnicode 7 0 R/FirstChar 65/LastChar 67/Widths[500 600 700]>>";
    let form = stream("/Type/XObject/Subtype/Form/BBox[0 0 99 99]", TEXT);
    let content =
        format!("q 1 0 0 1 9 9 cm {TEXT} Q /X0 Do BT /G 9 Tf [(AB) -300 (C)] TJ ET /P <</MCID 0>> BDC EMC");
    let resources = "/XObject<</X0 6 0 R>>/Font<</G 8 0 R>>";
    let mut originals = vec![page(resources, content, &[form, stream("", table), font.into()])];
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let pdfs = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    originals.extend(pdfs.map(|path| fs::read(path).unwrap()).filter(|pdf| pdf.len() <= LARGEST));
    originals
}

/// One of the documents, changed in one to eight places.
fn changed(seed: u64, originals: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut document = originals[random.below(originals.len())].clone();
    for _ in 0..=random.below(8) {
        if document.is_empty() {
            break;
        }
        let place = random.below(document.len());
        match random.below(6) {
            0 => document[place] = random.byte(),
            1 => document[place] ^= 1 << random.below(8),
            2 => {
                let end = (place + random.below(8)).min(document.len());
                document.splice(place..end, WORDS[random.below(WORDS.len())].bytes());
            }
            3 => drop(document.drain(place..(place + random.below(100)).min(document.len()))),
            4 => {
                let other = &originals[random.below(originals.len())];
                let start = random.below(other.len());
                let end = (start + random.below(2_000)).min(other.len());
                document.splice(place..place, other[start..end].iter().copied());
            }
            _ if random.below(4) == 0 => document.truncate(place + 1),
            _ => document.extend_from_within(place..(place + random.below(500)).min(document.len())),
        }
    }
    document
}
