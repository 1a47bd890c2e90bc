//! Many writes in one commit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use domain::{ConversationKey, MessagePage};
use futures_util::future::BoxFuture;
use ports::{BeginError, Finished, StoreError};
use tokio::sync::oneshot;

use super::*;
use crate::turns::begin::{OpenedTurn, PreparedBegin};
use crate::writer::request::{Job, Request};
use crate::writer::{Source, WriterTask};

type Receiver<T> = oneshot::Receiver<Result<T, DbError>>;

/// A writer that is driven by hand, so that a test decides which requests share a commit.
fn writer(store: &SqliteStore) -> WriterTask {
    WriterTask { source: Source::Shared(store.reads.clone()), failed_sync: Arc::new(AtomicBool::new(false)) }
}

fn begin_job(begin: Begin) -> (Job, Receiver<Result<OpenedTurn, BeginError>>) {
    let conversation = match &begin.target {
        Target::New(new) => new.id,
        Target::Existing { key: ConversationKey::Id(id), .. } => *id,
        Target::Existing { key, .. } => panic!("{key:?} is no id"),
    };
    let (request, result) = Request::new(PreparedBegin::new(begin, conversation));
    (Job::Begin(Box::new(request)), result)
}

fn finish_job(finish: Finish) -> (Job, Receiver<Result<Finished, DbError>>) {
    let (request, result) = Request::new(finish.into());
    (Job::Finish(Box::new(request)), result)
}

/// A write that changes something, then panics.
fn panics(connection: &mut SqliteConnection) -> BoxFuture<'_, Result<(), DbError>> {
    Box::pin(async move {
        run_sql(connection, "DELETE FROM conversations".to_owned()).await?;
        panic!("a write that panics");
    })
}

#[tokio::test]
async fn a_bad_begin_in_a_group_fails_alone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (first, second) = (conversation(&store, owner).await, conversation(&store, owner).await);
    let runner = runner();
    let unknown = UserId(404);
    let new = Target::New(Box::new(conversation_of(unknown)));
    let (good, good_answer) = begin_job(begin(owner, Target::existing(first.id), runner));
    let (bad, bad_answer) = begin_job(begin(unknown, new, runner));
    let (other, other_answer) = begin_job(begin(owner, Target::existing(second.id), runner));

    writer(&store).commit(vec![good, bad, other]).await;

    assert_eq!(good_answer.await.unwrap().unwrap().unwrap().begun.conversation.last_seq.0, 1);
    assert!(matches!(StoreError::from(bad_answer.await.unwrap().unwrap_err()), StoreError::Refused(_)));
    assert_eq!(other_answer.await.unwrap().unwrap().unwrap().begun.conversation.last_seq.0, 1);
    let seen = seen(&store, owner, first.id).await;
    assert_eq!(seen.last_seq.0, 1);
}

#[tokio::test]
async fn a_write_that_panics_fails_alone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let (good, good_answer) = begin_job(begin(owner, Target::existing(talk.id), runner()));
    let (request, bad_answer) = Request::new(panics);
    let bad = Job::Write(Box::new(request));

    writer(&store).commit(vec![bad, good]).await;

    assert!(good_answer.await.unwrap().unwrap().is_ok());
    assert!(matches!(StoreError::from(bad_answer.await.unwrap().unwrap_err()), StoreError::Refused(_)));
}

#[tokio::test]
async fn the_writer_goes_on_after_a_panic() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    assert!(store.writer.write(panics).await.is_err());
    let talk = conversation(&store, owner).await;
    assert_eq!(seen(&store, owner, talk.id).await, talk);
}

#[tokio::test]
async fn of_two_begins_in_one_group_one_wins() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let (winner, won) = begin_job(begin(owner, Target::existing(talk.id), runner()));
    let (loser, lost) = begin_job(begin(owner, Target::existing(talk.id), runner()));

    writer(&store).commit(vec![winner, loser]).await;

    assert_eq!(won.await.unwrap().unwrap().unwrap().begun.question.0, 1);
    assert!(matches!(lost.await.unwrap().unwrap(), Err(BeginError::Busy { .. })));
    let seen = seen(&store, owner, talk.id).await;
    assert_eq!(seen.last_seq.0, 1);
}

