//! Hostile input to every operation of the API's description: it is refused with the common body of errors, nothing
//! panics, and the process goes on.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::described::{Body, Operation, Scene, is_refused, operations, type_of, with_field};
use crate::support::persona_chat::send;
use crate::support::{Answer, App, PROVIDER_KEY, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    text_that_a_store_cannot_keep_is_refused,
    numbers_out_of_bounds_are_refused,
    documented_bounds_of_fields_hold,
    ids_that_do_not_exist_are_refused,
);
on_sqlite_alone!(
    bodies_that_are_no_objects_are_refused,
    fields_of_another_type_are_refused,
    bodies_of_operations_without_one_do_no_harm,
);

pub(crate) async fn raw(
    user: &User,
    operation: &Operation,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let request = user.request(operation.method.clone(), path).header(CONTENT_TYPE, "application/json");
    Answer::read(request.body(body).send().await.unwrap()).await
}

/// Checks that the service has not panicked, and works.
pub(super) async fn lives(app: &App, scene: &Scene) {
    assert!(!app.log().contains("panic"), "{}", app.log());
    assert!(!app.log().contains(PROVIDER_KEY));
    assert_eq!(app.probe("/health/live").await.status, 200);
    // One of the operations may have deleted conversation 1.
    let answer = send(&scene.ann, 1, "still here?").await;
    assert!([200, 404].contains(&answer.status), "{}", answer.text);
    scene.ann.get("/auth/me").await.ok();
}

fn with_bodies(all: Vec<Operation>) -> impl Iterator<Item = (Operation, Body)> {
    all.into_iter().filter_map(|operation| Some((operation.clone(), operation.body?)))
}

/// An object of this many unknown fields.
fn wide(keys: usize) -> String {
    let fields: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":0")).collect();
    format!("{{{}}}", fields.join(","))
}

/// Threat 57, C-5
async fn bodies_that_are_no_objects_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let deep = "[".repeat(128) + &"]".repeat(128);
    let deep_object = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
    for (operation, body) in with_bodies(operations(&app).await) {
        let (path, name) = (scene.path(&operation), operation.name());
        let bad_field = if operation.names_no_422() { 400 } else { 422 };
        let whole = Value::Object(body.example.clone()).to_string();
        for (text, status) in [
            ("{", 400),
            ("nul", 400),
            ("{}}", 400),
            ("{\"a\":NaN}", 400),
            ("{'a':1}", 400),
            (format!("\u{feff}{whole}").as_str(), 400),
            (&whole[..whole.len() - 1], 400),
            (format!("{whole}x").as_str(), 400),
            ("null", bad_field),
            ("[]", bad_field),
            ("\"\"", bad_field),
            ("1", bad_field),
            ("true", bad_field),
            (deep.as_str(), bad_field),
        ] {
            let answer = raw(&scene.ann, &operation, &path, text.to_owned()).await;
            let what = format!("{name} {text:.80}");
            assert_eq!(answer.status, status, "{what}: {}", answer.text);
            is_refused(&answer, &what);
        }
        let request = scene.ann.request(operation.method.clone(), &path).header(CONTENT_TYPE, "text/plain");
        let answer = Answer::read(request.body(whole).send().await.unwrap()).await;
        assert_eq!(answer.status, 400, "{name} as plain text: {}", answer.text);
        // As many fields as the operation's limit for bodies allows.
        let keys = match path.as_str() {
            "/chat" => 1_000_000,
            "/v1/chat/stream" => 600_000,
            "/auth/register" | "/auth/login" => 5_000,
            _ => 80_000,
        };
        for text in [deep_object.clone(), wide(keys), "{}".to_owned(), String::new()] {
            let answer = raw(&scene.ann, &operation, &path, text.clone()).await;
            assert_ne!(answer.status, 413, "{name} {text:.80}");
            // Unknown fields are ignored, so this is an empty object.
            let empty_is_fine = body.required.is_empty();
            if !(empty_is_fine && answer.status == 200) {
                is_refused(&answer, &format!("{name} {text:.80}"));
            }
        }
        let invalid = [b"{\"a\":\"\xff\xfe\"}".to_vec(), vec![0], vec![0xff, 0xfe, b'{', 0, b'}', 0]];
        for bytes in invalid {
            is_refused(
                &raw(&scene.ann, &operation, &path, bytes.clone()).await,
                &format!("{name} {bytes:?}"),
            );
        }
    }
    lives(&app, &scene).await;
}

