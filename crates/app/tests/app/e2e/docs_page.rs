//! The documentation page of the API in a real browser without internet, and the examples that it shows (S0-5, S3-4).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{App, Store};

const BROWSER: &str = "/usr/bin/chromium";

/// The command lines of the documents.
const DOCUMENTED: [&str; 2] =
    [include_str!("../../examples/llm_chat.sh"), include_str!("../../examples/persona_chat.sh")];

/// S0-5, S3-4
#[tokio::test(flavor = "multi_thread")]
async fn the_page_works_in_a_browser() {
    assert!(Path::new(BROWSER).exists(), "{BROWSER} is missing: run scripts/setup.sh");
    let app = App::start(Store::Sqlite).await;
    let user = app.user("ann").await;
    let output = Command::new("node")
        .current_dir(folder())
        .args(["docs_page.mjs", &app.url, &user.token])
        .env("CHROMIUM", BROWSER)
        .output()
        .expect("node is missing: run scripts/setup.sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// S0-5
#[tokio::test(flavor = "multi_thread")]
async fn the_bodies_of_the_documents_are_examples_of_the_description() {
    let app = App::start(Store::Sqlite).await;
    let document: Value =
        app.http.get(format!("{}/openapi.json", app.url)).send().await.unwrap().json().await.unwrap();
    let known = examples_of_requests(&document);
    let mut found = 0;
    for body in DOCUMENTED.iter().flat_map(|lines| bodies(lines)) {
        assert!(known.contains(&body), "no example of the description: {body}");
        found += 1;
    }
    assert!(found >= 8, "{found}");
}

/// The bodies that the command lines send.
fn bodies(lines: &str) -> Vec<Value> {
    let after = lines.split("-d '").skip(1);
    after.map(|rest| serde_json::from_str(rest.split('\'').next().unwrap()).unwrap()).collect()
}

fn examples_of_requests(document: &Value) -> Vec<Value> {
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let bodies = operations.map(|operation| &operation["requestBody"]["content"]["application/json"]);
    bodies
        .flat_map(|body| {
            let named = body["examples"].as_object().into_iter().flat_map(|named| named.values());
            let named = named.map(|named| named["value"].clone());
            body.get("example").cloned().into_iter().chain(named).collect::<Vec<_>>()
        })
        .collect()
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let driver = folder.join("node_modules/playwright-core");
    assert!(driver.is_dir(), "playwright-core is missing: run scripts/setup.sh");
    folder
}
