//! One row that cannot be read keeps nobody from the others.

use std::time::{Duration, Instant};

use domain::{MessagePage, Page};
use ports::{BeginError, Chunk, ConversationFilter};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_message_takes_no_other_away() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    PostgresServer::shared().sql(&url, "UPDATE omnichat.messages SET parts = '{' WHERE seq = 1");
    let messages = store.messages(scene.owner, id.into(), MessagePage::default()).await.unwrap();
    assert_eq!(messages.granted().map(|messages| messages.len()), Some(1));
    let begun = store.begin(scene.begin_in(id, "next")).await.unwrap();
    assert_eq!(begun.window.messages.len(), 1);
    scene.answer(&store, &begun, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_conversation_takes_no_other_away() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let (broken, whole) = (scene.conversation(&store).await, scene.conversation(&store).await);
    PostgresServer::shared()
        .sql(&url, &format!("UPDATE omnichat.conversations SET begun_by = 'nobody' WHERE id = '{broken}'"));
    let page = Page { limit: 10, offset: 0 };
    let listed = store.list(scene.owner, ConversationFilter::default(), page).await.unwrap();
    assert_eq!(listed.iter().map(|conversation| conversation.id).collect::<Vec<_>>(), [whole]);
    let found = conversation_of(&store, &scene, broken).await;
    assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{found:?}");
}

/// The reaper ends all turns of the dead, with as much of their text as can be read.
#[tokio::test(flavor = "multi_thread")]
async fn broken_deltas_stop_no_reaper() {
    let (store, url) = fresh().await;
    let (scene, reaper) = (Scene::new(&store).await, Scene::new(&store).await);
    let mut turns = Vec::new();
    for _ in 0..3 {
        let turn = scene.start(&store).await.conversation.running.unwrap();
        for (first, text) in [(0, "par"), (1, "tial")] {
            let mut deltas = Reply::default();
            deltas.push(Delta::Text(text.to_owned()));
            store.checkpoint(scene.runner, vec![turn], vec![Chunk { turn, first, deltas }]).await.unwrap();
        }
        turns.push(turn);
    }
    let server = PostgresServer::shared();
    server.sql(&url, &format!("UPDATE omnichat.turn_chunks SET parts = '{{' WHERE turn_id = '{}'", turns[0]));
    server.sql(
        &url,
        &format!(
            "UPDATE omnichat.turn_chunks SET lengths = '\\x80' WHERE turn_id = '{}' AND first = 1",
            turns[1]
        ),
    );
    let dead = format!(
        "UPDATE omnichat.runners SET renewed_at = now() - interval '1 minute' WHERE id <> '{}'",
        reaper.runner
    );
    server.sql(&url, &dead);
    server.sql(&url, "UPDATE omnichat.runners SET since = now() - interval '1 minute'");
    assert_eq!(store.reap(reaper.runner, now()).await.unwrap(), 3);
    for (turn, text) in turns.into_iter().zip(["", "par", "partial"]) {
        let found = record_of(&store, &scene, turn).await;
        assert_eq!((found.reply.text().as_str(), found.ending.is_some()), (text, true));
    }
}

/// A turn in a conversation that turns out to be unreadable is not left open.
#[tokio::test(flavor = "multi_thread")]
async fn a_begin_that_cannot_be_answered_leaves_no_open_turn() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    let server = PostgresServer::shared();
    server.sql(&url, "UPDATE omnichat.conversations SET begun_by = 'nobody'");
    let result = store.begin(scene.begin_in(id, "q")).await;
    assert!(matches!(result, Err(BeginError::Store(StoreError::Corrupt { .. }))), "{result:?}");
    let start = Instant::now();
    while server.sql(&url, "SELECT count(*) FROM omnichat.turns WHERE state = 'running'") != "0" {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
