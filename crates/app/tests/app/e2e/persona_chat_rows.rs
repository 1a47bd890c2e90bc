//! Contract S4, row by row: personas, and conversations with them.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::PostgresServer;

use crate::support::persona_chat::{conversation, each, held, persona, put, send};
use crate::support::{Answer, App, Store, change, on_both_stores, on_sqlite_alone};

on_both_stores!(
    personas_behave_as_their_relation_says,
    conversations_have_their_own_personas_and_histories,
    conversations_are_listed_by_persona_and_in_pages,
    what_is_sent_is_cleaned_and_checked,
    an_update_changes_the_fields_that_it_names,
    a_deleted_conversation_takes_its_messages,
    an_archived_conversation_is_shown_as_archived,
);
on_sqlite_alone!(a_trailing_slash_makes_no_difference);

/// S4-1, S4-3, S4-40, S4-41, S4-42, S4-43, S4-44, S4-45, S4-46
async fn personas_behave_as_their_relation_says(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let documented = [
        ("parent", "caring, nurturing, advice, asked, concern, supportive, protective"),
        ("spouse", "loving, romantic, understanding, supportive, joys, concerns, intimate, personal"),
        ("child", "curious, energetic, questions, enthusiasm, learning, playful, innocent"),
        ("sibling", "friendly, supportive, experiences, brotherly, sisterly, advice, casual, familiar"),
        ("friend", "supportive, fun, companionship, casual, conversation, trustworthy, reliable"),
        ("colleague", "professional, helpful, work topics, collaborative, respectful, formal"),
        ("other", "supportive, engaging, description, flexibl"),
    ];
    let mut told = Vec::new();
    for (relation, words) in documented {
        let persona = persona(&user, &format!("Alex the {relation}"), relation).await;
        let conversation = conversation(&user, persona, "T").await;
        send(&user, conversation, "hi").await.ok();
        let messages = app.llm.calls().pop().unwrap().messages();
        assert_eq!((messages.len(), messages[0].0.as_str()), (2, "system"));
        let system = messages[0].1.clone();
        let expected = words.split(", ").chain(["Loves chess."]);
        for word in expected.chain([format!("Alex the {relation}").as_str()]) {
            assert!(system.contains(word), "{relation}: {word} is missing in: {system}");
        }
        told.push(system.split_once("Loves chess.").unwrap().1.to_owned());
    }
    // A relation type that the service does not know.
    change(&app, "UPDATE omnichat.personas SET relation_type = 'guru' WHERE id = 1");
    assert_eq!(user.get("/personas/1").await.ok()["relation_type"], "other");
    assert_eq!(user.get("/personas").await.ok().as_array().unwrap().len(), 7);
    send(&user, 1, "hi again").await.ok();
    let system = app.llm.calls().pop().unwrap().messages()[0].1.clone();
    assert!(system.contains("Alex the parent") && system.ends_with(&told[6]), "{system}");
}

/// S4-2, S4-3, S4-4
async fn conversations_have_their_own_personas_and_histories(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let mut talks = Vec::new();
    for (name, relation) in [("Alex", "friend"), ("Eve", "parent")] {
        let persona = persona(&user, name, relation).await;
        talks.push((name, conversation(&user, persona, name).await, Vec::new()));
    }
    for number in 0..12 {
        for (name, conversation, said) in &mut talks {
            let question = format!("{name} {number}");
            send(&user, *conversation, &question).await.ok();
            let told = app.llm.calls().pop().unwrap().messages();
            let told: Vec<String> = told.into_iter().map(|(_, text)| text).collect();
            assert!(told[0].contains(&format!("You are {name}")));
            let newest = said.len().saturating_sub(20);
            assert_eq!(told[1..told.len() - 1], said[newest..]);
            said.push(question.clone());
            said.push(format!("You said: {question}"));
        }
    }
    for (_, conversation, said) in talks {
        let list = user.get(&format!("/chat/conversations/{conversation}/messages")).await.ok();
        assert_eq!(each(&list, "content"), said);
    }
}

