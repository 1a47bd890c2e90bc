//! Requests by pages of other origins, as browsers send them.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{Answer, App, Store};

const ALLOWED: &str = "access-control-allow-origin";

async fn from(origin: &str, request: RequestBuilder) -> Answer {
    Answer::read(request.header("origin", origin).send().await.unwrap()).await
}

fn preflight(app: &App, path: &str) -> RequestBuilder {
    app.http
        .request(Method::OPTIONS, format!("{}{path}", app.url))
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

/// Checks that a page of this origin can read the response and its headers.
#[track_caller]
fn is_for(answer: &Answer, origin: &str) {
    assert_eq!(answer.header(ALLOWED), origin, "{} {:?}", answer.status, answer.headers);
    assert!(answer.header("vary").contains("Origin"), "{:?}", answer.headers);
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let exposed: Vec<&str> = answer.header("access-control-expose-headers").split(", ").collect();
    let ours =
        |name: &&str| name.starts_with("x-") || name.starts_with("ratelimit-") || *name == "retry-after";
    // These are for browsers and proxies, not for pages.
    let instructions = ["x-content-type-options", "x-accel-buffering"];
    for name in answer.headers.keys().map(reqwest::header::HeaderName::as_str).filter(ours) {
        assert!(exposed.contains(&name) || instructions.contains(&name), "{name} is not in {exposed:?}");
    }
}

/// C-28, C-36, Threat 70
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_configured_origins_can_call_and_no_others() {
    let settings =
        [("CORS_ORIGINS", "https://app.example,http://localhost:3000"), ("RATE_LIMIT_PER_MINUTE", "1")];
    let app = App::start_with(Store::Sqlite, &settings).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let send = format!("/conversations/{id}/messages");
    let stream = format!("/conversation/completion/{id}");
    for origin in ["https://app.example", "http://localhost:3000"] {
        for path in [send.as_str(), "/chat", "/auth/login", "/no/such/route"] {
            let asked = from(origin, preflight(&app, path)).await;
            assert_eq!((asked.status, asked.text.as_str()), (200, ""), "{path}");
            assert_eq!((asked.header(ALLOWED), asked.header("access-control-max-age")), (origin, "600"));
        }
        let said = from(origin, user.request(Method::POST, &send).json(&json!({"content": "hi"}))).await;
        said.ok();
        is_for(&said, origin);
        let events = format!("/turns/{}/events", said.header("x-turn-id"));
        let replay = from(origin, user.request(Method::GET, &events)).await;
        assert!(replay.header("content-type").starts_with("text/event-stream"), "{:?}", replay.headers);
        assert!(replay.text.contains("\"completed\""), "{}", replay.text);
        is_for(&replay, origin);
        let body = json!({"message": "hi", "stream": true});
        let streamed = from(origin, user.request(Method::POST, &stream).json(&body)).await;
        assert_eq!((streamed.status, streamed.text.as_str()), (200, "You said: hi"));
        is_for(&streamed, origin);
        let stranger = from(origin, app.http.post(format!("{}/chat", app.url))).await;
        stranger.is_error(401, "missing_token");
        is_for(&stranger, origin);
        let nowhere = from(origin, user.request(Method::GET, "/no/such/route")).await;
        nowhere.is_error(404, "not_found");
        is_for(&nowhere, origin);
    }
    let origin = "https://app.example";
    let chat = || user.request(Method::POST, "/chat").json(&json!({"input": "hi"}));
    is_for(&from(origin, chat()).await, origin);
    let early = from(origin, chat()).await;
    early.is_error(429, "rate_limit_exceeded");
    is_for(&early, origin);

    for origin in [
        "https://evil",
        "null",
        "https://app.example.evil",
        "https://evil.app.example",
        "https://evilapp.example",
        "http://app.example",
        "https://app.example:8443",
        "http://localhost",
        "http://localhost:30000",
    ] {
        let asked = from(origin, preflight(&app, &send)).await;
        asked.is_error(403, "origin_not_allowed");
        let read = from(origin, user.request(Method::GET, "/auth/me")).await;
        assert_eq!(read.status, 200);
        for answer in [asked, read] {
            assert_eq!(answer.header(ALLOWED), "", "{origin}");
        }
    }
}
