//! Lists of messages: their pages, and how long ones are streamed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{MessageKey, MessagePage, Role, Seq, SortOrder};
use ports::{LastPage, MessageBatch, StoreError};
use serde_json::{Value, json};

use crate::support::sockets::{Client, PATIENCE, chunks, serve};
use crate::support::{Setup, UUID, batch, conversation, get, granted, message, setup, start};

/// The text of each message: about as long as a chunk.
const LONG: usize = 30_000;

/// Conversation 7 with so many messages, which are read one at a time; `read` counts them. Reading the one after
/// `broken` fails.
fn with_long_list(length: i64, read: &Arc<AtomicI64>, broken: i64) -> Setup {
    let mut setup = setup();
    let read = Arc::clone(read);
    setup.conversations.expect_messages().returning(move |_, key, page| {
        let seq = page.after.map_or(1, |after| after.0 + 1);
        if seq > broken {
            return Err(StoreError::Unavailable("the database is gone".into()));
        }
        read.fetch_add(1, Ordering::SeqCst);
        let rest = (seq < length).then_some(MessagePage { after: Some(Seq(seq)), ..page });
        let messages = vec![message(seq, Role::User, &"x".repeat(LONG))];
        Ok(granted(&key, MessageBatch { messages, rest, has_more: false }))
    });
    setup.settings.stall_limit = Duration::from_millis(400);
    setup
}

fn path() -> String {
    format!("/conversations/{UUID}/messages")
}

#[actix_web::test]
async fn a_page_is_selected_by_messages() {
    let mut setup = setup();
    setup.conversations.expect_position().returning(|_, key, message| {
        let position = match message {
            MessageKey::Id(id) if id.0.as_u128() < 100 => Some(Seq(i64::try_from(id.0.as_u128()).unwrap())),
            MessageKey::Number(number) if number.0 < 100 => Some(Seq(number.0)),
            MessageKey::Id(_) | MessageKey::Number(_) => None,
        };
        Ok(granted(&key, position))
    });
    setup.conversations.expect_last_page().returning(|_, key, page, skip| {
        assert_eq!((page.limit, page.before, skip), (Some(5), Some(Seq(8)), 0));
        let page = MessagePage { limit: None, ..page };
        Ok(granted(&key, LastPage { page, has_more: true }))
    });
    setup.conversations.expect_messages().returning(|_, key, page| {
        let first = page.after.map_or(0, |after| after.0);
        let batch = batch(vec![message(first + 1, Role::User, "Hi")]);
        Ok(granted(&key, MessageBatch { has_more: page.limit == Some(1), ..batch }))
    });
    let app = start(setup).await;
    let listed = async |query: &str| {
        let answer = app.call(get(&format!("{}?{query}", path()))).await;
        assert_eq!(answer.status, 200, "{query}");
        (answer.json()[0]["id"].as_str().unwrap().to_owned(), answer.header("x-has-more").to_owned())
    };
    let id = |seq: u32| format!("msg_{seq:032x}");
    assert_eq!(listed("").await, (id(1), "false".to_owned()));
    assert_eq!(listed("limit=1").await, (id(1), "true".to_owned()));
    for after in ["4", &id(4), "00000000-0000-0000-0000-000000000004"] {
        assert_eq!(listed(&format!("after={after}")).await, (id(5), "false".to_owned()));
    }
    assert_eq!(listed("before=8&limit=5").await, (id(1), "true".to_owned()));
    assert_eq!(listed("before=8&after=3&limit=1").await, (id(4), "true".to_owned()));
    assert_eq!(listed("before=8").await, (id(1), "false".to_owned()));

    for query in
        ["after=x", "after=", "before=-1", "before=1.5", "after=100", "before=msg_1", "after=1&after=2"]
    {
        let refused = app.call(get(&format!("{}?{query}", path()))).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "validation_error"), "{query}");
        if query != "after=1&after=2" {
            assert_eq!(refused.json()["error"]["param"], query.split_once('=').unwrap().0, "{query}");
        }
    }
    let elsewhere = app.call(get("/conversations/99/messages?after=100")).await;
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (404, "conversation_not_found"));
}

#[actix_web::test]
async fn a_page_counts_from_the_start_of_the_order() {
    let mut setup = setup();
    setup.conversations.expect_position().returning(|_, key, _| Ok(granted(&key, Some(Seq(4)))));
    setup.conversations.expect_messages().returning(|_, key, page| {
        let (order, limit) = (SortOrder::Descending, Some(2));
        assert_eq!(page, MessagePage { order, limit, after: Some(Seq(4)), before: None });
        Ok(granted(&key, MessageBatch::default()))
    });
    let app = start(setup).await;
    let answer = app.call(get(&format!("{}?order=desc&limit=2&after=4", path()))).await;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
}