/// S4-5, S4-7, S4-12, S4-13, C-34, C-40
async fn conversations_are_listed_by_persona_and_in_pages(store: Store) {
    let app = App::start(store).await;
    let (user, other) = (app.user("ann").await, app.user("bob").await);
    let (alex, eve) = (persona(&user, "Alex", "friend").await, persona(&user, "Eve", "parent").await);
    for (persona, title) in [(alex, "a"), (eve, "b"), (alex, "c")] {
        conversation(&user, persona, title).await;
    }
    user.conversation().await;
    let titles = |query: &'static str| {
        let (user, path) = (user.clone(), format!("/chat/conversations{query}"));
        async move { each(&user.get(&path).await.ok(), "title") }
    };
    assert_eq!(titles("").await, ["c", "b", "a"]);
    send(&user, 1, "hi").await.ok();
    assert_eq!(titles("").await, ["a", "c", "b"]);
    put(&user, "/chat/conversations/2", json!({"title": "b2"})).await.ok();
    assert_eq!(titles("").await, ["b2", "a", "c"]);
    assert_eq!(titles("?persona_id=1").await, ["a", "c"]);
    assert_eq!(titles("?persona_id=2").await, ["b2"]);
    assert_eq!(titles("?persona_id=99").await, Vec::<Value>::new());
    assert_eq!(titles("?limit=1&offset=1").await, ["a"]);
    assert_eq!(titles("?persona_id=1&limit=5&offset=1").await, ["c"]);
    let names = |query: &'static str| {
        let (user, path) = (user.clone(), format!("/personas{query}"));
        async move { each(&user.get(&path).await.ok(), "name") }
    };
    assert_eq!(names("").await, ["Eve", "Alex"]);
    put(&user, "/personas/1", json!({"name": "Alexa"})).await.ok();
    assert_eq!(names("").await, ["Alexa", "Eve"]);
    assert_eq!(names("?limit=1&offset=1").await, ["Eve"]);
    for list in ["/personas", "/chat/conversations"] {
        for query in ["limit=0", "limit=1001", "offset=-1", "offset=1000001", "limit=x", "limit="] {
            user.get(&format!("{list}?{query}")).await.is_error(422, "validation_error");
        }
        user.get(&format!("{list}?limit=1000&offset=1000000")).await.ok();
    }
    user.get("/chat/conversations?persona_id=one").await.is_error(422, "validation_error");
    assert_eq!(other.get("/chat/conversations?persona_id=1").await.ok(), json!([]));
    // The list of a contract that can represent all conversations has all but the softly deleted ones.
    assert_eq!(user.get("/conversation").await.ok().as_array().unwrap().len(), 4);
    user.delete("/conversations/1").await.ok();
    assert_eq!(titles("").await, ["b2", "c"]);
    assert_eq!(user.get("/conversation").await.ok().as_array().unwrap().len(), 3);
}

/// S4-9, S4-10, S4-39, C-5, C-37
async fn what_is_sent_is_cleaned_and_checked(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let description = "Kind.\u{1b}[31m\nOld.";
    let made = json!({"name": " Al\u{7}ex ", "description": description, "relation_type": " FRIEND "});
    let made = user.post("/personas", made).await.ok();
    assert_eq!((&made["name"], &made["description"]), (&json!("Alex"), &json!("Kind.[31m\nOld.")));
    let body =
        json!({"title": " Chat\u{8} with\r\nAlex\t", "persona_id": 2, "user_id": 7, "is_active": false});
    let begun = user.post("/chat/conversations", body).await.ok();
    assert_eq!(begun, user.get("/chat/conversations/2").await.ok());
    let keys: Vec<_> = begun.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 7, "{keys:?}");
    assert_eq!((&begun["title"], &begun["is_active"]), (&json!("Chat with Alex"), &json!(true)));
    assert!(begun["id"].is_i64() && begun["persona_id"].is_i64() && begun["user_id"] == user.id);

    let sent = send(&user, 2, "a\u{7}b\u{1b}\u{85}\n\tc\r\n").await.ok();
    assert_eq!(sent["user_message"]["content"], "ab\n\tc\r\n");
    assert_eq!(app.llm.calls().pop().unwrap().question(), "ab\n\tc\r\n");
    send(&user, 2, &"ä".repeat(10_000)).await.ok();
    let calls = app.llm.call_count();
    for content in ["", " \n\t", "\u{7}", "a\u{0}b", &"ä".repeat(10_001)] {
        send(&user, 2, content).await.is_error(422, "validation_error");
    }
    let title = |title: &str| json!({"title": title, "persona_id": 1});
    user.post("/chat/conversations", title(&"ä".repeat(255))).await.ok();
    for bad in ["", " ", "\u{0}", "a\u{0}", &"ä".repeat(256)] {
        user.post("/chat/conversations", title(bad)).await.is_error(422, "validation_error");
        put(&user, "/chat/conversations/1", title(bad)).await.is_error(422, "validation_error");
    }
    for bad in ["", " ", "a\u{0}", &"ä".repeat(129)] {
        let body = json!({"name": bad, "relation_type": "friend"});
        user.post("/personas", body).await.is_error(422, "validation_error");
        put(&user, "/personas/1", json!({"name": bad})).await.is_error(422, "validation_error");
    }
    for body in [json!({"relation_type": "boss"}), json!({"description": "\u{0}"}), json!({})] {
        put(&user, "/personas/1", body).await.is_error(422, "validation_error");
    }
    for (text, kind) in [
        ("{\"content\":", "application/json"),
        ("", "application/json"),
        ("{\"content\":\"x\"}", "text/plain"),
    ] {
        let request = user.request(Method::POST, "/chat/conversations/1/send").header("content-type", kind);
        Answer::read(request.body(text).send().await.unwrap()).await.is_error(400, "invalid_json");
    }
    assert_eq!(app.llm.call_count(), calls);
    assert_eq!(user.get("/chat/conversations/1/messages").await.ok(), json!([]));
}

