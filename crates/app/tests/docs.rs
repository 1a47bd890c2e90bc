//! The documents name only paths that exist.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// What a path in the documents begins with.
const ROOTS: &[&str] =
    &["crates/", "migrations/", "config/", "deploy/", "docs/", "scripts/", "bench/", ".ci/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The words of a text that look like paths of the project; `*`, `<` and `{` stand for something else.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "`()[],;\"'|".contains(c);
    text.split(ends)
        .map(|word| word.trim_end_matches(['.', ':']).trim_start_matches("./").trim_start_matches("../"))
        .filter(|word| ROOTS.iter().any(|root| word.starts_with(root)))
        .filter(|word| !word.contains(['*', '<', '{', '$', '…']))
        .map(|word| word.split('#').next().unwrap_or(word))
}

#[test]
fn every_path_in_the_documents_exists() {
    let root = root();
    let mut found = vec![root.join("README.md")];
    documents(&root.join("docs"), &mut found);
    let mut missing = Vec::new();
    for document in found {
        let text = fs::read_to_string(&document).unwrap();
        for path in paths(&text).filter(|path| !root.join(path).exists()) {
            missing.push(format!("{}: {path}", document.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(missing.is_empty(), "paths that do not exist:\n{}", missing.join("\n"));
}