#[actix_web::test]
async fn a_long_list_is_streamed_whole() {
    let read = Arc::new(AtomicI64::new(0));
    let (settings, services) = with_long_list(20, &read, i64::MAX).ready();
    let address = serve(settings, services).await;
    let answer = Client::ask(address, "GET", &path(), "").await.until("0\r\n\r\n").await;
    let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
    assert!(head.contains("transfer-encoding: chunked") && head.contains("x-has-more: false"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n") && !head.contains("content-length"),
        "{head}"
    );
    let (pieces, is_whole) = chunks(&answer);
    assert!(is_whole && pieces.len() >= 15 && pieces.iter().all(|piece| piece.len() <= 32 * 1024));
    let listed: Vec<Value> = serde_json::from_str(&pieces.concat()).unwrap();
    let ids = listed.iter().map(|message| message["id"].as_str().unwrap().to_owned());
    assert!(ids.eq((1..=20).map(|seq| format!("msg_{seq:032x}"))));
    assert!(listed.iter().all(|message| message["content"].as_str().unwrap().len() == LONG));

    let (settings, services) = with_long_list(1, &read, i64::MAX).ready();
    let address = serve(settings, services).await;
    let answer = Client::ask(address, "GET", &path(), "").await.until("}]").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains(&format!("content-length: {}", body.len())), "{head}");
}

#[actix_web::test]
async fn a_list_that_cannot_be_read_to_its_end_is_cut_off() {
    let read = Arc::new(AtomicI64::new(0));
    let (settings, services) = with_long_list(20, &read, 10).ready();
    let address = serve(settings, services).await;
    let answer = Client::ask(address, "GET", &path(), "").await.until_closed().await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    let (pieces, is_whole) = chunks(&answer);
    assert!(!is_whole && serde_json::from_str::<Value>(&pieces.concat()).is_err());

    let app = start(with_long_list(20, &read, 0)).await;
    let failed = app.call(get(&path())).await;
    assert_eq!((failed.status, failed.code().as_str()), (503, "database_unavailable"));
}

#[actix_web::test]
async fn the_head_of_a_long_list_is_answered_from_its_first_batch() {
    let read = Arc::new(AtomicI64::new(0));
    let (settings, services) = with_long_list(1_000_000, &read, i64::MAX).ready();
    let address = serve(settings, services).await;
    let mut client = Client::ask(address, "HEAD", &path(), "").await;
    let head = client.until("\r\n\r\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("x-has-more: false"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn the_connection_of_a_client_that_does_not_read_a_list_is_closed() {
    let read = Arc::new(AtomicI64::new(0));
    let (settings, services) = with_long_list(1_000_000, &read, i64::MAX).ready();
    let address = serve(settings, services).await;
    let mut client = Client::ask(address, "GET", &path(), "").await;
    client.until("HTTP/1.1 200").await;
    client.is_closed_within(PATIENCE).await;
    // No more was read than sockets hold, a few MB.
    assert!(read.load(Ordering::SeqCst) < 2_000, "{read:?}");
    assert!(!client.until_closed().await.ends_with("0\r\n\r\n"));
}

#[actix_web::test]
async fn nothing_more_is_read_for_a_client_that_left() {
    let read = Arc::new(AtomicI64::new(0));
    let (settings, services) = with_long_list(1_000_000, &read, i64::MAX).ready();
    let address = serve(settings, services).await;
    let mut client = Client::ask(address, "GET", &path(), "").await;
    client.until("HTTP/1.1 200").await;
    client.hang_up().await;
    client.is_closed_within(PATIENCE).await;
    let before = read.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(read.load(Ordering::SeqCst), before);
}

#[actix_web::test]
async fn a_list_of_conversations_is_streamed_with_their_messages() {
    let mut setup = setup();
    let read = Arc::new(AtomicI64::new(0));
    setup.conversations = with_long_list(3, &read, i64::MAX).conversations;
    setup.conversations.expect_list().returning(|_, _, _| {
        let long = domain::Conversation { last_seq: Seq(3_000), ..conversation() };
        Ok(vec![long.clone(), long])
    });
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let answer = Client::ask(address, "GET", "/conversation", "").await.until("0\r\n\r\n").await;
    let (pieces, is_whole) = chunks(&answer);
    let listed: Vec<Value> = serde_json::from_str(&pieces.concat()).unwrap();
    assert!(is_whole && listed.len() == 2);
    for shown in listed {
        assert_eq!((shown["id"].as_str(), shown.as_object().unwrap().len()), (Some(UUID), 3));
        assert_eq!(shown["messages"].as_array().unwrap().len(), 3);
    }
}
