//! How turns of other processes are followed: one call for all of them in each period, one log for all watchers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Caller, Delta, EndState, Ending, FinishReason, NanoDollars, Reply, TurnEvent, TurnId, Usage, UserId,
};
use omnichat_services::{Listener, Tasks, Turns, WatchError};
use ports::{FollowedTurn, MockTurnStore, StoreError, TurnEvents, TurnRecord};
use uuid::Uuid;

use crate::support::{caller, conversation, now, turns_of_others};

/// How often the store is asked.
const PERIOD: Duration = Duration::from_millis(250);

/// The turns of another process, as the store shows them.
#[derive(Default)]
struct Elsewhere {
    turns: Mutex<HashMap<TurnId, (Reply, Option<Ending>)>>,
    /// What was asked, call by call.
    calls: Mutex<Vec<Vec<FollowedTurn>>>,
    fault: Mutex<Fault>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    IsAway,
    Panics,
}

impl Elsewhere {
    fn begin(&self, turn: TurnId) {
        self.turns.lock().unwrap().insert(turn, (Reply::default(), None));
    }

    fn say(&self, turn: TurnId, words: &[&str]) {
        let mut turns = self.turns.lock().unwrap();
        for word in words {
            turns.get_mut(&turn).unwrap().0.push(Delta::Text((*word).to_owned()));
        }
    }

    fn end(&self, turn: TurnId) {
        self.turns.lock().unwrap().get_mut(&turn).unwrap().1 = Some(ending());
    }

    fn purge(&self, turn: TurnId) {
        self.turns.lock().unwrap().remove(&turn);
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn record(&self, turn: TurnId, known: u32) -> Option<TurnRecord> {
        let turns = self.turns.lock().unwrap();
        let (reply, ending) = turns.get(&turn)?;
        let (conversation, reply) = (conversation().id, reply.since(known as usize));
        Some(TurnRecord { turn, conversation, reply, ending: ending.clone() })
    }

    fn calls(&self) -> Vec<Vec<FollowedTurn>> {
        self.calls.lock().unwrap().clone()
    }

    /// How many deltas were known at each call, where one turn was asked about.
    fn known(&self) -> Vec<u32> {
        self.calls().iter().flatten().map(|asked| asked.known).collect()
    }
}

#[async_trait]
impl TurnEvents for Elsewhere {
    async fn news(&self, followed: Vec<FollowedTurn>) -> Result<Vec<TurnRecord>, StoreError> {
        self.calls.lock().unwrap().push(followed.clone());
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::None => {}
            Fault::IsAway => return Err(StoreError::Unavailable("away".into())),
            Fault::Panics => panic!("the store is broken"),
        }
        Ok(followed.iter().filter_map(|asked| self.record(asked.turn, asked.known)).collect())
    }
}

fn ending() -> Ending {
    Ending {
        state: EndState::Completed(FinishReason::Stop),
        reply: None,
        usage: Usage::default(),
        cost: NanoDollars(0),
        response_time_ms: 1,
        at: now(),
    }
}

fn turn(number: u128) -> TurnId {
    TurnId(Uuid::from_u128(number))
}

/// A process beside the one whose turns these are; its user is `caller()`.
fn beside(elsewhere: &Arc<Elsewhere>) -> (Turns, Tasks) {
    let mut store = MockTurnStore::new();
    let found = Arc::clone(elsewhere);
    store
        .expect_find()
        .returning(move |user, turn| Ok(if user == caller().user { found.record(turn, 0) } else { None }));
    turns_of_others(store, Arc::clone(elsewhere) as Arc<dyn TurnEvents>)
}

/// Waits until the store was asked so often, and the answers were written.
async fn periods(count: u32) {
    tokio::time::sleep(PERIOD * count + Duration::from_millis(1)).await;
}

/// The events that are there already.
fn ready(listener: &mut Listener) -> Vec<TurnEvent> {
    listener.ready().map_or_else(Vec::new, |(_, events)| events)
}

/// All events from here on, until there are no more.
async fn rest(listener: &mut Listener) -> Vec<TurnEvent> {
    let mut seen = Vec::new();
    while let Some((_, events)) = listener.next().await {
        seen.extend(events);
    }
    seen
}

