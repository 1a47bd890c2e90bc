//! Hostile input inside the lists and objects of bodies, whose fields `hostile_input.rs` does not replace one by one.

use reqwest::Method;
use serde_json::{Value, json};

use super::described::{Scene, is_refused};
use super::hostile_input::lives;
use crate::support::{Answer, App, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(text_that_a_store_cannot_keep_is_refused_in_lists_and_objects);
on_sqlite_alone!(
    messages_of_another_shape_are_refused,
    variables_and_metadata_of_another_shape_are_refused,
    broken_surrogates_are_refused_in_lists_and_objects,
);

const STREAM: &str = "/v1/chat/stream";
const PROMPTS: &str = "/api/chat/prompts";
const PREVIEW: &str = "/api/chat/prompts/preview";

/// A turn of these messages in the scene's conversation.
fn turn(messages: &Value) -> Value {
    json!({"model": "gpt-4", "messages": messages, "session_id": 1})
}

fn prompt(metadata: &Value) -> Value {
    json!({"title": "t", "content": "c", "scenario": "s", "metadata": metadata})
}

fn preview(variables: &Value) -> Value {
    json!({"content": "Say {a}", "variables": variables})
}

/// Checks that bodies are refused with this status, before a model is called or anything is stored.
async fn are_refused(
    app: &App,
    scene: &Scene,
    path: &str,
    status: u16,
    bodies: impl IntoIterator<Item = Value>,
) {
    let calls = app.llm.call_count();
    for body in bodies {
        let answer = scene.ann.post(path, body.clone()).await;
        let what = format!("{path} {:.200}", body.to_string());
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        is_refused(&answer, &what);
    }
    assert_eq!(app.llm.call_count(), calls);
    assert_eq!(scene.ann.get("/conversations/1/messages").await.ok().as_array().unwrap().len(), 2);
    assert_eq!(scene.ann.get(PROMPTS).await.ok()["total"], 1);
}

/// Threat 65, C-37
async fn text_that_a_store_cannot_keep_is_refused_in_lists_and_objects(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let turns = [
        json!([{"role": "user", "content": "a\u{0}"}]),
        json!([{"role": "system", "content": "\u{0}"}, {"role": "user", "content": "a"}]),
        json!([{"role": "user\u{0}", "content": "a"}]),
    ];
    are_refused(&app, &scene, STREAM, 400, turns.iter().map(turn)).await;
    let variables = [json!({"a": "\u{0}"}), json!({"b": "x", "a": "x\u{0}"})];
    are_refused(&app, &scene, PREVIEW, 422, variables.iter().map(preview)).await;
    let metadata = [json!({"a": "\u{0}"}), json!({"\u{0}": 1}), json!({"a": [{"b": "\u{0}"}]})];
    are_refused(&app, &scene, PROMPTS, 422, metadata.iter().map(prompt)).await;
    lives(&app, &scene).await;
}

/// S1-4, Threat 57
async fn messages_of_another_shape_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let good = json!({"role": "user", "content": "hi"});
    let mut wrong: Vec<Value> =
        [json!(null), json!(1), json!("hi"), json!([]), json!({}), json!([good])].to_vec();
    wrong.extend(
        ["", "tool", "function", "developer", "USER", " user", "\u{7}"]
            .map(|role| json!({"role": role, "content": "hi"})),
    );
    wrong.extend(
        [json!(null), json!(5), json!([]), json!({"user": 1})]
            .map(|role| json!({"role": role, "content": "hi"})),
    );
    wrong.extend(
        [json!(null), json!(true), json!(5), json!([]), json!({}), json!(["hi"]), json!(""), json!(" \n\t")]
            .map(|content| json!({"role": "user", "content": content})),
    );
    wrong.extend([
        json!({"role": "user"}),
        json!({"content": "hi"}),
        json!({"role": "user", "content": "x".repeat(100_001)}),
    ]);
    // Each of them alone, in front of a good message, and behind one.
    let lists = wrong.iter().flat_map(|wrong| [json!([wrong]), json!([wrong, good]), json!([good, wrong])]);
    let lists: Vec<Value> = lists
        .chain([
            json!([good, {"role": "assistant", "content": "hi"}]),
            json!([{"role": "system", "content": "hi"}]),
        ])
        .chain([json!(vec![good.clone(); 2_001]), json!(vec![json!([]); 100_000]), json!({"0": good})])
        .collect();
    are_refused(&app, &scene, STREAM, 400, lists.iter().map(turn)).await;
    lives(&app, &scene).await;
}

/// Threat 57
async fn variables_and_metadata_of_another_shape_are_refused(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let wrong = [json!([]), json!("a"), json!(5), json!([{"a": "b"}])];
    let values = [json!([]), json!({}), json!(["a"])].map(|value| json!({"a": value}));
    are_refused(&app, &scene, PREVIEW, 422, wrong.iter().chain(&values).map(preview)).await;
    let large = json!({"a": "x".repeat(500_000)});
    are_refused(&app, &scene, PROMPTS, 422, wrong.iter().chain([&large]).map(prompt)).await;
    lives(&app, &scene).await;
}

/// Threat 57, Threat 65
async fn broken_surrogates_are_refused_in_lists_and_objects(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let calls = app.llm.call_count();
    for half in ["\\ud800", "\\udc00\\ud800", "\\u12", "\\x41"] {
        for (path, body) in [
            (STREAM, turn(&json!([{"role": "user", "content": "HALF"}]))),
            (PREVIEW, preview(&json!({"a": "HALF"}))),
            (PROMPTS, prompt(&json!({"a": "HALF"}))),
            (PROMPTS, prompt(&json!({"HALF": "a"}))),
        ] {
            let answer = raw(&scene.ann, path, body.to_string().replace("HALF", half)).await;
            let what = format!("{path} {half}");
            assert!([400, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
            is_refused(&answer, &what);
        }
    }
    assert_eq!(app.llm.call_count(), calls);
    lives(&app, &scene).await;
}

async fn raw(user: &User, path: &str, body: String) -> Answer {
    let request = user.request(Method::POST, path).header("content-type", "application/json");
    Answer::read(request.body(body).send().await.unwrap()).await
}