/// Whether a field of these types accepts the value.
fn takes(types: &BTreeSet<String>, value: &Value) -> bool {
    types.contains(type_of(value)) || value.is_i64() && types.contains("number")
}

/// Threat 57, Threat 58
async fn fields_of_another_type_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let calls = app.llm.call_count();
    let mut deep = json!("x");
    for _ in 0..64 {
        deep = json!([deep]);
    }
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!("x y!"),
        json!([]),
        json!({}),
        json!([null]),
        deep,
    ];
    for (operation, body) in with_bodies(operations(&app).await) {
        let path = scene.path(&operation);
        for (field, types) in &body.fields {
            let mut wrong: Vec<String> = values
                .iter()
                .filter(|value| !types.is_empty() && !takes(types, value))
                .filter(|value| !value.is_null() || body.required.contains(field))
                .map(|value| with_field(&body, field, value.clone()).to_string())
                .collect();
            // A field that occurs twice, and halves of surrogate pairs.
            let rest = with_field(&body, field, Value::Null);
            let inner = rest.to_string();
            wrong.push(format!("{},\"{field}\":null}}", &inner[..inner.len() - 1]));
            if types.contains("string") {
                for half in ["\\ud800", "\\udc00\\ud800", "\\u12"] {
                    wrong.push(
                        inner.replace(&format!("\"{field}\":null"), &format!("\"{field}\":\"{half}\"")),
                    );
                }
            }
            for text in wrong {
                let answer = raw(&scene.ann, &operation, &path, text.clone()).await;
                let what = format!("{} {text:.200}", operation.name());
                assert!([400, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
                is_refused(&answer, &what);
            }
        }
    }
    assert_eq!(app.llm.call_count(), calls);
    lives(&app, &scene).await;
}

/// Threat 65, C-37
async fn text_that_a_store_cannot_keep_is_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let mut tried = 0;
    for (operation, body) in with_bodies(operations(&app).await) {
        let path = scene.path(&operation);
        for (field, types) in &body.fields {
            // A password is stored as its hash only.
            if !types.contains("string") || field == "password" {
                continue;
            }
            let body = with_field(&body, field, json!("a\u{0}b and more"));
            let answer = raw(&scene.ann, &operation, &path, body.to_string()).await;
            is_refused(&answer, &format!("{} {field}", operation.name()));
            tried += 1;
        }
        for (name, _) in &operation.query {
            let answer = raw(&scene.ann, &operation, &format!("{path}?{name}=a%00b"), "{}").await;
            is_refused(&answer, &format!("{} ?{name}", operation.name()));
        }
    }
    assert!(tried > 15, "{tried}");
    let metadata = [
        json!({"a": "\u{0}"}),
        json!({"\u{0}": 1}),
        json!({"a": ["\u{0}"]}),
        json!({"a": "x".repeat(20_000)}),
    ];
    for metadata in metadata {
        let answer = scene.ann.post("/conversations", json!({"metadata": metadata})).await;
        answer.is_error(422, "validation_error");
    }
    lives(&app, &scene).await;
}

