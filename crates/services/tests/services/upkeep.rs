//! The background work of a process: its lease, its lock, and the turns of dead processes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{RunnerId, Timestamp};
use ports::{RunnerStore, StoreError};

use crate::support::turns_among;

/// The calls that a store of processes received.
#[derive(Debug, Default)]
struct Calls {
    made: Mutex<Vec<&'static str>>,
    /// Whether every call but the one for the lock fails.
    is_away: bool,
}

impl Calls {
    fn add(&self, call: &'static str) -> Result<(), StoreError> {
        self.made.lock().unwrap().push(call);
        if self.is_away { Err(StoreError::Unavailable("away".into())) } else { Ok(()) }
    }

    fn count(&self, call: &str) -> usize {
        self.made.lock().unwrap().iter().filter(|made| **made == call).count()
    }
}

#[async_trait]
impl RunnerStore for Calls {
    async fn renew(&self, _: RunnerId) -> Result<(), StoreError> {
        self.add("renew")
    }

    async fn hold_lock(&self, _: RunnerId) {
        self.made.lock().unwrap().push("hold_lock");
        std::future::pending::<()>().await;
    }

    async fn reap(&self, _: RunnerId, _: Timestamp) -> Result<u64, StoreError> {
        self.add("reap").map(|()| 0)
    }

    async fn reap_unlocked(&self, _: RunnerId, _: Timestamp) -> Result<u64, StoreError> {
        self.add("reap_unlocked").map(|()| 0)
    }

    async fn retire(&self, _: RunnerId) -> Result<(), StoreError> {
        self.add("retire")
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_takes_the_lease_before_it_ends_turns_of_others() {
    let calls = Arc::new(Calls::default());
    let (turns, _tasks) = turns_among(calls.clone());
    turns.recover_orphans().await.unwrap();
    assert_eq!(*calls.made.lock().unwrap(), ["renew", "reap", "reap_unlocked"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_holds_one_lock_and_watches_those_of_others_each_second() {
    let calls = Arc::new(Calls::default());
    let (turns, tasks) = turns_among(calls.clone());
    turns.start_upkeep();
    tokio::time::sleep(Duration::from_millis(20_500)).await;
    assert_eq!(calls.count("hold_lock"), 1);
    assert_eq!(calls.count("reap_unlocked"), 20);
    assert_eq!((calls.count("renew"), calls.count("reap")), (4, 4));
    // The shutdown lets go of the lock, which has no end of its own.
    assert!(tasks.shut_down(Duration::from_secs(1), Duration::from_secs(1)).await);
    turns.retire().await;
    assert_eq!(calls.made.lock().unwrap().last(), Some(&"retire"));
}

/// Without the store, all of it is tried again.
#[tokio::test(start_paused = true)]
async fn upkeep_goes_on_while_the_store_is_away() {
    let calls = Arc::new(Calls { is_away: true, ..Calls::default() });
    let (turns, _tasks) = turns_among(calls.clone());
    turns.start_upkeep();
    tokio::time::sleep(Duration::from_millis(20_500)).await;
    assert_eq!((calls.count("renew"), calls.count("reap_unlocked")), (4, 20));
}
