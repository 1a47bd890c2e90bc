//! Clients of contract S1 that resend the whole conversation with each message (C-19). Random sequences of that are in
//! `transcripts.rs`.

use reqwest::Method;
use serde_json::Value;
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use super::chat_stream::{PATH, ask, body, said, text_of};
use crate::support::{Answer, App, Store, User, on_both_stores, wait_until};

on_both_stores!(everything_is_resent_after_turns_of_all_kinds, a_first_question_is_repeated_once);

/// Posts until the turn of a killed process has been ended.
async fn post_until_taken(user: &User, body: &Value) -> Answer {
    let mut taken = None;
    wait_until("the turn is taken", async || {
        let answer = user.post(PATH, body.clone()).await;
        if answer.status == 200 {
            taken = Some(answer);
        } else {
            answer.is_error(409, "conversation_busy");
        }
        taken.is_some()
    })
    .await;
    taken.unwrap()
}

/// S1-4, S1-8, C-19
async fn everything_is_resent_after_turns_of_all_kinds(store: Store) {
    let mut app = App::start(store).await;
    let user = app.user("ann").await;
    let answer = user.post(PATH, ask(None, "one")).await;
    let session = answer.header("x-session-id").to_owned();
    let mut transcript = vec![said("user", "one"), said("assistant", &text_of(&answer))];
    let open = async |transcript: &[Value]| {
        user.request(Method::POST, PATH).json(&body(Some(&session), transcript)).send().await.unwrap()
    };

    transcript.push(said("user", "two"));
    app.llm.script(Reply::text("alpha beta").with(InjectedFault::HangAfter(Place::Words(1))));
    let mut answer = open(&transcript).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: alpha \n\n");
    user.post_nothing(&format!("/conversations/{session}/stop")).await.ok();
    transcript.extend([said("assistant", "alpha"), said("user", "three")]);

    app.llm.script(Reply::text("gamma delta").with(InjectedFault::CutAfter(Place::Words(1))));
    let answer = open(&transcript).await.text().await.unwrap();
    assert!(answer.starts_with("data: gamma \n\nevent: error\n"), "{answer}");
    // This client drops the reply that failed.
    transcript.push(said("user", "four"));

    let gate = Gate::closed();
    app.llm.script(Reply::text("epsilon zeta").waiting_after_words(1, &gate));
    let mut answer = open(&transcript).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: epsilon \n\n");
    app.wait_for_partial_text().await;
    app.kill();
    gate.open();
    app.start_again().await;
    transcript.extend([said("assistant", "epsilon"), said("user", "five")]);
    let answer = post_until_taken(&user, &body(Some(&session), &transcript)).await;
    assert_eq!(text_of(&answer), "You said: five");
    let mut expected = vec![
        "user: one",
        "assistant: You said: one",
        "user: two",
        "assistant: alpha  (stopped)",
        "user: three",
        "assistant: gamma  (failed)",
        "user: four",
        "assistant: epsilon  (interrupted)",
        "user: five",
        "assistant: You said: five",
    ];
    assert_eq!(user.history(&session).await, expected);

    // An edit of the last question, the same question again, and a new message alone.
    transcript.pop();
    transcript.push(said("user", "six"));
    app.llm.script(Reply::text("first"));
    text_of(&user.post(PATH, body(Some(&session), &transcript)).await);
    app.llm.script(Reply::text("second"));
    text_of(&user.post(PATH, body(Some(&session), &transcript)).await);
    let told = app.llm.calls().pop().unwrap().messages();
    assert_eq!(told.last().map(|(role, text)| (role.as_str(), text.as_str())), Some(("user", "six")));
    assert_eq!(told.len(), 9);
    text_of(&user.post(PATH, ask(Some(&session), "seven")).await);
    expected.truncate(8);
    expected.extend(["user: six", "assistant: second", "user: seven", "assistant: You said: seven"]);
    assert_eq!(user.history(&session).await, expected);
}

/// S1-8, C-19. After a first turn that failed, a client can only resend its question alone.
async fn a_first_question_is_repeated_once(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::fault(InjectedFault::status(401)));
    let failed = user.post(PATH, ask(None, "Tell me a story")).await;
    failed.is_error(500, "upstream_unauthorized");
    let session = failed.header("x-session-id").to_owned();
    app.llm.script(Reply::text("Once upon").with(InjectedFault::CutAfter(Place::Words(1))));
    let broken_off = user.post(PATH, ask(Some(&session), "Tell me a story")).await;
    assert!(broken_off.status == 200 && !broken_off.text.contains("[DONE]"), "{}", broken_off.text);
    assert_eq!(user.history(&session).await, ["user: Tell me a story", "assistant: Once  (failed)"]);
    text_of(&user.post(PATH, ask(Some(&session), "Tell me a story")).await);
    let told = app.llm.calls().pop().unwrap().messages();
    assert_eq!(told, [("user".to_owned(), "Tell me a story".to_owned())]);
    let expected = ["user: Tell me a story", "assistant: You said: Tell me a story"];
    assert_eq!(user.history(&session).await, expected);
    // Once it is answered, the same question is a new one.
    text_of(&user.post(PATH, ask(Some(&session), "Tell me a story")).await);
    assert_eq!(user.history(&session).await.len(), 4);
}
