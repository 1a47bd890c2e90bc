//! How many words of documents by many programs are read, compared with pdftotext.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use omnichat_pdf::PdfReader;
use ports::TextExtractor;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::support::settings;

/// A directory of other documents to measure, in place of the fixtures.
const DIRECTORY: &str = "OMNICHAT_TEST_PDFS";
/// The least F1 of a fixture.
const FLOOR: f64 = 0.95;
/// The least mean F1 of the fixtures.
const MEAN: f64 = 0.98;

/// Prints a table of the documents. Each has its text by pdftotext beside it, or pdftotext reads it now.
#[tokio::test]
async fn fixtures_have_the_words_that_pdftotext_reads() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let directory = env::var_os(DIRECTORY).map(PathBuf::from);
    let mut measured = Vec::new();
    eprintln!("{:40} {:>7} {:>7} {:>6}  error", "document", "words", "lost", "F1");
    for document in documents(directory.as_deref().unwrap_or(&fixtures)) {
        let read = PdfReader::new(settings()).extract(fs::read(&document).unwrap().into()).await;
        let (text, error) = match read {
            Ok(read) => (read.text, String::new()),
            Err(error) => (String::new(), error.to_string()),
        };
        let comparison = Comparison::new(&text, &reference(&document));
        let name = document.file_name().unwrap().to_string_lossy().into_owned();
        let Comparison { words, lost, f1 } = comparison;
        eprintln!("{name:40} {words:7} {lost:7} {f1:6.3}  {error}");
        measured.push((name, f1));
    }
    assert!(!measured.is_empty(), "no document was found");
    let count = u32::try_from(measured.len()).unwrap();
    let mean = measured.iter().map(|(_, f1)| f1).sum::<f64>() / f64::from(count);
    eprintln!("{count} documents, mean F1 {mean:.3}");
    if directory.is_none() {
        assert!(mean >= MEAN, "the mean is {mean:.3}");
        for (name, f1) in measured {
            assert!(f1 >= FLOOR, "{name}: {f1:.3}");
        }
    }
}

/// The PDFs of a directory, by name, without the encrypted fixtures: those have tests of their own.
fn documents(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_pdf = |path: &PathBuf| path.extension() == Some(OsStr::new("pdf"));
    let is_encrypted = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("encrypted-");
    let mut documents: Vec<_> = entries.filter(is_pdf).filter(|path| !is_encrypted(path)).collect();
    documents.sort();
    documents
}

/// The text of a document by pdftotext.
fn reference(document: &Path) -> String {
    if let Ok(text) = fs::read_to_string(document.with_extension("txt")) {
        return text;
    }
    let mut pdftotext = Command::new("pdftotext");
    let output = pdftotext.args(["-enc", "UTF-8", "-l", "500"]).arg(document).arg("-").output();
    let output = output.map_err(|error| format!("pdftotext does not start: {error}")).unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A text compared with a reference: as bags of words, so that the order does not matter.
struct Comparison {
    /// The number of words of the reference.
    words: u32,
    /// How many of them the text does not have.
    lost: u32,
    /// The harmonic mean of precision and recall; 1 if both texts have no words.
    f1: f64,
}

impl Comparison {
    fn new(text: &str, reference: &str) -> Self {
        let (text, reference) = (counted(text), counted(reference));
        let common: u32 =
            reference.iter().map(|(word, count)| text.get(word).map_or(0, |found| *found.min(count))).sum();
        let (found, words) = (text.values().sum::<u32>(), reference.values().sum::<u32>());
        let f1 = if found + words == 0 { 1.0 } else { 2.0 * f64::from(common) / f64::from(found + words) };
        Self { words, lost: words - common, f1 }
    }
}

/// The words of a text, each with its count.
fn counted(text: &str) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for word in words(text) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

/// The words of a text in lower case: runs of letters, digits and marks. Each Chinese character and kana is a word.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.nfkc().flat_map(char::to_lowercase).filter(|character| !is_invisible(*character)) {
        let is_alone = is_unspaced(character);
        let is_inside = !is_alone && (character.is_alphanumeric() || is_combining_mark(character));
        if is_inside {
            word.push(character);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_alone {
            words.push(character.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A character that is not seen and does not end a word: a soft hyphen, a joiner, a mark of direction. (The marks that
/// embed a direction do end one: pdftotext has them in place of spaces.)
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A character of a script that is written without spaces between words: kana or Chinese.
fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[test]
fn words_are_compared_without_regard_to_order_and_case() {
    assert_eq!(words("Naïve ﬁles, 7,723: 会議 x\u{ad}y"), ["naïve", "files", "7", "723", "会", "議", "xy"]);
    let comparison = Comparison::new("a b b", "B A c d d");
    assert_eq!((comparison.words, comparison.lost), (5, 3));
    assert!((comparison.f1 - 0.5).abs() < 1e-9);
}
