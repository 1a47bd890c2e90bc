//! Contract S0, row by row: listing, changing, deleting and reading conversations.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, Reply};

use super::llm_chat::{app, chat, turn_calls};
use crate::support::{Answer, Store, User, on_both_stores, sql};

on_both_stores!(
    a_list_has_fifty_rows_by_default,
    the_newest_update_comes_first,
    a_label_lists_the_conversations_that_began_with_it,
    a_patch_merges_what_it_names,
    a_soft_delete_hides_everything_and_loses_nothing,
    a_hard_delete_leaves_no_row,
    a_running_turn_ends_behind_a_soft_delete,
    messages_are_read_from_either_end,
    all_ids_of_a_conversation_name_the_same_one,
    unknown_conversations_are_not_found,
);

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

/// A new conversation of contract S0 with this label; its id.
async fn begun(user: &User, label: &str) -> String {
    let created = user.post("/conversations", json!({"user_id": label})).await.ok();
    created["id"].as_str().unwrap().to_owned()
}

/// S0-33, S0-34, S0-35, S0-70
async fn a_list_has_fifty_rows_by_default(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let mut newest_first = Vec::new();
    for _ in 0..51 {
        newest_first.insert(0, begun(&user, "user1").await);
    }
    let list = |query: &'static str| {
        let user = user.clone();
        async move { user.get(&format!("/conversations?user_id=user1{query}")).await }
    };
    assert_eq!(ids(&list("").await.ok()), newest_first[..50]);
    assert_eq!(ids(&list("&limit=100").await.ok()), newest_first);
    assert_eq!(ids(&list("&limit=1").await.ok()), newest_first[..1]);
    assert_eq!(ids(&list("&offset=1").await.ok()), newest_first[1..]);
    assert_eq!(ids(&list("&limit=20&offset=40").await.ok()), newest_first[40..]);
    assert_eq!(list("&offset=51").await.ok(), json!([]));
    for query in ["&limit=0", "&limit=101", "&limit=-1", "&limit=x", "&limit=", "&offset=-1", "&offset=x"] {
        list(query).await.is_error(422, "validation_error");
    }
    for query in ["", "?limit=10", "?user_id=", &format!("?user_id={}", "u".repeat(256))] {
        user.get(&format!("/conversations{query}")).await.is_error(422, "validation_error");
    }
    assert_eq!(user.get("/conversations?user_id=user2").await.ok(), json!([]));
}

/// S0-36
async fn the_newest_update_comes_first(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let (first, second, third) = (begun(&user, "u").await, begun(&user, "u").await, begun(&user, "u").await);
    chat(&user, json!({"input": "hi", "conversation_id": first})).await.ok();
    assert_eq!(ids(&user.get("/conversations?user_id=u").await.ok()), [&*first, &*third, &*second]);
    user.patch(&format!("/conversations/{second}"), json!({"title": "New Title"})).await.ok();
    assert_eq!(ids(&user.get("/conversations?user_id=u").await.ok()), [&*second, &*first, &*third]);
}

