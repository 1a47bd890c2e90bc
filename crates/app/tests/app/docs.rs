//! Paths, crates and recipes that the documents name exist, and the documents cover what they must.

use std::fs;
use std::path::{Path, PathBuf};

/// The first folder of a path in the documents.
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

/// The words of a text that look like paths of the project; those with placeholders (`*`, `<`, `{`) are left out.
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

/// S2-4
#[test]
fn every_crate_is_described_in_the_architecture() {
    let crates = root().join("crates");
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for folder in [crates.clone(), crates.join("adapters")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            let is_crate = path.join("Cargo.toml").exists();
            assert!(
                !is_crate || map.contains(&format!("`{name}`")),
                "{name} is missing in docs/ARCHITECTURE.md"
            );
        }
    }
}

/// The recipes of the justfile.
fn recipes() -> Vec<String> {
    let text = fs::read_to_string(root().join("justfile")).unwrap();
    let heads = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let names = heads.filter_map(|line| line.split([' ', ':']).next());
    names.map(str::to_owned).collect()
}

/// S0-6, S3-3
#[test]
fn every_recipe_in_the_documents_exists() {
    let recipes = recipes();
    for needed in ["setup", "run", "test", "migrate"] {
        assert!(recipes.iter().any(|recipe| recipe == needed), "there is no recipe {needed}");
    }
    let root = root();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for told in ["cp .env.example .env", "`just setup`", "`just run`", "`just test`"] {
        assert!(readme.contains(told), "README.md does not say {told}");
    }
    let mut found = vec![root.join("README.md")];
    documents(&root.join("docs"), &mut found);
    for document in found {
        let text = fs::read_to_string(&document).unwrap();
        for rest in text.split("`just ").skip(1) {
            let name = rest.split([' ', '`']).next().unwrap_or(rest);
            assert!(recipes.iter().any(|recipe| recipe == name), "{}: just {name}", document.display());
        }
    }
}

/// S1-16, S4-53, S4-58
#[test]
fn the_documents_answer_the_questions_of_operators() {
    for (document, words) in [
        ("docs/OPERATIONS.md", &["RATE_LIMIT_TIERS", "free 60, pro 300, enterprise 1200", "--tier pro"][..]),
        ("docs/SECURITY.md", &["Retention", "Encrypt", "audit"][..]),
        (
            "docs/TROUBLESHOOTING.md",
            &[
                "OPENAI_API_KEY",
                "credits",
                "provider's limits",
                "rate_limit_exceeded",
                "DATABASE_URL",
                "names the variable",
                "LOG_LEVEL",
                "invalid_token",
            ],
        ),
    ] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for word in words {
            assert!(text.contains(word), "{document} does not say {word}");
        }
    }
}
