//! Contract S0, row by row: which messages are accepted.

use reqwest::Method;
use serde_json::{Value, json};

use super::llm_chat::{answer_titles, app, chat, turn_calls};
use crate::support::{Answer, App, Store, on_sqlite_alone};

on_sqlite_alone!(
    lengths_count_characters_of_all_texts_together,
    a_message_needs_text_or_an_image,
    a_part_needs_its_type_and_the_fields_of_that_type,
    images_are_limited_in_size_and_must_be_of_their_media_type,
    an_image_elsewhere_is_passed_on_and_not_fetched,
    control_characters_are_removed_and_null_characters_refused,
    booleans_are_read_in_every_form,
    a_body_is_json,
);

/// S0-65, C-37
async fn lengths_count_characters_of_all_texts_together(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let text = |count: usize| json!({"type": "text", "text": "ü".repeat(count)});
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}});
    for (input, status) in [
        (json!("ü".repeat(10_000)), 200),
        (json!("ü".repeat(10_001)), 422),
        (json!([text(4_000), image, text(6_000)]), 200),
        (json!([text(4_000), image, text(6_001)]), 422),
    ] {
        let answer = chat(&user, json!({"input": input})).await;
        assert_eq!(answer.status, status, "{:.200}", answer.text);
    }
    assert_eq!(turn_calls(&app)[0].question().chars().count(), 10_000);
    for (count, status) in [(10_000, 200), (10_001, 422)] {
        let body = json!({"input": "hi", "instructions": "ü".repeat(count)});
        assert_eq!(chat(&user, body).await.status, status);
    }
}

/// S0-9, S0-66, S0-70
async fn a_message_needs_text_or_an_image(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let blank = json!({"type": "text", "text": " \n\t"});
    for body in [
        json!({}),
        json!({"input": null}),
        json!({"input": {"type": "text", "text": "hi"}}),
        json!({"input": ""}),
        json!({"input": "   "}),
        json!({"input": []}),
        json!({"input": [blank, blank]}),
    ] {
        let answer = chat(&user, body.clone()).await;
        answer.is_error(422, "validation_error");
        assert_eq!(answer.json()["error"]["param"], "input", "{body}");
    }
    assert_eq!(app.llm.call_count(), 0);
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}});
    chat(&user, json!({"input": [blank, image]})).await.ok();
}

/// S0-22, S0-70
async fn a_part_needs_its_type_and_the_fields_of_that_type(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for part in [
        json!({"text": "hi"}),
        json!({"type": "audio", "text": "hi"}),
        json!({"type": "input_text", "text": "hi"}),
        json!({"type": "text"}),
        json!({"type": "text", "text": null}),
        json!({"type": "text", "text": 5}),
        json!({"type": "image_url"}),
        json!({"type": "image_url", "image_url": {}}),
        json!({"type": "image_url", "image_url": {"url": null}}),
        json!({"type": "image_url", "image_url": "https://example.com/image.jpg"}),
        json!("hi"),
    ] {
        let input = json!([{"type": "text", "text": "What is this?"}, part]);
        let answer = chat(&user, json!({"input": input})).await;
        assert_eq!(answer.status, 422, "{part}: {}", answer.text);
        answer.is_error(422, "validation_error");
    }
    assert_eq!(app.llm.call_count(), 0);
}

const MIB: usize = 1024 * 1024;

/// An image of `size` bytes as a data URL: its first bytes in Base64 (`mark`), then zeros.
fn image(media_type: &str, mark: &str, size: usize) -> Value {
    let zeros = "A".repeat(size / 3 * 4 - mark.len());
    let end = ["", "AA==", "AAA="][size % 3];
    let url = format!("data:{media_type};base64,{mark}{zeros}{end}");
    json!({"input": [{"type": "image_url", "image_url": {"url": url}}]})
}

