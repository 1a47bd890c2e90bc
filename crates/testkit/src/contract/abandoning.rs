//! Callers that drop a call halfway: nothing is lost, and nothing is left half done.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use domain::{ConversationId, TurnId};
use ports::{BeginError, Begun, Window};

use super::Stores;
use super::racing::{assert_whole, at_once};
use super::scene::{PATIENCE, Scene, model, reply};

/// Polls a call so many times, lets the runtime work in between, and drops the call if it has not ended.
async fn abandoned_after(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    for _ in 0..polls {
        let is_done = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
        if is_done {
            return;
        }
        tokio::time::sleep(Duration::from_micros(50)).await;
    }
}

/// A begin whose caller drops it is executed or not, as a whole, and the store serves the next caller.
pub(super) async fn an_abandoned_begin_is_whole_or_nothing(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let mut abandoned = HashSet::new();
    for polls in (1..=6).cycle().take(60) {
        let begin = scene.begin_in(id, "abandoned");
        abandoned.insert(begin.turn);
        abandoned_after(polls, stores.turns.begin(begin)).await;
        exchange_after(&scene, id, &abandoned).await;
    }
    // Begins that are still being executed may open a turn after the last exchange.
    let start = Instant::now();
    let conversation = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        exchange_after(&scene, id, &abandoned).await;
        let conversation = scene.conversation(id).await;
        if conversation.running.is_none() || PATIENCE < start.elapsed() {
            break conversation;
        }
    };
    assert_whole(&scene, &conversation).await;
    assert_eq!(i64::from(conversation.message_count) * 2, conversation.last_seq.0);
    assert_eq!(conversation.totals.input, u64::from(conversation.message_count) * 10);
}

/// An exchange in a conversation where abandoned turns may run; these are answered first.
async fn exchange_after(scene: &Scene<'_>, id: ConversationId, abandoned: &HashSet<TurnId>) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match scene.stores.turns.begin(scene.begin_in(id, "q")).await {
            Ok(begun) => {
                scene.answer(&begun, "a").await;
                return;
            }
            Err(BeginError::Busy { .. }) => {}
            Err(other) => panic!("busy, and not {other:?}"),
        }
        let conversation = scene.conversation(id).await;
        let running = conversation.running.expect("a busy conversation has a running turn");
        assert!(abandoned.contains(&running), "{running} runs");
        let found = Begun {
            question: conversation.last_seq,
            conversation,
            persona: None,
            appended: Vec::new(),
            model: model("default"),
            window: Window::default(),
            has_files: false,
        };
        scene.answer(&found, "a").await;
    }
    panic!("the conversation stays busy");
}

/// A finish whose caller drops it can be repeated, and counts once.
pub(super) async fn an_abandoned_finish_can_be_repeated(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    for (round, polls) in (0..6).cycle().take(60).enumerate() {
        let begun = scene.ask(id, &format!("q{round}")).await;
        let finish = scene.completion_of(&begun, reply([format!("a{round}").as_str()]));
        abandoned_after(polls, stores.turns.finish(finish.clone())).await;
        let (ending, conversation) = scene.finished(finish).await;
        assert_eq!(ending.reply.map(|row| row.seq), Some(conversation.last_seq));
        assert_eq!(conversation.message_count as usize, round + 2);
    }
    let conversation = scene.conversation(id).await;
    assert_eq!(conversation.totals.input, 610);
    assert_whole(&scene, &conversation).await;
}

/// Of many callers, those that drop their calls do not affect the others.
pub(super) async fn dropped_calls_do_not_affect_other_calls(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for _ in 0..5 {
        let begins = (0..80).map(|number| scene.begin_new(&format!("q{number}")));
        let calls = begins.enumerate().map(|(number, begin)| {
            let turns = Arc::clone(&stores.turns);
            async move {
                if number % 2 == 0 {
                    abandoned_after(1 + number % 7, turns.begin(begin)).await;
                    return None;
                }
                Some(turns.begin(begin).await.expect("the turn is opened"))
            }
        });
        for begun in at_once(calls).await.into_iter().flatten() {
            scene.answer(&begun, "a").await;
            let conversation = scene.conversation(begun.conversation.id).await;
            assert_eq!((conversation.running, conversation.message_count), (None, 1));
        }
    }
}