/// Threat 58
async fn numbers_out_of_bounds_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let mut bounded = 0;
    for operation in operations(&app).await {
        let path = scene.path(&operation);
        for (name, schema) in &operation.query {
            if schema["type"] != "integer" {
                continue;
            }
            let mut values: Vec<String> =
                ["1e308", "NaN", "1.5", "x", "", "%2B1%20", "99999999999999999999"].map(str::to_owned).into();
            if let Some(most) = schema["maximum"].as_u64() {
                bounded += 1;
                values.extend([most + 1, 1 << 31, 1 << 63].map(|number| number.to_string()));
                values.push("-1".to_owned());
            }
            if schema["minimum"] == 1 {
                values.push("0".to_owned());
            }
            for value in values {
                // Where another key is required, its absence may be reported before the number.
                let request =
                    scene.ann.request(operation.method.clone(), &format!("{path}?user_id=1&{name}={value}"));
                let answer = Answer::read(request.send().await.unwrap()).await;
                let what = format!("{} {name}={value}", operation.name());
                assert!([400, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
                is_refused(&answer, &what);
            }
        }
        let Some(body) = &operation.body else { continue };
        for (field, types) in &body.fields {
            if !types.contains("integer") && !types.contains("number") {
                continue;
            }
            for number in ["-1", "9223372036854775808", "1e308", "1e400", "-1e400", "NaN", "Infinity"] {
                let text = with_field(body, field, json!("number")).to_string();
                let text = text.replace("\"number\"", number);
                let answer = raw(&scene.ann, &operation, &path, text.clone()).await;
                is_refused(&answer, &format!("{} {text:.200}", operation.name()));
            }
        }
    }
    assert!(bounded > 8, "{bounded}");
    lives(&app, &scene).await;
}

/// Threat 58
async fn documented_bounds_of_fields_hold(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let calls = app.llm.call_count();
    let mut tried = 0;
    for (operation, body) in with_bodies(operations(&app).await) {
        let path = scene.path(&operation);
        for (field, schema) in &body.schemas {
            let mut outside = Vec::new();
            if let Some(most) = schema["maximum"].as_f64() {
                outside.extend([json!(most + 1.0), json!(most * 2.0 + 1.0)]);
            }
            if schema["format"] == "int32" {
                outside.extend([json!(1_u64 << 31), json!(u32::MAX), json!(1_u64 << 32)]);
            }
            if let Some(least) = schema["minimum"].as_f64() {
                outside.push(json!(least - 1.0));
            }
            if let Some(most) = schema["maxLength"].as_u64() {
                let most = usize::try_from(most).unwrap();
                outside.extend([json!("x".repeat(most + 1)), json!("x".repeat(most + 5_000))]);
            }
            if schema["minLength"] == 1 {
                outside.push(json!(""));
            }
            for value in outside {
                let text = with_field(&body, field, value).to_string();
                let answer = raw(&scene.ann, &operation, &path, text.clone()).await;
                is_refused(&answer, &format!("{} {text:.200}", operation.name()));
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "{tried}");
    assert_eq!(app.llm.call_count(), calls);
    lives(&app, &scene).await;
}

/// Threat 57, Threat 68, C-3
async fn ids_that_do_not_exist_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let long = "9".repeat(4_000);
    let hostile = [
        "null",
        "%00",
        "%ff%fe",
        "%0d%0aset-cookie:%20a=1",
        "%0a",
        "-1",
        "0",
        "1.5",
        "1e3",
        "9223372036854775808",
        "%27%20OR%201=1--",
        "1%20OR%201=1",
        "..%2f1",
        "[]",
        "%7B%7D",
        "conv_",
        "conv_%00",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "1;x",
        "1%3Bx",
        "%201",
        "1%20",
        "%F0%9F%92%A9",
        long.as_str(),
    ];
    for operation in operations(&app).await {
        for (name, kind) in operation.at.iter().filter(|(name, _)| name != "project_id") {
            for value in hostile {
                let path = scene.path(&Operation { at: Vec::new(), ..operation.clone() });
                let path = path.replace(&format!("{{{name}}}"), value);
                let body = operation.body.as_ref().map(|body| json!(body.example)).unwrap_or_default();
                let answer = raw(&scene.ann, &operation, &path, body.to_string()).await;
                let what = format!("{} {value:.60}", operation.name());
                assert!(
                    [400, 404, 422].contains(&answer.status),
                    "{what}: {} {}",
                    answer.status,
                    answer.text
                );
                is_refused(&answer, &what);
                assert_eq!(answer.header("set-cookie"), "");
                if kind == "integer" && ["null", "1.5", "[]"].contains(&value) {
                    let bad_field = if operation.names_no_422() { 400 } else { 422 };
                    assert_eq!(answer.status, bad_field, "{what}");
                }
            }
        }
    }
    assert_eq!(scene.ann.get("/chat/conversations/1/messages").await.ok().as_array().unwrap().len(), 2);
    lives(&app, &scene).await;
}

/// Threat 57
async fn bodies_of_operations_without_one_do_no_harm(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    for operation in operations(&app).await.into_iter().filter(|operation| operation.body.is_none()) {
        let path = scene.path(&operation);
        for text in
            ["null", "[]", "\"\"", "{}", "{", "\u{feff}", "\u{0}", &"[".repeat(1_000), &"x".repeat(100_000)]
        {
            let answer = raw(&scene.ann, &operation, &path, text.to_owned()).await;
            assert!(answer.status < 500, "{} {text:.60}: {}", operation.name(), answer.text);
            if answer.status >= 400 {
                is_refused(&answer, &operation.name());
            }
        }
        for method in [Method::TRACE, Method::OPTIONS, Method::from_bytes(b"BREW").unwrap()] {
            let answer = Answer::read(scene.ann.request(method.clone(), &path).send().await.unwrap()).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
            assert!(
                answer.header("allow").contains(operation.method.as_str()),
                "{path}: {}",
                answer.header("allow")
            );
        }
    }
    lives(&app, &scene).await;
}
