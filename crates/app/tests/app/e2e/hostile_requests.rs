//! Requests that ordinary HTTP clients cannot send, written byte by byte.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::FakeLlm;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::described::{Operation, Scene, operations};
use crate::support::{Answer, App, JWT_SECRET, PROVIDER_KEY, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(public_routes_reveal_no_secrets);
on_sqlite_alone!(
    spellings_of_a_path_bypass_no_access_check,
    the_host_header_has_no_effect,
    headers_override_neither_method_nor_path,
    a_client_cannot_choose_the_provider,
    a_body_is_not_read_before_the_caller_is_known,
    other_origins_get_no_cors_headers,
);

/// The longest wait for a response. The server waits for a body for 30 s, so a response within this time did not wait for
/// the body.
const PATIENCE: Duration = Duration::from_secs(20);

/// The response to these bytes: its status and all its text.
async fn exchange(app: &App, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut seen = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer in time");
        match read {
            Ok(0) | Err(_) => break,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
        let text = String::from_utf8_lossy(&seen);
        // A kept connection does not end, so the end of the body is computed from its length.
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap()) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&seen).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(request))), text)
}

async fn get(app: &App, method: &Method, target: &str, headers: &str) -> (u16, String) {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
    );
    exchange(app, request.as_bytes()).await
}

