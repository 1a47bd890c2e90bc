//! Many writes in one commit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use domain::ConversationKey;
use ports::{BeginError, Finished, StoreError};
use tokio::sync::oneshot;

use super::*;
use crate::turns::begin::{Opened, Opening};
use crate::writer::job::{Job, Ticket};
use crate::writer::{Desk, Source};

type Answer<T> = oneshot::Receiver<Result<T, DbError>>;

/// A writer that is driven by hand, so that a test decides what shares a commit.
fn desk(store: &SqliteStore) -> Desk {
    Desk { source: Source::Shared(store.reads.clone()), failed_sync: Arc::new(AtomicBool::new(false)) }
}

fn begin_job(begin: Begin) -> (Job, Answer<Result<Opened, BeginError>>) {
    let conversation = match &begin.target {
        Target::New(new) => new.id,
        Target::Existing { key: ConversationKey::Id(id), .. } => *id,
        Target::Existing { key, .. } => panic!("{key:?} is no id"),
    };
    let (ticket, answer) = Ticket::new(Opening { begin, conversation });
    (Job::Begin(Box::new(ticket)), answer)
}

fn finish_job(order: Finish) -> (Job, Answer<Result<Finished, DbError>>) {
    let (ticket, answer) = Ticket::new(order);
    (Job::Finish(Box::new(ticket)), answer)
}

fn write_job<W: Write>(order: W) -> (Job, Answer<W::Answer>) {
    let (ticket, answer) = Ticket::new(order);
    (Job::Write(Box::new(ticket)), answer)
}

struct Panics;

#[async_trait]
impl Write for Panics {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        Sql("DELETE FROM conversations").run(connection).await?;
        panic!("a write that panics");
    }
}

#[tokio::test]
async fn a_bad_begin_in_a_group_hurts_only_its_owner() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (first, second) = (conversation(&store, owner).await, conversation(&store, owner).await);
    let runner = runner();
    let nobody = UserId(404);
    let new = Target::New(Box::new(conversation_of(nobody)));
    let (good, good_answer) = begin_job(begin(owner, Target::existing(first.id), runner));
    let (bad, bad_answer) = begin_job(begin(nobody, new, runner));
    let (other, other_answer) = begin_job(begin(owner, Target::existing(second.id), runner));

    desk(&store).commit(vec![good, bad, other]).await;

    assert_eq!(good_answer.await.unwrap().unwrap().unwrap().conversation.last_seq.0, 1);
    assert!(matches!(StoreError::from(bad_answer.await.unwrap().unwrap_err()), StoreError::Refused(_)));
    assert_eq!(other_answer.await.unwrap().unwrap().unwrap().conversation.last_seq.0, 1);
    let seen = seen(&store, owner, first.id).await;
    assert_eq!(seen.last_seq.0, 1);
}

#[tokio::test]
async fn a_write_that_panics_hurts_only_its_owner() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let (good, good_answer) = begin_job(begin(owner, Target::existing(talk.id), runner()));
    let (bad, bad_answer) = write_job(Panics);

    desk(&store).commit(vec![bad, good]).await;

    assert!(good_answer.await.unwrap().unwrap().is_ok());
    assert!(matches!(StoreError::from(bad_answer.await.unwrap().unwrap_err()), StoreError::Refused(_)));
}

#[tokio::test]
async fn the_writer_goes_on_after_a_panic() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    assert!(store.writer.write(Panics).await.is_err());
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

    desk(&store).commit(vec![winner, loser]).await;

    assert_eq!(won.await.unwrap().unwrap().unwrap().question.0, 1);
    assert!(matches!(lost.await.unwrap().unwrap(), Err(BeginError::Busy { .. })));
    let seen = seen(&store, owner, talk.id).await;
    assert_eq!(seen.last_seq.0, 1);
}

#[tokio::test]
async fn a_caller_who_leaves_loses_nothing_for_others() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (first, second) = (conversation(&store, owner).await, conversation(&store, owner).await);
    let (left, nobody_waits) = begin_job(begin(owner, Target::existing(first.id), runner()));
    let (stayed, answer) = begin_job(begin(owner, Target::existing(second.id), runner()));
    drop(nobody_waits);

    desk(&store).commit(vec![left, stayed]).await;

    assert!(answer.await.unwrap().unwrap().is_ok());
    let seen = seen(&store, owner, first.id).await;
    assert!(seen.running.is_some(), "its write was made all the same");
}

#[tokio::test]
async fn a_begin_finds_free_what_a_finish_of_its_group_closes() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let order = begin(owner, Target::existing(talk.id), runner);
    let turn = order.turn;
    store.begin(order).await.unwrap();
    let (next, opened) = begin_job(begin(owner, Target::existing(talk.id), runner));
    let (end, ended) = finish_job(finish(turn, runner, talk.id, "because"));

    desk(&store).commit(vec![next, end]).await;

    assert!(matches!(ended.await.unwrap().unwrap().unwrap(), Finished::Done { .. }));
    let opened = opened.await.unwrap().unwrap().unwrap();
    assert_eq!((opened.question.0, opened.conversation.message_count), (3, 1));
}

#[tokio::test]
async fn a_finish_that_comes_twice_in_one_group_is_made_once() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let order = begin(owner, Target::existing(talk.id), runner);
    let turn = order.turn;
    store.begin(order).await.unwrap();
    let end = finish(turn, runner, talk.id, "because");
    let (first, first_answer) = finish_job(end.clone());
    let (second, second_answer) = finish_job(end.clone());

    desk(&store).commit(vec![first, second]).await;

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

    desk(&store).commit(jobs).await;

    let mut numbers = Vec::new();
    for answer in answers {
        numbers.push(answer.await.unwrap().unwrap().unwrap().conversation.number.0);
    }
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let mut desk = desk(&store);
    desk.failed_sync = Arc::new(AtomicBool::new(true));
    let (job, answer) = begin_job(begin(owner, Target::New(Box::new(conversation_of(owner))), runner()));
    desk.commit(vec![job]).await;
    assert!(matches!(StoreError::from(answer.await.unwrap().unwrap_err()), StoreError::Unavailable(_)));
}
