//! An index of the contracts' rows: each row of a contract that is served is named in a comment above a test, and every
//! id in the code and the documents is defined in docs/contracts.md or docs/threats.md.
//!
//! This is no measure of coverage. It shows that a test claims a row, not that the test fails where the row is broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The contracts, and how many rows each has.
const CONTRACTS: [(&str, u32); 5] = [("S0", 77), ("S1", 58), ("S2", 24), ("S3", 16), ("S4", 61)];

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

/// What begins a comment in our files, by the ends of their names; documents are read as a whole.
const COMMENTS: &[(&str, &str)] =
    &[("rs", "//"), ("sql", "--"), ("sh", "#"), ("yaml", "#"), ("js", "//"), ("py", "#"), ("md", "")];

/// The documents that define ids, in the first cells of their tables.
const DEFINITIONS: &[&str] = &["docs/contracts.md", "docs/threats.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn sources(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_ours = !path.ends_with("target") && !path.ends_with("node_modules");
        if path.is_dir() && is_ours {
            sources(&path, extension, found);
        } else if path.extension().is_some_and(|its| its == extension) {
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
    let crates = root().join("crates");
    let mut files = Vec::new();
    sources(&crates, "rs", &mut files);
    let mut named = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let in_suite = file.strip_prefix(&crates).unwrap().starts_with("testkit/src/contract");
        let has_lists = ["\non_both_stores!", "\non_sqlite_alone!"].iter().any(|list| text.contains(list));
        let comments = above_tests(&text, in_suite || has_lists);
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
    let beyond: Vec<&String> = tested.iter().filter(|row| !all.contains(row)).collect();
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

/// The ids that a text names: rows of contracts, rules where they meet, threats, faults.
fn ids(text: &str) -> BTreeSet<String> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let words: Vec<&str> = text.split(ends).filter(|word| !word.is_empty()).collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = |word: &str| {
        let rule = word.strip_prefix("C-").map(|rest| rest.strip_suffix('a').unwrap_or(rest));
        let row = ["S0-", "S1-", "S2-", "S3-", "S4-", "F"].iter().find_map(|start| word.strip_prefix(start));
        rule.or(row).is_some_and(is_number)
    };
    let threats = words.windows(2).filter(|pair| pair[0] == "Threat" && is_number(pair[1]));
    let threats = threats.map(|pair| pair.join(" "));
    words.iter().filter(|word| is_id(word)).map(|word| (*word).to_owned()).chain(threats).collect()
}

/// The comments of a file, or all of it where its kind has none.
fn comments<'a>(text: &'a str, mark: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.split_once(mark).map(|(_, comment)| comment))
}

/// The ids that the documents define.
fn defined() -> BTreeSet<String> {
    let mut defined = BTreeSet::new();
    for document in DEFINITIONS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for cell in text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()) {
            for id in ids(cell).into_iter().filter(|id| id == cell) {
                assert!(defined.insert(id), "{document} defines {cell} twice");
            }
        }
    }
    defined
}

#[test]
fn every_id_is_defined() {
    let defined = defined();
    let mut unknown = Vec::new();
    for folder in ["crates", "bench", "scripts", "migrations", "config", "docs"] {
        for (extension, mark) in COMMENTS {
            let mut files = Vec::new();
            sources(&root().join(folder), extension, &mut files);
            for file in files {
                let text = fs::read_to_string(&file).unwrap();
                // This file holds ids that do not exist, to be found.
                if file.ends_with("tests/app/rows.rs") {
                    continue;
                }
                let named: BTreeSet<String> = comments(&text, mark).flat_map(ids).collect();
                unknown.extend(named.difference(&defined).map(|id| format!("{id} in {}", file.display())));
            }
        }
    }
    assert!(unknown.is_empty(), "ids that {DEFINITIONS:?} do not define:\n{}", unknown.join("\n"));
    let rows = CONTRACTS.iter().flat_map(|(contract, count)| (1..=*count).map(move |row| (contract, row)));
    let rows = rows.map(|(contract, row)| format!("{contract}-{row}"));
    let missing: Vec<String> = rows.filter(|row| !defined.contains(row)).collect();
    assert!(missing.is_empty(), "docs/contracts.md does not define {missing:?}");
}

#[test]
fn ids_are_found_in_texts() {
    let found = ids("S0-15 to S0-17 (C-15a), Threat 42; F18's, S4-40…46. F, C-, XS0-1, Threats, /F1a");
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["C-15a", "F18", "S0-15", "S0-17", "S4-40", "Threat 42"]);
    assert_eq!(comments("a // S0-1\nb S0-2\n", "//").collect::<Vec<_>>(), [" S0-1"]);
}
