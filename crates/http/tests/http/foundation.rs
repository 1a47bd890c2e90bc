//! What all routes have in common, over mocked ports.

use std::time::Duration;

use crate::support::sockets::Client;
use crate::support::{self, get, post, setup, start};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use omnichat_http::route_table;
use ports::{Access, MockUserStore, StoreError};
use serde_json::{Value, json};

fn request(method: &Method, path: &str) -> TestRequest {
    let path = path.replace("{project_id}", "p").replace("{session_id}", "7").replace("{id}", support::UUID);
    TestRequest::default().method(method.clone()).uri(&path)
}

#[actix_web::test]
async fn every_private_route_needs_a_valid_token() {
    let app = start(setup()).await;
    let private: Vec<_> = route_table().into_iter().filter(|route| !route.public).collect();
    assert!(private.len() > 10);
    for route in private {
        let name = format!("{} {}", route.method, route.path);
        let absent = app.call(request(&route.method, route.path)).await;
        assert_eq!((absent.status, absent.code().as_str()), (401, "missing_token"), "{name}");
        assert_eq!(absent.header("www-authenticate"), "Bearer", "{name}");
        for credentials in ["Bearer nonsense", "Bearer", "Basic YTpi", "nonsense", "Bearer ' OR '1'='1"] {
            let garbled = request(&route.method, route.path).insert_header(("authorization", credentials));
            let answer = app.call(garbled).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "invalid_token"),
                "{name} {credentials}"
            );
        }
        let expired = request(&route.method, route.path).insert_header(("authorization", "Bearer expired"));
        assert_eq!(app.call(expired).await.code(), "token_expired", "{name}");
        let twice = request(&route.method, route.path)
            .append_header(("authorization", "Bearer alice"))
            .append_header(("authorization", "Bearer alice"));
        assert_eq!(app.call(twice).await.status, 401, "{name}");
    }
}