/// S0-10, S0-32, S0-33, S0-47, C-6
async fn a_label_lists_the_conversations_that_began_with_it(store: Store) {
    let app = app(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let answer = chat(&ann, json!({"input": "hi", "user_id": "user1"})).await.ok();
    let id = answer["conversation_id"].as_str().unwrap();
    let listed = ann.get("/conversations?user_id=user1").await.ok();
    assert_eq!((ids(&listed), &listed[0]["message_count"]), (vec![id], &json!(1)));
    // A later message may have another label of the same user; the conversation keeps its first one.
    chat(&ann, json!({"input": "again", "user_id": "user2", "conversation_id": id})).await.ok();
    assert_eq!(ann.get("/conversations?user_id=user2").await.ok(), json!([]));
    assert_eq!(ann.get(&format!("/conversations/{id}")).await.ok()["user_id"], "user1");
    // Without a label, the conversation gets the owner's number as its label.
    let unlabelled = chat(&ann, json!({"input": "hi"})).await.ok();
    let own = ann.get(&format!("/conversations?user_id={}", ann.id)).await.ok();
    assert_eq!(ids(&own), [unlabelled["conversation_id"].as_str().unwrap()]);
    // The label of another user gives no access.
    for label in ["user1", &ann.id.to_string()] {
        assert_eq!(bob.get(&format!("/conversations?user_id={label}")).await.ok(), json!([]));
    }
    let body = json!({"input": "hi", "user_id": "user1", "conversation_id": id});
    chat(&bob, body).await.is_error(404, "conversation_not_found");
}

/// S0-32, S0-38, S0-70
async fn a_patch_merges_what_it_names(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let body = json!({"user_id": "user123", "title": "My Chat", "metadata": {"category": "support"}});
    let created = user.post("/conversations", body).await.ok();
    assert_eq!((&created["total_cost"], &created["summary"]), (&json!(0.0), &Value::Null));
    assert!(created["created_at"].is_string());
    let path = format!("/conversations/{}", created["id"].as_str().unwrap());
    let example = json!({"title": "New Title", "metadata": {"updated": true}});
    let patched = user.patch(&path, example).await.ok();
    assert_eq!(patched["title"], "New Title");
    assert_eq!(patched["metadata"], json!({"category": "support", "updated": true}));
    let more = json!({"metadata": {"updated": false, "nested": {"a": [1, null, 1.5, true]}}, "title": null});
    let patched = user.patch(&path, more).await.ok();
    let merged = json!({"category": "support", "updated": false, "nested": {"a": [1, null, 1.5, true]}});
    assert_eq!((&patched["metadata"], &patched["title"]), (&merged, &json!("New Title")));
    assert_eq!(user.get(&path).await.ok(), patched);
    for body in [
        json!({}),
        json!({"title": null, "metadata": null}),
        json!({"user_id": "other"}),
        json!({"title": "t".repeat(501)}),
        json!({"title": 5}),
        json!({"metadata": "x"}),
    ] {
        user.patch(&path, body).await.is_error(422, "validation_error");
    }
    assert_eq!(user.get(&path).await.ok(), patched);
    assert_eq!(user.patch(&path, json!({"title": "ü".repeat(500)})).await.ok()["title"], "ü".repeat(500));
    user.post("/conversations", json!({"title": "ü".repeat(500)})).await.ok();
    user.post("/conversations", json!({"title": "ü".repeat(501)})).await.is_error(422, "validation_error");
}

/// The number of rows of the tables of conversations and of messages.
fn rows(app: &crate::support::App) -> (String, String) {
    let count = |table: &str| sql(app, &format!("SELECT count(*) FROM omnichat.{table}")).concat();
    (count("conversations"), count("messages"))
}

/// Checks that no route finds this conversation.
async fn is_gone(user: &User, id: &str) {
    let path = format!("/conversations/{id}");
    for answer in [
        user.get(&path).await,
        user.get(&format!("{path}/messages")).await,
        user.patch(&path, json!({"title": "x"})).await,
        user.delete(&path).await,
        user.delete(&format!("{path}?soft=true")).await,
        chat(user, json!({"input": "hi", "conversation_id": id})).await,
        chat(user, json!({"input": "hi", "conversation_id": id, "stream": true})).await,
        user.say(id, "hi").await,
    ] {
        answer.is_error(404, "conversation_not_found");
    }
}

/// S0-39, S0-41, S0-69, C-11, C-20, C-24
async fn a_soft_delete_hides_everything_and_loses_nothing(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let first = chat(&user, json!({"input": "What is Python?", "user_id": "u"})).await.ok();
    let id = first["conversation_id"].as_str().unwrap();
    let path = format!("/conversations/{id}");
    let before = user.get(&path).await.ok();
    for query in ["", "?soft=true", "?soft=yes", "?soft=1"] {
        let deleted = user.delete(&format!("{path}{query}")).await.ok();
        let message = "Conversation deleted successfully";
        assert_eq!(deleted, json!({"success": true, "message": message, "id": id, "soft": true}));
        is_gone(&user, id).await;
        assert_eq!(user.get("/conversations?user_id=u").await.ok(), json!([]));
        assert_eq!(rows(&app), ("1".to_owned(), "2".to_owned()));
        let restored = user.post_nothing(&format!("{path}/restore")).await.ok();
        assert_eq!((&restored["id"], &restored["title"]), (&json!(id), &before["title"]));
        user.post_nothing(&format!("{path}/restore")).await.is_error(404, "conversation_not_found");
    }
    let body = json!({"input": "Tell me more", "conversation_id": id});
    assert_eq!(chat(&user, body).await.ok()["message_count"], 2);
    assert_eq!(turn_calls(&app).pop().unwrap().messages().len(), 3);
    user.delete(&format!("{path}?soft=maybe")).await.is_error(422, "validation_error");
}

/// S0-40, S0-69, C-20, C-24
async fn a_hard_delete_leaves_no_row(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for hidden_first in [false, true] {
        let first = chat(&user, json!({"input": "hi"})).await.ok();
        let id = first["conversation_id"].as_str().unwrap();
        if hidden_first {
            user.delete(&format!("/conversations/{id}")).await.ok();
        }
        let deleted = user.delete(&format!("/conversations/{id}?soft=false")).await.ok();
        assert_eq!((&deleted["success"], &deleted["soft"]), (&json!(true), &json!(false)));
        is_gone(&user, id).await;
        let restore = user.post_nothing(&format!("/conversations/{id}/restore")).await;
        restore.is_error(404, "conversation_not_found");
        assert_eq!(rows(&app), ("0".to_owned(), "0".to_owned()));
    }
}

/// C-20
async fn a_running_turn_ends_behind_a_soft_delete(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let id = begun(&user, "u").await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let asking = tokio::spawn({
        let (user, body) = (user.clone(), json!({"input": "hi", "conversation_id": id}));
        async move { chat(&user, body).await }
    });
    app.llm.wait_for_calls(2).await;
    user.delete(&format!("/conversations/{id}")).await.ok();
    gate.open();
    assert_eq!(asking.await.unwrap().ok()["output_text"], "one two");
    user.get(&format!("/conversations/{id}")).await.is_error(404, "conversation_not_found");
    let restored = user.post_nothing(&format!("/conversations/{id}/restore")).await.ok();
    assert_eq!(restored["message_count"], 1);
    assert_eq!(user.history(&id).await, ["user: hi", "assistant: one two"]);
}

/// S0-42, S0-43, S0-70, C-2
async fn messages_are_read_from_either_end(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}});
    let text = |text: &str| json!({"type": "text", "text": text});
    let input = json!([text("What is"), image, text("in this image?")]);
    app.llm.script(Reply::text("A lighthouse."));
    let first = chat(&user, json!({"input": input})).await.ok();
    let id = first["conversation_id"].as_str().unwrap();
    app.llm.script(Reply::text("At dusk."));
    chat(&user, json!({"input": "When?", "conversation_id": id})).await.ok();
    let path = format!("/conversations/{id}/messages");
    let read = |query: &'static str| {
        let (user, path) = (user.clone(), path.clone());
        async move {
            let messages = user.get(&format!("{path}{query}")).await.ok();
            let text = |message: &Value| {
                for key in ["id", "conversation_id", "role", "content", "created_at"] {
                    assert!(message[key].is_string(), "{key}: {message}");
                }
                assert!(message.get("state").is_none());
                message["content"].as_str().unwrap().to_owned()
            };
            messages.as_array().unwrap().iter().map(text).collect::<Vec<_>>()
        }
    };
    let mut all = ["What is\n[Image]\nin this image?", "A lighthouse.", "When?", "At dusk."];
    assert_eq!(read("").await, all);
    assert_eq!(read("?limit=50&order=asc").await, all);
    assert_eq!(read("?limit=3").await, all[..3]);
    all.reverse();
    assert_eq!(read("?order=desc").await, all);
    assert_eq!(read("?limit=3&order=desc").await, all[..3]);
    for query in ["?limit=0", "?limit=1001", "?limit=x", "?order=x", "?order="] {
        user.get(&format!("{path}{query}")).await.is_error(422, "validation_error");
    }
}

