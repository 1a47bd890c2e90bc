//! Turns, on mocked ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::{
    Conversation, EndState, ErrorCode, FailureKind, Message, ModelMessage, NanoDollars, Part, ReportedUsage,
    Role, Seq, TurnEvent, Usage,
};
use omnichat_services::{DescribeError, SendError, SendMessage, TurnFailure};
use ports::{
    Access, BeginError, Branch, Finished, MessageBatch, MockConversationStore, MockTurnStore, ModelError,
    Signals, StoreError,
};

use crate::support::{
    Step, caller, conversation, keeping_store, kept, message, opening_store, question, turns, turns_in,
};

fn reported() -> ReportedUsage {
    ReportedUsage { input: Some(usage().input), output: Some(usage().output), ..ReportedUsage::default() }
}

fn usage() -> Usage {
    Usage { input: 10, output: 15, ..Usage::default() }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_stored_before_its_end_is_published() {
    let (store, finishes) = keeping_store();
    let steps = vec![Step::Say("Hel"), Step::Say("lo"), Step::Usage(reported()), Step::Finish];
    let (turns, _, _) = turns(store, steps);
    let turn = turns.send(&caller(), question("How are you, my dear friend?")).await.unwrap();
    let answer = turn.whole().await.unwrap();
    assert_eq!(answer.reply.text(), "Hello");
    assert!(answer.ending.reply.is_some());
    assert_eq!(answer.conversation.title.unwrap().as_str(), "How are you, my dear");
    assert_eq!(turns.running(), 0);
    let finish = finishes.only();
    assert_eq!(finish.reply.unwrap().1.text(), "Hello");
    assert_eq!(finish.title.unwrap().as_str(), "How are you, my dear");
    let ledger = finish.ledger.unwrap();
    assert_eq!((ledger.usage, ledger.cost), (usage(), NanoDollars(175_000)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_sees_every_event_once_and_in_order() {
    let mut store = opening_store();
    store.expect_finish().returning(|finish| Ok(kept(finish)));
    let steps = vec![
        Step::Say("a"),
        Step::Wait(Duration::from_millis(10)),
        Step::Say("b"),
        Step::Say("c"),
        Step::Finish,
    ];
    let (turns, _, _) = turns(store, steps);
    let mut listener = turns.send(&caller(), question("?")).await.unwrap().into_listener();
    let mut seen = Vec::new();
    while let Some((first, events)) = listener.next().await {
        assert_eq!(first, seen.len());
        seen.extend(events);
    }
    assert_eq!(seen.len(), 5);
    assert!(matches!(seen[0], TurnEvent::Started { .. }));
    assert!(matches!(&seen[4], TurnEvent::Ended(ending) if matches!(ending.state, EndState::Completed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_leaves_does_not_stop_the_turn() {
    let (store, finishes) = keeping_store();
    let steps = vec![Step::Say("Hel"), Step::Wait(Duration::from_secs(3)), Step::Say("lo"), Step::Finish];
    let (turns, _, tasks) = turns(store, steps);
    drop(turns.send(&caller(), question("?")).await.unwrap());
    assert!(tasks.shut_down(Duration::from_secs(10), Duration::from_secs(1)).await);
    let finish = finishes.only();
    assert!(matches!(finish.ending.state, EndState::Completed(_)), "{:?}", finish.ending);
    assert_eq!(finish.reply.unwrap().1.text(), "Hello");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_before_the_turn_begins_does_not_stop_it() {
    let (store, finishes) = keeping_store();
    let (turns, _, tasks) = turns(store, vec![Step::Say("x"), Step::Finish]);
    let caller = caller();
    let mut send = Box::pin(turns.send(&caller, question("?")));
    assert!(futures_util::poll!(&mut send).is_pending());
    drop(send);
    assert!(tasks.shut_down(Duration::from_secs(10), Duration::from_secs(1)).await);
    assert_eq!(finishes.only().reply.unwrap().1.text(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_at_once_is_an_early_failure() {
    let (store, finishes) = keeping_store();
    let busy = || ModelError::Busy { retry_after: Some(Duration::from_secs(7)), source: "429".into() };
    let (turns, _, _) = turns(store, vec![Step::Fail(busy)]);
    let mut turn = turns.send(&caller(), question("?")).await.unwrap();
    let failure = turn.first_event(Duration::from_secs(8)).await.unwrap_err();
    assert_eq!(failure.describe().retry_after, Some(Duration::from_secs(7)));
    assert_eq!(failure.describe().code, ErrorCode::UpstreamRateLimited);
    let finish = finishes.only();
    assert!(finish.reply.is_none() && finish.ledger.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_breaks_off_is_a_failure_and_its_text_is_stored() {
    let (store, finishes) = keeping_store();
    let (turns, _, _) = turns(store, vec![Step::Say("Hel"), Step::Fail(|| ModelError::Truncated)]);
    let mut turn = turns.send(&caller(), question("?")).await.unwrap();
    turn.first_event(Duration::from_secs(8)).await.unwrap();
    let failure = turn.whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Failed(FailureKind::Truncated.into()));
    let finish = finishes.only();
    assert_eq!(finish.reply.unwrap().1.text(), "Hel");
    assert!(finish.ledger.unwrap().usage.estimated);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_is_a_failure() {
    let (store, finishes) = keeping_store();
    let (turns, _, _) = turns(store, vec![Step::Say("Hel")]);
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Failed(FailureKind::Truncated.into()));
    assert_eq!(finishes.only().ending.state, EndState::Failed(FailureKind::Truncated.into()));
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_a_failure() {
    let (store, finishes) = keeping_store();
    let (turns, _, _) = turns(store, vec![Step::Usage(reported()), Step::Finish]);
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Failed(FailureKind::Empty.into()));
    assert_eq!(finishes.only().ending.state, EndState::Failed(FailureKind::Empty.into()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_model_ends_only_the_turn() {
    let (store, finishes) = keeping_store();
    let pause = Step::Wait(Duration::from_millis(1));
    let (turns, _, _) = turns(store, vec![Step::Say("Hel"), pause, Step::Panic]);
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Failed(FailureKind::Internal.into()));
    assert_eq!(finishes.only().reply.unwrap().1.text(), "Hel");
}

#[tokio::test(start_paused = true)]
async fn storing_a_reply_is_retried_until_the_store_is_available() {
    let tries = Arc::new(AtomicU32::new(0));
    let mut store = opening_store();
    let counted = Arc::clone(&tries);
    store.expect_finish().returning(move |finish| {
        if counted.fetch_add(1, Ordering::Relaxed) < 5 {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(kept(finish))
    });
    let (turns, _, _) = turns(store, vec![Step::Say("x"), Step::Finish]);
    let answer = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap();
    assert_eq!(answer.reply.text(), "x");
    assert_eq!(tries.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_cannot_be_stored_is_a_failure() {
    let mut store = opening_store();
    store.expect_finish().returning(|_| Err(StoreError::Unavailable("away".into())));
    let (turns, _, _) = turns(store, vec![Step::Say("x"), Step::Finish]);
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure.describe().code, ErrorCode::StoreUnavailable);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_store_ends_only_the_turn() {
    let mut store = opening_store();
    store.expect_finish().returning(|_| panic!("the store is broken"));
    let (turns, _, _) = turns(store, vec![Step::Say("x"), Step::Finish]);
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Failed(FailureKind::Internal.into()));
    assert_eq!(turns.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_another_process_ended_is_interrupted() {
    let mut store = opening_store();
    store.expect_checkpoint().returning(|_, running, _| Ok(Signals { stop: vec![], lost: running }));
    store.expect_finish().returning(|_| Ok(Finished::Lost));
    let (turns, _, _) = turns(store, vec![Step::Say("x"), Step::Wait(Duration::from_hours(1)), Step::Finish]);
    turns.start_upkeep();
    let failure = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap_err();
    assert_eq!(failure, TurnFailure::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_stop_by_another_process_takes_effect_with_a_checkpoint() {
    let (mut store, finishes) = keeping_store();
    let (sent, checkpoints) = std::sync::mpsc::channel();
    store.expect_checkpoint().returning(move |_, running, chunks| {
        sent.send(chunks).unwrap();
        Ok(Signals { stop: running, lost: vec![] })
    });
    let (turns, _, _) = turns(store, vec![Step::Say("x"), Step::Wait(Duration::from_hours(1)), Step::Finish]);
    turns.start_upkeep();
    let answer = turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap();
    assert_eq!(answer.ending.state, EndState::Stopped);
    assert_eq!(answer.reply.text(), "x");
    let kept: Vec<String> = checkpoints.recv().unwrap().iter().map(|chunk| chunk.deltas.text()).collect();
    assert_eq!(kept, ["x"]);
    assert_eq!(finishes.only().ending.state, EndState::Stopped);
}

/// The store may have kept a chunk without having answered. With more in it, it would be passed over.
#[tokio::test(start_paused = true)]
async fn a_chunk_without_an_answer_is_offered_again_as_it_was() {
    let mut store = opening_store();
    let tries = AtomicU32::new(0);
    let (offered, mut chunks) = tokio::sync::mpsc::unbounded_channel();
    store.expect_checkpoint().returning(move |_, _, chunks| {
        let Some(chunk) = chunks.first() else { return Ok(Signals::default()) };
        let is_first = chunk.deltas.text() == "a";
        offered.send((chunk.first, chunk.deltas.text())).unwrap();
        // The first two tries are not answered.
        if is_first && tries.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(StoreError::Unavailable("the connection is lost".into()));
        }
        Ok(Signals::default())
    });
    let steps = vec![
        Step::Say("a"),
        Step::Wait(Duration::from_millis(600)),
        Step::Say("b"),
        Step::Wait(Duration::from_millis(250)),
        Step::Say("c"),
        Step::Wait(Duration::from_hours(1)),
    ];
    let (turns, _, _) = turns(store, steps);
    turns.start_upkeep();
    let _turn = turns.send(&caller(), question("?")).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(chunks.recv().await.unwrap());
    }
    let a = || (0, "a".to_owned());
    assert_eq!(seen, [a(), a(), a(), (1, "bc".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stores_the_text_so_far() {
    let (store, finishes) = keeping_store();
    let (turns, _, tasks) = turns(store, vec![Step::Say("Hel"), Step::Wait(Duration::from_hours(1))]);
    let turn = turns.send(&caller(), question("?")).await.unwrap();
    assert!(tasks.shut_down(Duration::from_secs(5), Duration::from_secs(5)).await);
    assert_eq!(turn.whole().await.unwrap_err(), TurnFailure::Interrupted);
    assert!(matches!(turns.send(&caller(), question("?")).await, Err(SendError::ShuttingDown)));
    let finish = finishes.only();
    assert_eq!(finish.ending.state, EndState::Interrupted);
    assert_eq!(finish.reply.unwrap().1.text(), "Hel");
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_reaches_no_model() {
    let mut store = ports::MockTurnStore::new();
    store.expect_begin().returning(|_| Err(BeginError::Busy { retry_after: Duration::from_secs(1) }));
    let (turns, model, _) = turns(store, vec![Step::Say("x")]);
    let error = turns.send(&caller(), question("?")).await.unwrap_err();
    let told = error.describe();
    assert_eq!((told.code, told.retry_after), (ErrorCode::ConversationBusy, Some(Duration::from_secs(1))));
    assert!(model.requests.lock().unwrap().is_empty());
}

/// C-19
#[tokio::test(start_paused = true)]
async fn a_transcript_is_read_again_if_its_conversation_has_moved_on() {
    let say = |seq: i64, role, text: &str| Message { seq: Seq(seq), role, ..message(text) };
    let first = vec![say(1, Role::User, "one")];
    let second = vec![say(1, Role::User, "one"), say(2, Role::Assistant, "reply")];
    let mut conversations = MockConversationStore::new();
    for messages in [first, second] {
        let last = messages.last().unwrap().seq;
        let found = Conversation { last_seq: last, ..conversation() };
        conversations.expect_find().times(1).return_once(|_, _| Ok(Access::Granted(found)));
        let batch = MessageBatch { messages, rest: None, has_more: false };
        conversations.expect_messages().times(1).return_once(|_, _, _| Ok(Access::Granted(batch)));
    }
    let (sent, begins) = std::sync::mpsc::channel();
    let mut store = MockTurnStore::new();
    store.expect_begin().times(2).returning(move |begin| {
        sent.send((begin.branch, begin.messages.len())).unwrap();
        Err(if begin.branch.unwrap().expect_last == Seq(1) {
            BeginError::Moved
        } else {
            BeginError::NotFound
        })
    });
    let turns = turns_in(conversations, store);
    let model = |role, text: &str| ModelMessage { role, parts: [Part::Text(text.to_owned())].into() };
    let earlier = vec![model(Role::User, "one"), model(Role::Assistant, "rep ly")];
    let message = SendMessage { earlier, may_repeat: true, ..question("two") };
    let refused = turns.send(&caller(), message).await.map(|_| ());
    assert!(matches!(refused, Err(SendError::NotFound)), "{refused:?}");
    let branch = |last, keep_to| Some(Branch { expect_last: Seq(last), keep_to: Seq(keep_to) });
    assert_eq!(begins.recv(), Ok((branch(1, 1), 2)));
    assert_eq!(begins.recv(), Ok((branch(2, 2), 1)));
}
