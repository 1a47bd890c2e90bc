//! Two processes over one database: one holds its lock, and the other judges it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ports::BeginError;
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinHandle;

use super::super::*;
use super::GRACE;

/// Two processes over one database; the first one runs a turn and holds its lock, the second one judges it.
pub(super) struct Processes {
    pub(super) url: String,
    /// Connected at once, for when the database takes no new connections.
    pub(super) observer: PgConnection,
    pub(super) store: PostgresStore,
    pub(super) first: Scene,
    pub(super) turn: Begun,
    pub(super) lock: JoinHandle<()>,
    pub(super) other_store: PostgresStore,
    pub(super) second: Scene,
}

impl Processes {
    pub(super) async fn over(url: String, store: PostgresStore) -> Self {
        let first = Scene::new(&store).await;
        let turn = first.start(&store).await;
        let other_store = connect(&url);
        let second = first.in_another_process(&other_store).await;
        let observer = PgConnection::connect(&url).await.unwrap();
        let lock = hold(&store, first.runner);
        let mut processes = Self { url, observer, store, first, turn, lock, other_store, second };
        processes.wait_until_announced().await;
        processes
    }

    pub(super) async fn new() -> Self {
        let (store, url) = fresh().await;
        Self::over(url, store).await
    }

    /// One look at the locks of others; how many turns it ended.
    pub(super) async fn look(&self) -> u64 {
        self.other_store.reap_unlocked(self.second.runner, now()).await.unwrap()
    }

    /// Ends the process of the lock.
    pub(super) async fn kill(&mut self) {
        self.lock.abort();
        self.wait_until("the lock is free", |row| !row.is_held()).await;
    }

    pub(super) async fn sql(&mut self, sql: &'static str) {
        self.observer.execute(sql).await.unwrap();
    }

    pub(super) async fn row(&mut self) -> Row {
        let row = "SELECT (SELECT h.pid FROM omnichat.held_locks() h WHERE h.key = omnichat.lock_key(r.id)),
                r.locked_in = omnichat.server_run(), r.unlocked_at IS NOT NULL
            FROM omnichat.runners r WHERE r.id = $1";
        let row: (Option<i32>, Option<bool>, bool) =
            sqlx::query_as(row).bind(self.first.runner.0).fetch_one(&mut self.observer).await.unwrap();
        Row { holder: row.0, is_announced: row.1.unwrap_or_default(), was_missed: row.2 }
    }

    pub(super) async fn wait_until(&mut self, what: &str, holds: impl Fn(Row) -> bool) {
        let start = Instant::now();
        loop {
            let row = self.row().await;
            if holds(row) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}: {row:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn wait_until_announced(&mut self) {
        self.wait_until("the lock is announced", |row| row.is_held() && row.is_announced).await;
    }

    /// Cuts the connection that holds the lock.
    pub(super) async fn cut(&mut self) {
        self.sql("SELECT pg_terminate_backend(h.pid) FROM omnichat.held_locks() h").await;
    }

    /// A begin of the second process; `None` where it is refused because the first one's turn runs.
    pub(super) async fn begun_elsewhere(&self) -> Option<Begun> {
        match self.other_store.begin(self.second.begin_in(self.turn.conversation.id, "next")).await {
            Ok(begun) => Some(begun),
            Err(BeginError::Busy { .. }) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    pub(super) async fn refuses(&self) {
        assert!(self.begun_elsewhere().await.is_none());
    }

    /// Has the second process look at the locks all the time.
    pub(super) fn keep_looking(&self) -> Looking {
        let ended = Arc::new(AtomicU64::new(0));
        let (store, runner, sum) = (self.other_store.clone(), self.second.runner, Arc::clone(&ended));
        let task = tokio::spawn(async move {
            loop {
                // It fails while the database is away.
                sum.fetch_add(store.reap_unlocked(runner, now()).await.unwrap_or(0), Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Looking { ended, task }
    }

    /// The first process still has its turn, and completes it.
    pub(super) async fn completes_its_turn(&self) {
        self.first.answer(&self.store, &self.turn, "a").await;
        let begun = self.other_store.begin(self.second.begin_in(self.turn.conversation.id, "next")).await;
        self.second.answer(&self.other_store, &begun.unwrap(), "b").await;
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The connection that holds the lock.
    pub(super) holder: Option<i32>,
    pub(super) is_announced: bool,
    pub(super) was_missed: bool,
}

impl Row {
    pub(super) fn is_held(self) -> bool {
        self.holder.is_some()
    }
}

/// Looks of the second process at the locks, until this is dropped.
pub(super) struct Looking {
    /// How many turns it has ended.
    pub(super) ended: Arc<AtomicU64>,
    pub(super) task: JoinHandle<()>,
}

impl Looking {
    pub(super) fn ended(&self) -> u64 {
        assert!(!self.task.is_finished());
        self.ended.load(Ordering::SeqCst)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Repeats a trial in which something must happen within [`GRACE`]. It returns false if the first process was taken for dead,
/// and the machine was so slow that this was right.
pub(super) async fn in_time(trial: impl AsyncFn() -> bool) {
    for _ in 0..10 {
        if trial().await {
            return;
        }
    }
    panic!("it takes longer than {GRACE:?} each time");
}

pub(super) fn hold(store: &PostgresStore, runner: RunnerId) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move { store.hold_lock(runner).await })
}
