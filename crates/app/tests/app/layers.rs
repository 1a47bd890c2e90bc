//! Which crate may use which: the edges between our own crates, and where outside crates may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate of ours, and which of ours it may use. `testkit` stands in dev-dependencies only.
const INSIDE: &[(&str, &[&str])] = &[
    ("omnichat-domain", &[]),
    ("omnichat-ports", &["omnichat-domain"]),
    ("omnichat-services", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-stored", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-postgres", &["omnichat-domain", "omnichat-ports", "omnichat-stored"]),
    ("omnichat-sqlite", &["omnichat-domain", "omnichat-ports", "omnichat-stored"]),
    ("omnichat-openai-wire", &["omnichat-domain", "omnichat-ports"]),
    (
        "omnichat-openai-transport",
        &["omnichat-domain", "omnichat-ports", "omnichat-openai-wire", "eventsource-stream"],
    ),
    (
        "omnichat-openai",
        &["omnichat-domain", "omnichat-ports", "omnichat-openai-wire", "omnichat-openai-transport"],
    ),
    (
        "omnichat-openrouter",
        &["omnichat-domain", "omnichat-ports", "omnichat-openai-wire", "omnichat-openai-transport"],
    ),
    // Stands in for the crate of that name (docs/decisions/004-event-stream-parser.md).
    ("eventsource-stream", &[]),
    ("omnichat-demo", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-local", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-identity", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-disk", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-pdf", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-s3", &["omnichat-domain", "omnichat-ports"]),
    ("omnichat-http", &["omnichat-domain", "omnichat-services"]),
    ("omnichat-testkit", &["omnichat-domain", "omnichat-ports"]),
];

/// Outside crates that only these crates of ours may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["omnichat-postgres", "omnichat-sqlite"]),
    ("actix-web", &["omnichat-http", "omnichat-testkit"]),
    ("actix-cors", &["omnichat-http"]),
    ("actix-multipart", &["omnichat-http"]),
    ("utoipa", &["omnichat-http"]),
    ("utoipa-swagger-ui", &["omnichat-http"]),
    ("validator", &["omnichat-http"]),
    (
        "reqwest",
        &[
            "omnichat",
            "omnichat-identity",
            "omnichat-openai",
            "omnichat-openai-transport",
            "omnichat-openrouter",
            "omnichat-s3",
            "omnichat-testkit",
        ],
    ),
    ("reqwest-eventsource", &["omnichat-openai-transport"]),
    ("hayro-interpret", &["omnichat-pdf"]),
    ("hayro-font", &["omnichat-pdf"]),
    ("skrifa", &["omnichat-pdf"]),
    ("seccompiler", &["omnichat-pdf"]),
    ("jsonwebtoken", &["omnichat-identity"]),
    ("argon2", &["omnichat-identity"]),
    ("rust-s3", &["omnichat-s3"]),
    ("figment", &["omnichat"]),
    ("clap", &["omnichat"]),
    ("anyhow", &["omnichat", "omnichat-testkit"]),
    ("ipnet", &["omnichat", "omnichat-http"]),
    // Tests alone use it.
    ("jsonschema", &[]),
    ("tracing-appender", &["omnichat"]),
    ("tracing-subscriber", &["omnichat"]),
];

/// Crates without async, serde or I/O, and the only outside crates that they may use.
const AT_MOST: &[(&str, &[&str])] = &[
    ("omnichat-domain", &["chrono", "thiserror", "unicode-normalization", "uuid"]),
    ("omnichat-ports", &["async-trait", "bytes", "futures-core", "mockall", "omnichat-domain", "thiserror"]),
];

/// The ordinary dependencies of each crate of ours, by package name; dev-dependencies are left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let ordinary = package["dependencies"].as_array().unwrap().iter();
            let ordinary = ordinary.filter(|dependency| dependency["kind"].is_null());
            let names = ordinary.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

/// S2-4
#[test]
fn our_crates_use_only_lower_layers() {
    for (name, used) in dependencies() {
        let inside: BTreeSet<&str> =
            used.iter().map(String::as_str).filter(|used| used.starts_with("omnichat")).collect();
        if name == "omnichat" {
            assert!(!inside.contains("omnichat-testkit"), "the application must not hold test code");
            continue;
        }
        let (_, allowed) = INSIDE
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} is not in the list of layers yet"));
        for used in inside {
            assert!(allowed.contains(&used), "{name} must not use {used}");
        }
    }
}

#[test]
fn outside_crates_are_used_only_where_they_may() {
    for (name, used) in dependencies() {
        for (outside, places) in ONLY_IN {
            assert!(
                !used.contains(*outside) || places.contains(&name.as_str()),
                "{name} must not use {outside}"
            );
        }
    }
}

#[test]
fn the_inner_crates_use_next_to_nothing() {
    let all = dependencies();
    for (name, allowed) in AT_MOST {
        for used in &all[*name] {
            assert!(allowed.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}