/// All events of a turn that said these words and is completed.
fn all_events(turn: TurnId, words: &[&str]) -> Vec<TurnEvent> {
    let mut events = vec![TurnEvent::Started { turn, conversation: conversation().id }];
    events.extend(words.iter().map(|word| TurnEvent::Delta(Delta::Text((*word).to_owned()))));
    events.push(TurnEvent::Ended(Box::new(ending())));
    events
}

#[tokio::test(start_paused = true)]
async fn one_call_in_each_period_serves_all_turns_and_watchers() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    let mut listeners = Vec::new();
    for number in 0..20 {
        elsewhere.begin(turn(number));
        for _ in 0..50 {
            listeners.push(turns.watch(&caller(), turn(number), None).await.unwrap());
        }
    }
    periods(8).await;
    let calls = elsewhere.calls();
    assert_eq!(calls.len(), 8);
    assert!(calls.iter().all(|call| call.len() == 20));
}

#[tokio::test(start_paused = true)]
async fn every_watcher_sees_every_event_whenever_it_comes() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    let watched = turn(1);
    elsewhere.begin(watched);
    elsewhere.say(watched, &["a"]);
    let mut early = turns.watch(&caller(), watched, None).await.unwrap();
    assert_eq!(ready(&mut early).len(), 2);
    elsewhere.say(watched, &["b", "c"]);
    periods(1).await;
    assert_eq!(ready(&mut early), all_events(watched, &["a", "b", "c"])[2..4]);
    // One that comes later replays what is known here.
    let mut late = turns.watch(&caller(), watched, None).await.unwrap();
    assert_eq!(ready(&mut late).len(), 4);
    let mut resumed = turns.watch(&caller(), watched, Some(2)).await.unwrap();
    let mut ahead = turns.watch(&caller(), watched, Some(99)).await.unwrap();
    elsewhere.say(watched, &["d"]);
    elsewhere.end(watched);
    let all = all_events(watched, &["a", "b", "c", "d"]);
    assert_eq!(rest(&mut early).await, all[4..]);
    assert_eq!(rest(&mut late).await, all[4..]);
    assert_eq!(rest(&mut resumed).await, all[3..]);
    assert_eq!(rest(&mut ahead).await, []);
    assert_eq!(early.outcome().unwrap().ending, ending());
    // And one that comes after the end reads it from the store.
    assert_eq!(rest(&mut turns.watch(&caller(), watched, None).await.unwrap()).await, all);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_for_what_is_new_alone() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    elsewhere.say(turn(1), &["a"]);
    let _listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    periods(1).await;
    elsewhere.say(turn(1), &["b", "c"]);
    periods(1).await;
    periods(1).await;
    elsewhere.say(turn(1), &["d"]);
    periods(2).await;
    assert_eq!(elsewhere.known(), [1, 1, 3, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn following_stops_with_the_last_watcher_and_begins_again_with_the_next() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    for number in [1, 2] {
        elsewhere.begin(turn(number));
    }
    let one = turns.watch(&caller(), turn(1), None).await.unwrap();
    let same = turns.watch(&caller(), turn(1), None).await.unwrap();
    let other = turns.watch(&caller(), turn(2), None).await.unwrap();
    periods(1).await;
    drop((one, other));
    periods(1).await;
    drop(same);
    periods(40).await;
    let asked: Vec<usize> = elsewhere.calls().iter().map(Vec::len).collect();
    assert_eq!(asked, [2, 1]);
    elsewhere.say(turn(1), &["a"]);
    elsewhere.end(turn(1));
    let mut again = turns.watch(&caller(), turn(1), None).await.unwrap();
    assert_eq!(rest(&mut again).await, all_events(turn(1), &["a"]));
    let _other = turns.watch(&caller(), turn(2), None).await.unwrap();
    periods(2).await;
    assert_eq!(elsewhere.calls().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn following_stops_with_the_end_of_the_turn() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let mut listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    elsewhere.end(turn(1));
    assert_eq!(rest(&mut listener).await, all_events(turn(1), &[]));
    periods(40).await;
    assert_eq!(elsewhere.calls().len(), 1);
}

/// The store shows the turn as running, and it ends before it is asked about the first time.
#[tokio::test(start_paused = true)]
async fn an_end_right_after_the_turn_was_found_is_not_missed() {
    let elsewhere = Arc::new(Elsewhere::default());
    elsewhere.begin(turn(1));
    elsewhere.say(turn(1), &["a"]);
    let mut store = MockTurnStore::new();
    let found = Arc::clone(&elsewhere);
    store.expect_find().times(1).returning(move |_, turn| {
        let record = found.record(turn, 0);
        found.say(turn, &["b"]);
        found.end(turn);
        Ok(record)
    });
    let (turns, _) = turns_of_others(store, elsewhere);
    let mut listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    assert_eq!(rest(&mut listener).await, all_events(turn(1), &["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn watchers_wait_while_the_store_is_away_and_miss_nothing() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let mut listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    elsewhere.say(turn(1), &["a"]);
    periods(1).await;
    for _ in 0..3 {
        elsewhere.set(Fault::IsAway);
        elsewhere.say(turn(1), &["b"]);
        periods(39).await;
        elsewhere.set(Fault::None);
        periods(1).await;
    }
    elsewhere.end(turn(1));
    assert_eq!(rest(&mut listener).await, all_events(turn(1), &["a", "b", "b", "b"]));
}

#[tokio::test(start_paused = true)]
async fn watchers_are_let_go_where_the_store_stays_away() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(turns.watch(&caller(), turn(1), Some(0)).await.unwrap());
    }
    elsewhere.set(Fault::IsAway);
    for listener in &mut listeners {
        assert_eq!(rest(listener).await, []);
        assert_eq!(listener.outcome(), None);
    }
    periods(40).await;
    assert_eq!(elsewhere.calls().len(), 40);
    // It is back.
    elsewhere.set(Fault::None);
    let mut listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    elsewhere.end(turn(1));
    assert_eq!(rest(&mut listener).await, all_events(turn(1), &[]));
}

#[tokio::test(start_paused = true)]
async fn watchers_of_a_purged_turn_are_let_go_and_the_others_stay() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    for number in [1, 2] {
        elsewhere.begin(turn(number));
    }
    let mut purged = turns.watch(&caller(), turn(1), Some(0)).await.unwrap();
    let mut other = turns.watch(&caller(), turn(2), None).await.unwrap();
    elsewhere.purge(turn(1));
    assert_eq!(rest(&mut purged).await, []);
    assert_eq!(purged.outcome(), None);
    let gone = turns.watch(&caller(), turn(1), None).await;
    assert!(matches!(gone, Err(WatchError::NotFound)));
    // Its watchers are let go with the next call; one that comes before that is refused.
    elsewhere.purge(turn(2));
    assert!(matches!(turns.watch(&caller(), turn(2), None).await, Err(WatchError::NotFound)));
    elsewhere.begin(turn(2));
    elsewhere.end(turn(2));
    assert_eq!(rest(&mut other).await, all_events(turn(2), &[]));
}

#[tokio::test(start_paused = true)]
async fn a_followed_turn_is_not_shown_to_another_user() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let _listener = turns.watch(&caller(), turn(1), None).await.unwrap();
    let other = Caller { user: UserId(2), ..caller() };
    assert!(matches!(turns.watch(&other, turn(1), None).await, Err(WatchError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_store_ends_the_watching_and_not_the_following_of_later_turns() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, _) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let mut listener = turns.watch(&caller(), turn(1), Some(0)).await.unwrap();
    elsewhere.set(Fault::Panics);
    assert_eq!(rest(&mut listener).await, []);
    elsewhere.set(Fault::None);
    let mut again = turns.watch(&caller(), turn(1), None).await.unwrap();
    elsewhere.end(turn(1));
    assert_eq!(rest(&mut again).await, all_events(turn(1), &[]));
}

#[tokio::test(start_paused = true)]
async fn watchers_are_let_go_when_the_process_ends() {
    let elsewhere = Arc::new(Elsewhere::default());
    let (turns, tasks) = beside(&elsewhere);
    elsewhere.begin(turn(1));
    let mut listener = turns.watch(&caller(), turn(1), Some(0)).await.unwrap();
    assert!(tasks.shut_down(Duration::from_secs(1), Duration::from_secs(1)).await);
    assert_eq!(rest(&mut listener).await, []);
    let mut late = turns.watch(&caller(), turn(1), Some(0)).await.unwrap();
    assert_eq!(rest(&mut late).await, []);
}