/// S0-50, C-2, C-3
async fn all_ids_of_a_conversation_name_the_same_one(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let uuid = user.conversation().await;
    let prefixed = format!("conv_{}", uuid.replace('-', ""));
    let forms = [uuid.as_str(), prefixed.as_str(), "1"];
    for (number, form) in forms.into_iter().enumerate() {
        let answer = chat(&user, json!({"input": "hi", "conversation_id": form})).await;
        assert_eq!(answer.header("x-conversation-id"), form);
        let body = answer.ok();
        assert_eq!((&body["conversation_id"], &body["message_count"]), (&json!(form), &json!(number + 1)));
        let row = user.get(&format!("/conversations/{form}")).await.ok();
        assert_eq!((&row["id"], &row["message_count"]), (&json!(form), &json!(number + 1)));
        let patched = user.patch(&format!("/conversations/{form}"), json!({"title": form})).await.ok();
        assert_eq!((&patched["id"], &patched["title"]), (&json!(form), &json!(form)));
        let messages = user.get(&format!("/conversations/{form}/messages")).await.ok();
        assert_eq!(messages[0]["conversation_id"], form);
    }
    assert_eq!(turn_calls(&app)[2].messages().len(), 5);
    assert_eq!(ids(&user.get(&format!("/conversations?user_id={}", user.id)).await.ok()), [&*prefixed]);
    assert_eq!(ids(&user.get("/conversations/project/p1").await.ok()), [&*uuid]);
    // A conversation of S0 accepts messages by S2, too.
    let begun = begun(&user, "u").await;
    assert_eq!(user.say(&begun, "hi").await.ok()["conversation_id"], begun.as_str());
}

/// S0-37, S0-69
async fn unknown_conversations_are_not_found(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for id in ["conv_unknown", "conv_0123456789abcdef0123456789abcdef", "99", "nonsense!"] {
        is_gone(&user, id).await;
    }
    let request = user.request(Method::DELETE, "/conversations/conv_unknown?soft=false");
    Answer::read(request.send().await.unwrap()).await.is_error(404, "conversation_not_found");
    assert_eq!(app.llm.call_count(), 0);
    assert_eq!(rows(&app), ("0".to_owned(), "0".to_owned()));
}
