//! Every row of the contracts that are served is named above a test that shows it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The contracts that are served, and how many rows each has.
const CONTRACTS: [(&str, u32); 4] = [("S0", 77), ("S2", 24), ("S3", 16), ("S4", 61)];

/// Rows that are not served yet, and why.
const NOT_YET: &[(&str, &str)] = &[
    ("S0-51", "no conversation is kept at the provider"),
    ("S0-52", "no summary is made"),
    ("S0-53", "no conversation is kept at the provider"),
    ("S0-62", "no summary is made"),
    ("S0-63", "no summary is made"),
    ("S0-64", "no summary is made"),
    ("S4-57", "replicas share no rate limits"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_ours = !path.ends_with("target") && !path.ends_with("node_modules");
        if path.is_dir() && is_ours {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The comments that stand right above the tests of a file. The tests of some files are registered elsewhere: each of
/// their functions with a row above it is one.
fn above_tests(text: &str, each_function: bool) -> Vec<&str> {
    let (mut found, mut comment, mut is_test) = (Vec::new(), Vec::new(), each_function);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("//") {
            comment.push(line);
        } else if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else {
            let is_function = line.contains("fn ");
            if is_test && is_function {
                found.append(&mut comment);
            }
            comment.clear();
            is_test = each_function;
        }
    }
    found
}

/// The row whose id begins a text: `S0-12`.
fn row(text: &str) -> Option<(&str, u32)> {
    let (contract, rest) = text.split_at_checked(2)?;
    let digits = rest.strip_prefix('-')?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let is_contract = contract.starts_with('S') && contract.ends_with(|c: char| ('0'..='4').contains(&c));
    is_contract.then_some((contract, digits[..end].parse().ok()?))
}

/// The rows that a comment names; `S0-15 to S0-17` names three.
fn rows(comment: &str) -> BTreeSet<String> {
    let words: Vec<&str> = comment.split_whitespace().map(|word| word.trim_start_matches('(')).collect();
    let mut named = BTreeSet::new();
    for (at, (contract, number)) in words.iter().enumerate().filter_map(|(at, word)| Some((at, row(word)?))) {
        let last = match words.get(at + 1..at + 3) {
            Some(["to", last]) => row(last).filter(|(same, _)| *same == contract).map(|(_, last)| last),
            _ => None,
        };
        named.extend((number..=last.unwrap_or(number)).map(|number| format!("{contract}-{number}")));
    }
    named
}

/// All rows that tests name.
fn tested() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut files = Vec::new();
    sources(&crates, &mut files);
    let mut named = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let in_suite = file.strip_prefix(&crates).unwrap().starts_with("testkit/src/contract");
        let comments = above_tests(&text, in_suite || text.contains("\non_both_stores!"));
        named.extend(comments.into_iter().flat_map(rows));
    }
    named
}

#[test]
fn every_row_that_is_served_has_a_test() {
    let tested = tested();
    let all: Vec<String> = CONTRACTS
        .iter()
        .flat_map(|(contract, count)| (1..=*count).map(move |number| format!("{contract}-{number}")))
        .collect();
    let is_excused = |row: &String| NOT_YET.iter().any(|(excused, _)| excused == row);
    let missing: Vec<&String> = all.iter().filter(|row| !tested.contains(*row) && !is_excused(row)).collect();
    assert!(missing.is_empty(), "no test names these rows: {missing:?}");
    let served: Vec<&(&str, &str)> = NOT_YET.iter().filter(|(row, _)| tested.contains(*row)).collect();
    assert!(served.is_empty(), "tests show these rows, so they are served: {served:?}");
    let beyond: Vec<&String> =
        tested.iter().filter(|row| !row.starts_with("S1-") && !all.contains(row)).collect();
    assert!(beyond.is_empty(), "there are no such rows: {beyond:?}");
}

#[test]
fn comments_above_tests_are_read() {
    let text = "//! S0-1\n\n/// S0-2\nconst X: u8 = 1;\n\n/// S0-3, S2-4\n#[test]\nfn a() {}\n\n/// S0-5\nfn b() {}\n";
    assert_eq!(above_tests(text, false), ["/// S0-3, S2-4"]);
    assert_eq!(above_tests(text, true), ["/// S0-3, S2-4", "/// S0-5"]);
    let named = rows("/// S0-15 to S0-17, S3-2: (S4-9), as before; C-4, S0, S5-1, safety 48");
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(named, ["S0-15", "S0-16", "S0-17", "S3-2", "S4-9"]);
}
