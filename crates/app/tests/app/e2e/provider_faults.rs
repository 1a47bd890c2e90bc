//! Providers that fail: the client gets an error, partial text is stored and marked, and the process goes on.

use std::time::{Duration, Instant};

use testkit::fake_llm::{ErrorForm, InjectedFault, Place, Reply};

use crate::support::{App, PROVIDER_KEY, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(a_provider_that_breaks_off_leaves_marked_text);
on_sqlite_alone!(
    refusals_of_the_provider_are_mapped,
    a_provider_that_hangs_is_given_up,
    a_byte_order_mark_does_no_harm,
    unusual_but_valid_streams_are_replies,
);

/// C-14, F1, F3. The number of calls shows that refused calls are not repeated.
async fn refusals_of_the_provider_are_mapped(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for (code, status, word) in [
        (400, 400, "upstream_rejected"),
        (404, 400, "upstream_rejected"),
        (401, 502, "upstream_unauthorized"),
        (402, 502, "upstream_unauthorized"),
        (403, 502, "upstream_unauthorized"),
    ] {
        let id = user.conversation().await;
        let calls = app.llm.call_count();
        let leaking =
            serde_json::json!({"error": {"message": format!("bad key {PROVIDER_KEY}"), "code": null}});
        let headers = vec![("x-echo".to_owned(), PROVIDER_KEY.to_owned())];
        app.llm.script(Reply::fault(InjectedFault::Status { code, body: leaking, headers }));
        let answer = user.say(&id, "hi").await;
        answer.is_error(status, word);
        assert!(!answer.text.contains("sk-") && !format!("{:?}", answer.headers).contains("sk-"));
        assert_eq!(app.llm.call_count(), calls + 1, "{code}");
        assert_eq!(user.history(&id).await, ["user: hi"]);
    }
    assert!(!app.log().contains(PROVIDER_KEY), "the key is in the log");
}

/// F6, F7, F8
async fn a_provider_that_breaks_off_leaves_marked_text(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let at = Place::Words(2);
    for fault in [
        InjectedFault::CutAfter(at),
        InjectedFault::EndAfter(at),
        InjectedFault::ErrorAfter(at, ErrorForm::InChunk),
        InjectedFault::ErrorAfter(at, ErrorForm::WithoutChoices),
        InjectedFault::ErrorAfter(at, ErrorForm::Bare),
        InjectedFault::MalformedAfter(at),
        InjectedFault::EndlessLineAfter(at),
    ] {
        let id = user.conversation().await;
        let calls = app.llm.call_count();
        app.llm.script(Reply::text("one two three").with(fault.clone()));
        let answer = user.say(&id, "hi").await;
        assert_eq!(answer.status, 502, "{fault:?}: {}", answer.text);
        assert_eq!(user.history(&id).await, ["user: hi", "assistant: one two  (failed)"], "{fault:?}");
        assert_eq!(app.llm.call_count(), calls + 1, "{fault:?}");
        user.say(&id, "next").await.ok();
    }
}

/// F5, S0-72
async fn a_provider_that_hangs_is_given_up(store: Store) {
    let app = App::start_with(
        store,
        &[
            ("OMNICHAT_PROVIDER__FIRST_EVENT_TIMEOUT_SECONDS", "1"),
            ("OMNICHAT_PROVIDER__IDLE_TIMEOUT_SECONDS", "1"),
        ],
    )
    .await;
    let user = app.user("ann").await;
    for (fault, expected) in [
        (InjectedFault::HangBeforeHeaders, vec!["user: hi"]),
        (InjectedFault::HangAfter(Place::Words(2)), vec!["user: hi", "assistant: one two  (failed)"]),
    ] {
        let id = user.conversation().await;
        app.llm.script(Reply::text("one two three").with(fault));
        let asked = Instant::now();
        user.say(&id, "hi").await.is_error(502, "upstream_timeout");
        // Without these settings it would be given up after a minute.
        assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
        assert_eq!(user.history(&id).await, expected);
    }
    assert_eq!(app.llm.call_count(), 2);
}

/// F8
async fn a_byte_order_mark_does_no_harm(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.script(Reply::text("one two").with(InjectedFault::ByteOrderMark));
    let answer = user.say(&id, "hi").await;
    // Read as it is meant, or refused: never a half-read success, and the process lives.
    if answer.status == 200 {
        assert_eq!(answer.json()["response"], "one two");
    } else {
        assert_eq!(answer.status, 502);
    }
    user.say(&id, "next").await.ok();
}

/// F8, F9
async fn unusual_but_valid_streams_are_replies(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for reply in [
        Reply::text("one two").with(InjectedFault::CrLf),
        Reply::text("one two").with(InjectedFault::SingleBytes),
        Reply::text("one two").without_usage(),
        Reply::text("one two").finishing("length"),
        Reply::text("one two").finishing("content_filter"),
        Reply::text("one two").finishing("something_new"),
    ] {
        let id = user.conversation().await;
        app.llm.script(reply);
        assert_eq!(user.say(&id, "hi").await.ok()["response"], "one two");
    }
    let id = user.conversation().await;
    app.llm.script(Reply::empty());
    user.say(&id, "hi").await.is_error(502, "upstream_empty");
    assert_eq!(user.history(&id).await, ["user: hi"]);
}