/// S0-25, C-37
async fn images_are_limited_in_size_and_must_be_of_their_media_type(store: Store) {
    let app = App::start_with(store, &[("MAX_FILE_SIZE_MB", "1")]).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    let (png, jpeg) = ("iVBORw0KGgoA", "/9j/4AAQ");
    for (media_type, mark) in [
        ("image/png", png),
        ("image/jpeg", jpeg),
        ("image/gif", "R0lGODlh"),
        ("image/webp", "UklGRgAAAABXRUJQ"),
    ] {
        let body = image(media_type, mark, MIB);
        chat(&user, body.clone()).await.ok();
        let asked = &turn_calls(&app).pop().unwrap().body["messages"][0]["content"][0]["image_url"]["url"];
        assert!(*asked == body["input"][0]["image_url"]["url"], "{media_type} is changed");
    }
    let calls = app.llm.call_count();
    for body in [
        image("image/png", png, MIB + 1),
        image("image/png", jpeg, 100),
        image("image/bmp", "Qk0A", 100),
        image("application/pdf", "JVBERi0A", 100),
    ] {
        chat(&user, body).await.is_error(422, "validation_error");
    }
    chat(&user, image("image/png", png, 2 * MIB)).await.is_error(413, "payload_too_large");
    user.post("/conversations", json!({"title": "x".repeat(MIB)})).await.is_error(413, "payload_too_large");
    assert_eq!(app.llm.call_count(), calls);
}

/// S0-23, S0-24. The image is never fetched, so its host need not exist.
async fn an_image_elsewhere_is_passed_on_and_not_fetched(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let url = "https://images.invalid/a%2Fb.png?X-Amz-Signature=ab%2Fc+d&X-Amz-Expires=60&x=%7E~#top";
    let input = json!([{"type": "image_url", "image_url": {"url": url}}]);
    chat(&user, json!({"input": input})).await.ok();
    assert_eq!(turn_calls(&app)[0].body["messages"][0]["content"][0]["image_url"]["url"], url);
}

/// C-37
async fn control_characters_are_removed_and_null_characters_refused(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let body = json!({"input": "a\u{7}b\u{1b}\tc\r\nd\u{7f}", "instructions": "be\u{8} kind"});
    let id = chat(&user, body).await.ok()["conversation_id"].clone();
    let told = turn_calls(&app)[0].messages();
    assert_eq!((told[0].1.as_str(), told[1].1.as_str()), ("be kind", "ab\tc\r\nd"));
    let path = format!("/conversations/{}", id.as_str().unwrap());
    for body in [
        json!({"input": "a\u{0}"}),
        json!({"input": [{"type": "text", "text": "a\u{0}"}]}),
        json!({"input": "a", "instructions": "b\u{0}"}),
        json!({"input": "a", "user_id": "u\u{0}"}),
    ] {
        chat(&user, body).await.is_error(422, "validation_error");
    }
    for body in [json!({"title": "a\u{0}"}), json!({"metadata": {"a": "\u{0}"}})] {
        user.post("/conversations", body.clone()).await.is_error(422, "validation_error");
        user.patch(&path, body).await.is_error(422, "validation_error");
    }
}

/// S0-14, C-11
async fn booleans_are_read_in_every_form(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for (forms, kind) in [
        ([json!(true), json!(1), json!("true"), json!("YES"), json!("On")], "text/event-stream"),
        ([json!(false), json!(0), json!("False"), json!("no"), json!("OFF")], "application/json"),
    ] {
        for form in forms {
            let answer = chat(&user, json!({"input": "hi", "stream": form})).await;
            assert_eq!(answer.status, 200, "{form}");
            assert!(answer.header("content-type").starts_with(kind), "{form}");
        }
    }
    for form in [json!("maybe"), json!(2), json!([])] {
        chat(&user, json!({"input": "hi", "stream": form})).await.is_error(422, "validation_error");
    }
}

/// S0-68, S0-70, C-5
async fn a_body_is_json(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let send = |method: Method, path: &'static str, kind: &'static str, body: &'static str| {
        let request = user.request(method, path).header("content-type", kind).body(body);
        async { Answer::read(request.send().await.unwrap()).await }
    };
    for (method, path) in [(Method::POST, "/chat"), (Method::PATCH, "/conversations/conv_x")] {
        for (kind, body) in [
            ("application/json", "{\"input\":"),
            ("application/json", ""),
            ("application/json", "{input: 'hi'}"),
            ("text/plain", "{\"input\": \"hi\"}"),
            ("application/x-www-form-urlencoded", "input=hi"),
        ] {
            send(method.clone(), path, kind, body).await.is_error(400, "invalid_json");
        }
        send(method.clone(), path, "application/json", "[]").await.is_error(422, "validation_error");
    }
    send(Method::POST, "/conversations", "application/json", "{").await.is_error(400, "invalid_json");
    assert_eq!(app.llm.call_count(), 0);
    let charset = send(Method::POST, "/chat", "application/json; charset=utf-8", "{\"input\": \"hi\"}").await;
    charset.ok();
}