/// S4-15, S4-37, C-5
async fn an_update_changes_the_fields_that_it_names(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let (eve, strangers) =
        (persona(&user, "Eve", "parent").await, persona(&app.user("bob").await, "Bo", "child").await);
    let path = "/chat/conversations/1";
    let body = put(&user, path, json!({"title": "New", "persona_id": null, "id": 9})).await.ok();
    assert_eq!((&body["title"], &body["persona_id"], &body["id"]), (&json!("New"), &json!(1), &json!(1)));
    let body = put(&user, path, json!({"persona_id": eve})).await.ok();
    assert_eq!((&body["title"], &body["persona_id"]), (&json!("New"), &json!(eve)));
    send(&user, 1, "hi").await.ok();
    assert!(app.llm.calls().pop().unwrap().messages()[0].1.contains("You are Eve"));
    for persona in [strangers, 99] {
        let answer = put(&user, path, json!({"title": "Other", "persona_id": persona})).await;
        answer.is_error(404, "persona_not_found");
        assert_eq!(answer.json()["detail"], format!("Persona {persona} not found"));
    }
    for body in [json!({}), json!({"title": null, "persona_id": null}), json!({"persona_id": "2"})] {
        put(&user, path, body).await.is_error(422, "validation_error");
    }
    let body = user.get(path).await.ok();
    assert_eq!((&body["title"], &body["persona_id"]), (&json!("New"), &json!(eve)));
    put(&user, "/chat/conversations/99", json!({"title": "x"})).await.is_error(404, "conversation_not_found");
    send(&user, 99, "hi").await.is_error(404, "conversation_not_found");
    user.get("/chat/conversations/99/messages").await.is_error(404, "conversation_not_found");
    user.delete("/chat/conversations/99").await.is_error(404, "conversation_not_found");
    put(&user, "/personas/99", json!({"name": "x"})).await.is_error(404, "persona_not_found");
}

/// S4-16, C-20, C-24
async fn a_deleted_conversation_takes_its_messages(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let answer = send(&user, 1, "hi").await;
    let turn = answer.header("x-turn-id").to_owned();
    let deleted = user.delete("/chat/conversations/1").await.ok();
    assert_eq!(deleted, json!({"message": "Conversation 1 deleted successfully"}));
    for path in ["/chat/conversations/1", "/chat/conversations/1/messages", "/conversations/1/messages"] {
        user.get(path).await.is_error(404, "conversation_not_found");
    }
    user.get(&format!("/turns/{turn}/events")).await.is_error(404, "turn_not_found");
    for message in ["/chat/messages/1", "/chat/messages/2"] {
        user.delete(message).await.is_error(404, "message_not_found");
    }
    user.delete("/chat/conversations/1").await.is_error(404, "conversation_not_found");
    user.post_nothing("/conversations/1/restore").await.is_error(404, "conversation_not_found");
    assert_eq!(user.get("/conversation").await.ok(), json!([]));
}

/// S4-50
async fn an_archived_conversation_is_shown_as_archived(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    assert_eq!(user.get("/chat/conversations/1").await.ok()["is_active"], true);
    change(&app, "UPDATE omnichat.conversations SET active = FALSE WHERE number = 1");
    assert_eq!(user.get("/chat/conversations/1").await.ok()["is_active"], false);
    assert_eq!(each(&user.get("/chat/conversations").await.ok(), "is_active"), [false]);
    if let Some(url) = &app.database_url {
        let row = PostgresServer::shared().sql(url, "SELECT is_active FROM public.conversations");
        assert_eq!(row.trim(), "f");
    }
    // It is archived, not deleted.
    assert_eq!(send(&user, 1, "hi").await.ok()["conversation"]["is_active"], false);
}

/// C-31
async fn a_trailing_slash_makes_no_difference(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let list = ["/personas", "/personas/1", "/chat/conversations", "/chat/conversations/1", "/chat/stats"];
    for path in list {
        assert_eq!(user.get(path).await.ok(), user.get(&format!("{path}/")).await.ok(), "{path}");
    }
    user.post("/chat/conversations/1/send/", json!({"content": "hi"})).await.ok();
    assert_eq!(user.get("/chat/conversations/1/messages/").await.ok().as_array().unwrap().len(), 2);
    user.post("/chat/conversations/", json!({"title": "T", "persona_id": 1})).await.ok();
    user.delete("/chat/messages/1/").await.ok();
    put(&user, "/chat/conversations/1/", json!({"title": "T"})).await.ok();
    user.delete("/chat/conversations/1/").await.ok();
    assert_eq!(app.probe("/chat/health/").await.status, 200);
}