/// Spellings of a path that some servers route to the path itself while their access checks do not recognise them.
fn disguises(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches('/');
    let (first, rest) = inner.split_once('/').unwrap_or((inner, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let encoded = inner.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
    vec![
        format!("/{}", inner.to_uppercase()),
        format!("/{}{}{rest}", &first[..1].to_uppercase(), &first[1..]),
        format!("//{inner}"),
        format!("///{inner}"),
        format!("/./{inner}"),
        format!("/{first}/.{rest}"),
        format!("/{inner}/"),
        format!("/{inner}//"),
        format!("/{inner}/."),
        format!("/{inner}/.."),
        format!("/%2e/{inner}"),
        format!("/%2f{inner}"),
        format!("/{encoded}"),
        format!("/{first}%2f{}", rest.trim_start_matches('/')),
        format!("/{inner};x=1"),
        format!("/{first};x{rest}"),
        format!("/{inner}%00"),
        format!("/{inner}%20"),
        format!("/{inner}.json"),
        format!("/health/../{inner}"),
        format!("/health/%2e%2e/{inner}"),
        format!("/health/..%2f{inner}"),
        format!("/chat/health/../../{inner}"),
        format!("/docs/../{inner}"),
        format!("/docs/..%2f{inner}"),
        format!("/auth/login/../../{inner}"),
        format!("\\{inner}"),
        format!("/{inner}?x=/health"),
        format!("/{inner}#/health"),
        format!("/{inner}?access_token=1"),
        format!("http://localhost/{inner}"),
        format!("http://localhost/health/../{inner}"),
    ]
}

/// Threat 15
async fn spellings_of_a_path_bypass_no_access_check(store: Store) {
    let app = App::start(store).await;
    let canary = "canary-2f7d9e";
    let scene = Scene::set(&app, canary).await;
    let private: Vec<Operation> =
        operations(&app).await.into_iter().filter(|operation| operation.private).collect();
    let mut refused = 0;
    for operation in &private {
        let path = scene.path(operation);
        for target in disguises(&path) {
            let (status, text) = get(&app, &operation.method, &target, "").await;
            let what = format!("{} {target}", operation.method);
            assert!([400, 401, 404, 405].contains(&status), "{what}: {text}");
            assert!(!text.contains(canary), "{what}: {text}");
            refused += usize::from(status == 401);
        }
    }
    assert!(refused > private.len(), "the disguises reach routes at all: {refused}");
    // With a token, the spellings that reach a route reach this one.
    let headers = format!("authorization: Bearer {}\r\n", scene.ann.token);
    for target in ["//chat/stats", "/chat/stats/", "/chat/stats?x=/health"] {
        assert_eq!(get(&app, &Method::GET, target, &headers).await.0, 200, "{target}");
    }
    for target in ["/CHAT/stats", "/health/../chat/stats", "/chat/stats;x", "/./chat/stats", "/chat%2fstats"]
    {
        assert_eq!(get(&app, &Method::GET, target, &headers).await.0, 404, "{target}");
    }
}

/// Threat 16
async fn the_host_header_has_no_effect(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let token = format!("authorization: Bearer {}\r\n", scene.ann.token);
    let hosts = [
        "host: x/health\r\n",
        "host: localhost\r\nx-forwarded-host: evil.example\r\n",
        "host: evil.example\r\nforwarded: host=evil.example;proto=https\r\n",
        "host: evil.example\r\nx-forwarded-proto: https\r\nx-forwarded-prefix: /health\r\n",
        "host: localhost\r\nhost: evil.example\r\n",
        "host: \r\n",
        "host: evil.example@localhost\r\n",
        "",
    ];
    for host in hosts {
        for target in ["/auth/me", "http://evil.example/auth/me", "http://x/health/../auth/me"] {
            let ask = async |more: &str| {
                let request = format!("GET {target} HTTP/1.1\r\n{host}{more}connection: close\r\n\r\n");
                exchange(&app, request.as_bytes()).await
            };
            let (status, text) = ask("").await;
            assert!([400, 401, 404].contains(&status), "{host:?} {target}: {text}");
            let (status, text) = ask(&token).await;
            assert!([200, 400, 404].contains(&status), "{host:?} {target}: {text}");
            assert!(!text.contains("evil.example"), "{text}");
        }
        for target in ["/", "/openapi.json", "/docs", "/nowhere", "/config"] {
            let request = format!("GET {target} HTTP/1.1\r\n{host}connection: close\r\n\r\n");
            let (_, text) = exchange(&app, request.as_bytes()).await;
            assert!(!text.contains("evil.example"), "{target}");
        }
    }
}

/// Threat 17
async fn headers_override_neither_method_nor_path(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let token = format!("authorization: Bearer {}\r\n", scene.ann.token);
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        for method in [Method::GET, Method::POST] {
            let headers = format!("{token}{name}: DELETE\r\n");
            for target in ["/chat/conversations/1", "/chat/conversations/1?_method=DELETE", "/personas/1"] {
                let (status, text) = get(&app, &method, target, &headers).await;
                assert_eq!(
                    status,
                    if method == Method::GET { 200 } else { 405 },
                    "{method} {target}: {text}"
                );
            }
        }
    }
    for name in ["x-original-url", "x-rewrite-url", "x-original-uri", "x-forwarded-uri"] {
        let (status, text) = get(&app, &Method::GET, "/auth/me", &format!("{name}: /health\r\n")).await;
        assert_eq!(status, 401, "{name}: {text}");
        let (status, text) = get(&app, &Method::GET, "/health/live", &format!("{name}: /auth/me\r\n")).await;
        assert_eq!(status, 200, "{name}: {text}");
        assert!(text.contains("alive"), "{text}");
    }
    assert_eq!(scene.ann.get("/chat/conversations/1/messages").await.ok().as_array().unwrap().len(), 2);
}

/// Threat 41
async fn a_client_cannot_choose_the_provider(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let other = FakeLlm::start().await;
    let url = other.base_url();
    let names = [
        "api_base",
        "base_url",
        "baseURL",
        "baseUrl",
        "endpoint",
        "api_url",
        "url",
        "organization",
        "proxy",
        "host",
        "provider",
        "api_key",
        "user_config",
        "extra_headers",
        "extra_body",
        "litellm_params",
    ];
    let calls = app.llm.call_count();
    let mut sent = 0;
    for operation in operations(&app).await {
        let Some(body) = &operation.body else { continue };
        let mut body = body.example.clone();
        for name in names {
            let value = match name {
                "user_config" | "litellm_params" | "extra_body" => json!({"api_base": url, "base_url": url}),
                "extra_headers" => json!({"host": url, "authorization": "Bearer x"}),
                _ => json!(url),
            };
            body.entry(name).or_insert(value);
        }
        for (name, own) in
            [("conversation_id", json!("1")), ("session_id", json!(1)), ("prompt_id", json!(1))]
        {
            if let Some(id) = body.get_mut(name) {
                *id = own;
            }
        }
        let mut request = scene.ann.request(operation.method.clone(), &scene.path(&operation)).json(&body);
        for name in
            ["x-api-base", "x-base-url", "openai-organization", "x-litellm-api-base", "x-provider", "api-key"]
        {
            request = request.header(name, &url);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert!(answer.status < 500, "{}: {}", operation.name(), answer.text);
        sent += 1;
    }
    assert!(sent > 8 && app.llm.call_count() > calls + 2, "{sent}");
    assert_eq!(other.call_count(), 0);
    for call in app.llm.calls() {
        assert!(!call.body.to_string().contains(&url), "{}", call.body);
        assert_eq!(call.header("authorization"), Some(format!("Bearer {PROVIDER_KEY}").as_str()));
        assert_eq!(call.header("openai-organization"), None);
    }
}

/// Threat 59
async fn a_body_is_not_read_before_the_caller_is_known(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    for operation in operations(&app).await {
        if operation.body.is_none() {
            continue;
        }
        let (method, path) = (&operation.method, scene.path(&operation));
        for credentials in ["", "authorization: Bearer garbled\r\n"] {
            // No byte of the body is ever sent.
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{credentials}content-type: application/json\r\n\
                 content-length: 104857600\r\n\r\n"
            );
            let (status, text) = exchange(&app, head.as_bytes()).await;
            assert_eq!(status, if operation.private { 401 } else { 413 }, "{method} {path}: {text}");
        }
    }
    // Headers are limited, too.
    let request =
        format!("GET /auth/me HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
    let _ = stream.write_all(request.as_bytes()).await;
    let mut seen = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("an end in time");
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.is_empty() || seen.starts_with("HTTP/1.1 4"), "{seen}");
    scene.ann.get("/auth/me").await.ok();
}

/// Threat 70
async fn other_origins_get_no_cors_headers(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1"] {
        for operation in operations(&app).await {
            let path = scene.path(&operation);
            let preflight = scene
                .ann
                .request(Method::OPTIONS, &path)
                .header("origin", origin)
                .header("access-control-request-method", operation.method.as_str())
                .header("access-control-request-headers", "authorization");
            let answers = [
                Answer::read(preflight.send().await.unwrap()).await,
                Answer::read(
                    app.http.get(format!("{}{path}", app.url)).header("origin", origin).send().await.unwrap(),
                )
                .await,
            ];
            for answer in answers {
                let named = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(named.count(), 0, "{origin} {}: {:?}", operation.name(), answer.headers);
            }
        }
    }
}

