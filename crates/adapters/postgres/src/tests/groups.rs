//! Calls that share a statement do not affect each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ports::BeginError;
use sqlx::{Connection, Executor, PgConnection};

use super::*;
use crate::turns::begin::BeginExisting;

/// Begins and finishes that fail in the database do not make other calls of the same statement fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_call_in_a_batch_fails_alone() {
    let (store, _) = fresh().await;
    let scene = Scene::new(&store).await;
    let taken = question_of("first");
    let mut begin = scene.begin_new("");
    begin.messages = vec![taken.clone()];
    let first = store.begin(begin).await.unwrap();

    let begins = (0..200).map(|number| {
        let mut begin = scene.begin_new(&format!("q{number}"));
        if number % 50 == 7 {
            // There is a message with this id already.
            begin.messages = vec![taken.clone()];
        }
        store.begin(begin)
    });
    let mut open = Vec::new();
    for (number, result) in join_all(begins).await.into_iter().enumerate() {
        match result {
            Ok(opened) => open.push(opened),
            Err(BeginError::Store(StoreError::Refused(_))) => assert_eq!(number % 50, 7),
            Err(other) => panic!("{number}: {other:?}"),
        }
    }
    assert_eq!(open.len(), 196);

    let finishes = open.iter().enumerate().map(|(number, begun)| {
        let mut finish = scene.finish(begun, "a");
        if number % 50 == 7 {
            finish.reply.as_mut().unwrap().0 = taken.id;
        }
        store.finish(finish)
    });
    for (number, result) in join_all(finishes).await.into_iter().enumerate() {
        let is_bad = number % 50 == 7;
        assert_eq!(matches!(result, Err(StoreError::Refused(_))), is_bad, "{number}: {result:?}");
        assert_eq!(matches!(result, Ok(Finished::Done { .. })), !is_bad, "{number}");
    }
    scene.answer(&store, &first, "a").await;
}

/// Of many begins in one conversation one is accepted, in one statement or in many.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_64_begins_in_one_batch_is_accepted() {
    let (store, _) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    for round in 1..=20 {
        let begins = (0..64).map(|number| store.begin(scene.begin_in(id, &format!("{number}"))));
        let mut winners = Vec::new();
        for result in join_all(begins).await {
            match result {
                Ok(begun) => winners.push(begun),
                Err(BeginError::Busy { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(winners[0].question.0, 2 * round + 1);
        scene.answer(&store, &winners[0], "a").await;
    }
}

/// The other calls of a batch do not wait for a locked row, and the call for the locked row is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_conversation_does_not_delay_other_calls() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let (locked, free) = (scene.conversation(&store).await, scene.conversation(&store).await);
    let mut holder = hold(&url, locked).await;
    let waiting = tokio::spawn({
        let (store, begin) = (store.clone(), scene.begin_in(locked, "waits"));
        async move { store.begin(begin).await }
    });
    store.begin(scene.begin_in(free, "goes")).await.unwrap();
    assert!(!waiting.is_finished());
    holder.execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
}

/// A finish whose caller is gone is executed all the same, also where it has to be tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_finish_outlives_its_caller() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let begun = scene.start(&store).await;
    let mut holder = hold(&url, begun.conversation.id).await;
    let finish = store.finish(scene.finish(&begun, "a"));
    assert!(tokio::time::timeout(Duration::from_millis(30), finish).await.is_err());
    holder.execute("COMMIT").await.unwrap();
    let start = Instant::now();
    while record_of(&store, &scene, begun.conversation.running.unwrap()).await.ending.is_none() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Locks a conversation until the connection commits.
async fn hold(url: &str, conversation: ConversationId) -> PgConnection {
    let mut holder = PgConnection::connect(url).await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    let lock = "SELECT FROM omnichat.conversations WHERE id = $1 FOR UPDATE";
    sqlx::query(lock).bind(conversation.0).execute(&mut holder).await.unwrap();
    holder
}

/// A turn that is in a batch twice is opened once.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_operation_twice_is_executed_once() {
    let (store, _) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    let op = Arc::new(BeginExisting::new(scene.begin_in(id, "q"), id, false));
    let both = join_all([store.writer.submit(Arc::clone(&op)), store.writer.submit(op)]).await;
    let done = both.into_iter().filter(|result| matches!(result, Ok(Ok(_)))).count();
    assert_eq!(done, 1);
    let conversation = conversation_of(&store, &scene, id).await.unwrap();
    assert_eq!(conversation.last_seq.0, 3);
}
