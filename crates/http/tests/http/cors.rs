//! Pages of other origins.

use std::collections::BTreeSet;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use omnichat_http::route_table;
use ports::{Decision, MockRateLimiter, StoreError};
use serde_json::json;

use crate::support::{Read, Setup, Step, TestApp, UUID, by_alice, get, post, setup, start};

const APP: &str = "https://app.example";
const LOCAL: &str = "http://localhost:3000";
const ALLOWED: &str = "access-control-allow-origin";

/// Origins that look like one of the list but are not.
const STRANGERS: [&str; 15] = [
    "https://evil",
    "null",
    "*",
    "",
    "https://app.example.evil",
    "https://evil.app.example",
    "https://evilapp.example",
    "https://app.exampleevil",
    "https://app.example@evil",
    "https://app.example/",
    "https://app.example:8443",
    "http://app.example",
    "HTTPS://APP.EXAMPLE",
    "http://localhost",
    "https://app.example, http://localhost:3000",
];

fn open_to(setup: Setup, origins: &[&str]) -> Setup {
    let mut setup = setup;
    setup.settings.cors_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    setup
}

async fn start_open(setup: Setup) -> TestApp {
    start(open_to(setup, &[APP, LOCAL])).await
}

fn from(origin: &str, request: TestRequest) -> TestRequest {
    request.insert_header(("origin", origin))
}

fn preflight(origin: &str, path: &str, method: &str, headers: &str) -> TestRequest {
    from(origin, TestRequest::default().method(Method::OPTIONS).uri(path))
        .insert_header(("access-control-request-method", method))
        .insert_header(("access-control-request-headers", headers))
}