/// Threat 72, S4-52
async fn public_routes_reveal_no_secrets(store: Store) {
    let app = App::start(store).await;
    let secrets = [
        PROVIDER_KEY.to_owned(),
        JWT_SECRET.to_owned(),
        app.llm.base_url(),
        app.data.path().display().to_string(),
        app.database_url.clone().unwrap_or_else(|| "omnichat.db".to_owned()),
        "postgres:".to_owned(),
    ];
    let public = [
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/config",
        "/chat/health",
        "/docs",
        "/openapi.json",
    ];
    for path in public {
        let answer = app.probe(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let all = format!("{} {:?}", answer.text, answer.headers);
        for secret in &secrets {
            assert!(!all.contains(secret.as_str()), "{path} says {secret}");
        }
    }
    for path in ["/metrics", "/debug/pprof", "/env", "/.env", "/config.yaml", "/actuator/health", "/key/info"]
    {
        app.probe(path).await.is_error(404, "not_found");
    }
    let health = app.probe("/health").await.ok();
    let words = health["checks"].as_object().unwrap().values().all(|word| {
        word.as_str().is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    });
    assert!(words, "{health}");
    let keys: Vec<String> = app.probe("/config").await.ok().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["context_management", "limits", "model", "pricing", "provider"]);
    assert_eq!(app.probe("/health/live").await.ok(), json!({"status": "alive"}));
    assert_ne!(app.probe("/config").await.ok()["pricing"], Value::Null);
    assert!(!app.log().contains(PROVIDER_KEY) && !app.log().contains(JWT_SECRET));
}
