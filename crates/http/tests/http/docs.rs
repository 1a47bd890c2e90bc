//! The description of the API and the page that shows it (S0-5, S3-4).

use actix_web::test::TestRequest;
use serde_json::Value;

use crate::support::{Read, TestApp, setup, start};

async fn get(app: &TestApp, path: &str) -> Read {
    app.call(TestRequest::get().uri(path)).await
}

/// The values of an attribute.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!("{name}=\"");
    page.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// S0-5
#[actix_web::test]
async fn the_description_is_public_json() {
    let app = start(setup()).await;
    let answer = get(&app, "/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let body = answer.json();
    assert_eq!((&body["openapi"], &body["info"]["title"]), (&"3.1.0".into(), &"OmniChat".into()));
    assert!(body["paths"]["/conversation"]["post"].is_object());
}

/// The description is committed, so that a change of the API shows in a review.
#[actix_web::test]
async fn the_description_equals_the_committed_file() {
    const KEPT: &str = include_str!("../../../../docs/openapi.json");
    let served = get(&start(setup()).await, "/openapi.json").await.json();
    if serde_json::from_str::<Value>(KEPT).ok() == Some(served.clone()) {
        return;
    }
    let written = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json");
    std::fs::write(written, format!("{served:#}\n")).unwrap();
    panic!(
        "the API description differs from docs/openapi.json. If the change is intended, run `just generate` (or \
         scripts/generate-openapi.sh) and commit the file. The new description is in {written}."
    );
}

/// S0-5
/// Threat 69
#[actix_web::test]
async fn the_page_is_the_same_with_and_without_a_slash() {
    let app = start(setup()).await;
    let (plain, slash) = (get(&app, "/docs").await, get(&app, "/docs/").await);
    assert_eq!((plain.status, slash.status), (200, 200));
    assert_eq!(plain.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(plain.text(), slash.text());
    let policy = plain.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
}

/// S3-4
#[actix_web::test]
async fn every_file_of_the_page_is_served_here_and_can_be_cached() {
    let app = start(setup()).await;
    let page = get(&app, "/docs").await.text();
    let files: Vec<&str> = attributes(&page, "src")
        .into_iter()
        .chain(attributes(&page, "href"))
        .filter(|file| *file != "/openapi.json")
        .collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        assert!(file.starts_with("/docs/") && !file.contains('{'), "{file}");
        let answer = get(&app, file).await;
        assert_eq!(answer.status, 200, "{file}");
        let name = file.split('?').next().unwrap();
        let kind = match name.rsplit('.').next().unwrap() {
            "js" => "text/javascript",
            "css" => "text/css",
            _ => "image/png",
        };
        assert!(answer.header("content-type").starts_with(kind), "{file}: {}", answer.header("content-type"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{file}");
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
    }
}

#[actix_web::test]
async fn other_files_beside_the_page_are_404() {
    let app = start(setup()).await;
    for path in ["/docs/index.html", "/docs/oauth2-redirect.html", "/docs/..%2fCargo.toml", "/docs/a/b"] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}