#[tokio::test]
async fn a_write_is_made_although_its_caller_is_gone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (first, second) = (conversation(&store, owner).await, conversation(&store, owner).await);
    let (left, receiver) = begin_job(begin(owner, Target::existing(first.id), runner()));
    let (stayed, answer) = begin_job(begin(owner, Target::existing(second.id), runner()));
    drop(receiver);

    writer(&store).commit(vec![left, stayed]).await;

    assert!(answer.await.unwrap().unwrap().is_ok());
    let seen = seen(&store, owner, first.id).await;
    assert!(seen.running.is_some(), "the write was made");
}

#[tokio::test]
async fn a_begin_finds_free_what_a_finish_of_its_group_closes() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let first = begin(owner, Target::existing(talk.id), runner);
    let turn = first.turn;
    store.begin(first).await.unwrap();
    let (next, opened) = begin_job(begin(owner, Target::existing(talk.id), runner));
    let (end, ended) = finish_job(finish(turn, runner, talk.id, "because"));

    writer(&store).commit(vec![next, end]).await;

    assert!(matches!(ended.await.unwrap().unwrap().unwrap(), Finished::Done { .. }));
    let begun = opened.await.unwrap().unwrap().unwrap().begun;
    assert_eq!((begun.question.0, begun.conversation.message_count), (3, 1));
}

#[tokio::test]
async fn a_finish_that_comes_twice_in_one_group_is_made_once() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let first = begin(owner, Target::existing(talk.id), runner);
    let turn = first.turn;
    store.begin(first).await.unwrap();
    let end = finish(turn, runner, talk.id, "because");
    let (first, first_answer) = finish_job(end.clone());
    let (second, second_answer) = finish_job(end.clone());

    writer(&store).commit(vec![first, second]).await;

    let first = first_answer.await.unwrap().unwrap().unwrap();
    assert_eq!(second_answer.await.unwrap().unwrap().unwrap(), first);
    assert_eq!(store.finish(end).await.unwrap(), first);
    let seen = seen(&store, owner, talk.id).await;
    assert_eq!((seen.totals.input, seen.totals.output, seen.last_seq.0), (7, 3, 2));
}

#[tokio::test]
async fn a_whole_group_of_new_conversations_is_numbered_in_order() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (jobs, answers): (Vec<_>, Vec<_>) = (0..20)
        .map(|_| begin_job(begin(owner, Target::New(Box::new(conversation_of(owner))), runner())))
        .unzip();

    writer(&store).commit(jobs).await;

    let mut numbers = Vec::new();
    for answer in answers {
        numbers.push(answer.await.unwrap().unwrap().unwrap().begun.conversation.number.0);
    }
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let mut writer = writer(&store);
    writer.failed_sync = Arc::new(AtomicBool::new(true));
    let (job, answer) = begin_job(begin(owner, Target::New(Box::new(conversation_of(owner))), runner()));
    writer.commit(vec![job]).await;
    assert!(matches!(StoreError::from(answer.await.unwrap().unwrap_err()), StoreError::Unavailable(_)));
}

#[tokio::test]
async fn numbers_rise_with_the_order_of_messages_also_where_some_are_large() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let large = "x".repeat(100_000);
    let texts = ["one", "two", large.as_str(), large.as_str(), "five", large.as_str()];
    let mut long = begin(owner, Target::existing(talk.id), runner());
    long.messages = texts.iter().map(|text| question(text)).collect();

    let begun = store.begin(long).await.unwrap();

    let numbers: Vec<i64> = begun.appended.iter().map(|message| message.number.unwrap().0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let messages = store.messages(owner, talk.id.into(), MessagePage::default()).await.unwrap();
    let messages = messages.granted().unwrap().messages;
    assert_eq!(messages.iter().map(domain::Message::text).collect::<Vec<_>>(), texts);
    assert!(messages.iter().map(|message| message.number.0).eq(1..=6));
}