/// The values of a header that is a list.
fn list(answer: &Read, name: &str) -> BTreeSet<String> {
    answer.header(name).split(", ").map(str::to_lowercase).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The CORS headers of a response.
fn of_cors(answer: &Read) -> Vec<&str> {
    let names = answer.headers.keys().map(actix_web::http::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-") || *name == "vary").collect()
}

#[track_caller]
fn is_for(answer: &Read, origin: &str) {
    assert_eq!(answer.header(ALLOWED), origin, "{} {}", answer.status, answer.text());
    assert!(list(answer, "vary").contains("origin"), "{:?}", answer.headers);
    let exposed = "x-conversation-id x-session-id x-model x-turn-id x-request-id x-has-more ratelimit-limit \
        ratelimit-remaining ratelimit-reset retry-after";
    assert_eq!(list(answer, "access-control-expose-headers"), words(exposed));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(answer.header("x-request-id").len(), 36);
}

/// C-36, Threat 70
#[actix_web::test]
async fn without_origins_there_are_no_cors_headers() {
    let app = start(setup()).await;
    let asked = app.call(preflight(APP, "/chat", "POST", "authorization")).await;
    assert_eq!((asked.status, asked.code().as_str()), (405, "method_not_allowed"));
    let read = app.call(from(APP, get("/health/live"))).await;
    let refused = app.call(from(APP, TestRequest::get().uri("/auth/me"))).await;
    assert_eq!((read.status, refused.status), (200, 401));
    for answer in [asked, read, refused] {
        assert!(of_cors(&answer).is_empty(), "{:?}", answer.headers);
    }
}

/// C-28, C-36, Threat 70
#[actix_web::test]
async fn preflights_need_no_token_on_any_route() {
    let app = start_open(setup()).await;
    let headers = "authorization, content-type, x-request-id, last-event-id";
    for route in route_table() {
        let path = route.path.replace("{id}", UUID);
        for origin in [APP, LOCAL] {
            let answer = app.call(preflight(origin, &path, route.method.as_str(), headers)).await;
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{route:?}");
            assert_eq!(answer.header(ALLOWED), origin);
            assert!(list(&answer, "vary").contains("origin"));
            assert_eq!(
                list(&answer, "access-control-allow-methods"),
                words("get head post put patch delete")
            );
            assert_eq!(list(&answer, "access-control-allow-headers"), words(&headers.replace(',', "")));
            assert_eq!(answer.header("access-control-max-age"), "600");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            assert_eq!(answer.header("x-request-id").len(), 36);
        }
    }
}

/// Threat 70
#[actix_web::test]
async fn an_origin_must_equal_an_entry_of_the_list() {
    let app = start_open(setup()).await;
    for origin in STRANGERS {
        let asked = app.call(preflight(origin, "/chat", "POST", "authorization")).await;
        assert_eq!((asked.status, asked.code().as_str()), (403, "origin_not_allowed"), "{origin}");
        assert!(of_cors(&asked).is_empty(), "{origin}: {:?}", asked.headers);
        let read = app.call(from(origin, get("/auth/me"))).await;
        assert_eq!((read.status, read.header(ALLOWED)), (200, ""), "{origin}");
        assert!(list(&read, "vary").contains("origin"), "{origin}");
        let refused = app.call(from(origin, TestRequest::get().uri("/auth/me"))).await;
        assert_eq!((refused.status, refused.header(ALLOWED)), (401, ""), "{origin}");
    }
    let nowhere = app.call(get("/auth/me")).await;
    assert_eq!((nowhere.status, nowhere.header(ALLOWED)), (200, ""));
}

/// C-4, C-36
#[actix_web::test]
async fn a_preflight_for_other_methods_or_headers_is_refused() {
    let app = start_open(setup()).await;
    for (method, headers) in [("TRACE", "authorization"), ("GET", "authorization, x-evil"), ("GET", "a b")] {
        let answer = app.call(preflight(APP, "/chat", method, headers)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "origin_not_allowed"), "{method}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header(ALLOWED), "");
    }
    let no_preflight = from(APP, TestRequest::default().method(Method::OPTIONS).uri("/chat"));
    let answer = app.call(no_preflight).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    is_for(&answer, APP);
}

/// C-36
#[actix_web::test]
async fn pages_can_read_errors() {
    let mut setup = setup();
    setup.conversations.expect_find().times(1).returning(|_, _| Err(StoreError::Unavailable("x".into())));
    setup.conversations.expect_find().returning(|_, _| panic!("secret"));
    setup.limiter = MockRateLimiter::new();
    setup.limiter.expect_take().returning(|_| {
        Ok(Decision { reservation: None, remaining: 0, reset_after: std::time::Duration::from_secs(30) })
    });
    let app = start_open(setup).await;
    let conversation = format!("/conversations/{UUID}");
    let broken = TestRequest::post().uri("/chat").insert_header(("content-type", "application/json"));
    for (request, status) in [
        (TestRequest::get().uri("/auth/me"), 401),
        (TestRequest::get().uri("/auth/me").insert_header(("authorization", "Bearer expired")), 401),
        (get("/nope"), 404),
        (get("/chat"), 405),
        (by_alice(broken.set_payload("{")), 400),
        (post("/conversations", json!({"title": "x".repeat(1024 * 1024)})), 413),
        (post("/chat", json!({"input": ""})), 422),
        (post("/chat", json!({"input": "Hi"})), 429),
        (get(&conversation), 503),
        (get(&conversation), 500),
    ] {
        let answer = app.call(from(APP, request)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        answer.code();
        is_for(&answer, APP);
        if status == 429 {
            assert_eq!((answer.header("retry-after"), answer.header("ratelimit-reset")), ("30", "30"));
        }
    }
}

/// C-36
#[actix_web::test]
async fn pages_can_read_streams_and_the_files_of_the_docs() {
    let app = start_open(setup().with_working_turns(vec![Step::Say("Hi"), Step::Usage, Step::Finish])).await;
    let stream = app.call(from(LOCAL, post("/chat", json!({"input": "Hi", "stream": true})))).await;
    assert_eq!(stream.header("content-type"), "text/event-stream; charset=utf-8");
    assert!(stream.text().contains("Hi"), "{}", stream.text());
    is_for(&stream, LOCAL);
    let plain = json!({"message": "Hi", "stream": true});
    let plain = app.call(from(APP, post(&format!("/conversation/completion/{UUID}"), plain))).await;
    assert_eq!((plain.status, plain.text().as_str()), (200, "Hi"));
    is_for(&plain, APP);
    for path in ["/docs", "/docs/swagger-ui.css", "/openapi.json", "/health/live"] {
        let answer = app.call(from(APP, TestRequest::get().uri(path))).await;
        assert_eq!(answer.status, 200, "{path}");
        is_for(&answer, APP);
    }
}

/// C-36, Threat 70
#[actix_web::test]
async fn a_star_allows_all_origins_without_credentials() {
    let app = start(open_to(setup(), &["*"])).await;
    for origin in ["https://evil", "null", APP] {
        let asked = app.call(preflight(origin, "/chat", "POST", "authorization, content-type")).await;
        assert_eq!((asked.status, asked.header(ALLOWED)), (200, "*"), "{origin}");
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        is_for(&app.call(from(origin, get("/auth/me"))).await, "*");
        is_for(&app.call(from(origin, TestRequest::get().uri("/auth/me"))).await, "*");
    }
}