#[actix_web::test]
async fn public_routes_need_no_token() {
    let mut setup = setup();
    setup.health.expect_check().returning(|| Ok(()));
    let app = start(setup).await;
    for path in ["/", "/health", "/health/live", "/health/ready", "/config"] {
        assert_eq!(app.call(TestRequest::get().uri(path)).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn a_suspended_or_absent_account_has_no_valid_token() {
    let mut setup = setup();
    setup.users = MockUserStore::new();
    setup.users.expect_find().returning(|_| Ok(None));
    let app = start(setup).await;
    let answer = app.call(get("/auth/me")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"));
}

/// S0-67
#[actix_web::test]
async fn unknown_routes_and_methods_have_the_usual_error_body() {
    let app = start(setup()).await;
    for path in ["/nope", "/conversations/a/b/c", "/V1/x", "/health/../conversation/x/y", "/turns"] {
        let answer = app.call(get(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
    let answer = app.call(TestRequest::put().uri("/conversations/abc")).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "GET, HEAD, PATCH, DELETE");
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
}

/// Threat 59
#[actix_web::test]
async fn bodies_have_a_limit_and_are_read_after_the_caller_is_known() {
    let app = start(setup()).await;
    let large = json!({"title": "x".repeat(1024 * 1024)});
    let answer = app.call(post("/conversations", &large)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
    let anonymous = TestRequest::post().uri("/conversations").set_json(&large);
    assert_eq!(app.call(anonymous).await.status, 401);
    let credentials =
        TestRequest::post().uri("/auth/login").set_json(json!({"username": "x".repeat(70_000)}));
    assert_eq!(app.call(credentials).await.status, 413);
}

/// S0-67, S0-68, S0-70
#[actix_web::test]
async fn invalid_json_is_400_and_an_invalid_field_422() {
    let app = start(setup()).await;
    let send = format!("/conversations/{}/messages", support::UUID);
    let json_type = ("content-type", "application/json");
    let post = |body: &str| {
        let request = support::by_alice(TestRequest::post().uri(&send));
        request.insert_header(json_type).set_payload(body.to_owned())
    };
    for body in ["{", "", "{\"content\":\"a\"", "not json", "\u{feff}{\"content\":\"a\"}"] {
        let answer = app.call(post(body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_json"), "{body}");
    }
    let plain = support::by_alice(TestRequest::post().uri(&send)).set_payload("{\"content\":\"a\"}");
    assert_eq!(app.call(plain).await.status, 400);
    let long = json!({"content": "x".repeat(10_001)}).to_string();
    let cases = ["{}", "[]", "null", "{\"content\":null}", "{\"content\":5}", "{\"content\":\" \"}"];
    for body in cases.into_iter().chain(["{\"content\":\"a\\u0000\"}", long.as_str()]) {
        let answer = app.call(post(body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{body:.60}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
}

/// S0-71
/// Threat 57
#[actix_web::test]
async fn a_panic_is_a_500_without_internals() {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, _| panic!("secret"));
    let app = start(setup).await;
    for _ in 0..3 {
        let answer = app.call(get(&format!("/conversations/{}", support::UUID))).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal_error"));
        assert!(!answer.text().contains("secret"));
        assert_ne!(answer.header("x-request-id"), "");
    }
}

/// S0-71, S0-74
#[actix_web::test]
async fn an_unavailable_store_is_503_and_a_failing_one_500() {
    let mut setup = setup();
    setup.conversations.expect_find().times(1).returning(|_, _| Err(StoreError::Unavailable("x".into())));
    setup.conversations.expect_find().returning(|_, _| Err(StoreError::Refused("secret sql".into())));
    let app = start(setup).await;
    let path = format!("/conversations/{}", support::UUID);
    let away = app.call(get(&path)).await;
    assert_eq!((away.status, away.code().as_str()), (503, "database_unavailable"));
    assert_eq!(away.header("retry-after"), "2");
    let broken = app.call(get(&path)).await;
    assert_eq!((broken.status, broken.code().as_str()), (500, "internal_error"));
    assert_eq!(broken.json()["detail"], "Internal server error");
}

#[actix_web::test]
async fn another_users_conversation_looks_absent() {
    let mut setup = setup();
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Foreign));
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Absent));
    let app = start(setup).await;
    let path = format!("/conversations/{}", support::UUID);
    let (foreign, absent) = (app.call(get(&path)).await, app.call(get(&path)).await);
    assert_eq!((foreign.status, foreign.text()), (404, absent.text()));
    assert_eq!(absent.json()["detail"], "Conversation not found");
}

/// Threat 68, Threat 71
#[actix_web::test]
async fn every_response_has_a_request_id_and_security_headers() {
    let app = start(setup()).await;
    for request in [get("/health/live"), get("/nope"), TestRequest::get().uri("/auth/me"), get("/auth/me")] {
        let answer = app.call(request).await;
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("server"), "");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let kept = get("/health/live").insert_header(("x-request-id", "my-id_1.2"));
    assert_eq!(app.call(kept).await.header("x-request-id"), "my-id_1.2");
}

#[actix_web::test]
async fn a_slash_at_the_end_of_a_path_is_ignored() {
    let app = start(setup()).await;
    assert_eq!(app.call(get("/auth/me/")).await.status, 200);
    assert_eq!(app.call(get("//auth/me")).await.status, 200);
    assert_eq!(app.call(TestRequest::get().uri("/auth/me/")).await.status, 401);
}

/// S0-44
#[actix_web::test]
async fn health_shows_the_state_of_each_part() {
    let mut setup = setup();
    setup.health.expect_check().times(2).returning(|| Ok(()));
    setup.health.expect_check().returning(|| Err(StoreError::Unavailable("postgres://host".into())));
    let app = start(setup).await;
    let healthy = app.call(get("/health")).await;
    assert_eq!(
        healthy.json(),
        json!({"status": "healthy", "checks": {"database": "connected", "storage": "connected", "llm": "demo"}})
    );
    assert_eq!(app.call(get("/health/ready")).await.json(), json!({"status": "ready"}));
    for path in ["/health", "/health/ready"] {
        let away = app.call(get(path)).await;
        assert_eq!((away.status, away.code().as_str()), (503, "database_unavailable"));
        assert_eq!(away.header("retry-after"), "2");
        assert!(!away.text().contains("host"));
    }
    assert_eq!(app.call(get("/health/live")).await.json(), json!({"status": "alive"}));
}

/// S0-45, S0-46
#[actix_web::test]
async fn the_service_describes_itself() {
    let app = start(setup()).await;
    let root = app.call(get("/")).await.json();
    assert_eq!((root["name"].as_str(), root["version"].as_str()), (Some("OmniChat"), Some("1.2.3")));
    let endpoints = root["endpoints"].as_array().unwrap();
    assert!(endpoints.contains(&Value::from("POST /conversation/completion/{id}")));
    let config = app.call(get("/config")).await.json();
    for key in ["model", "limits", "context_management", "pricing"] {
        assert!(!config[key].is_null(), "{key}");
    }
}

#[actix_web::test]
async fn a_slow_body_is_408() {
    let mut setup = setup();
    setup.settings.body_timeout = Duration::ZERO;
    let (settings, services) = setup.ready();
    let address = support::sockets::serve(settings, services).await;
    let head = "POST /conversations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice\r\n\
        content-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    let answer = Client::send(address, head).await.until("request_timeout").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[actix_web::test]
async fn head_works_where_get_does() {
    let (settings, services) = setup().ready();
    let address = support::sockets::serve(settings, services).await;
    let mut client = Client::ask(address, "HEAD", "/health/live", "").await;
    let answer = client.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[actix_web::test]
async fn a_connection_without_a_request_is_closed() {
    let mut setup = setup();
    setup.settings.header_timeout = Duration::from_millis(200);
    let (settings, services) = setup.ready();
    let address = support::sockets::serve(settings, services).await;
    for head in ["", "GET /health/live HTTP/1.1\r\nhost: x\r\n"] {
        Client::send(address, head).await.until_closed().await;
    }
}
