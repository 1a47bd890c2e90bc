//! The ledger has one row for each model call, also when the conversation is deleted later.

use std::sync::Arc;

use domain::{EndState, FailureKind, LedgerEntry, NanoDollars, Purpose, Reply, TurnId, Usage, UserId};
use ports::{Finish, Finished, LedgerTotals};
use uuid::Uuid;

use super::Stores;
use super::racing::at_once;
use super::scene::{Scene, conversation_id, model, reply};

/// The totals of so many calls as [`Scene::ending_of`] makes them.
fn calls(calls: u64) -> LedgerTotals {
    let usage = Usage {
        input: 10 * calls,
        cached_input: 4 * calls,
        output: 5 * calls,
        reasoning: calls,
        estimated: false,
    };
    let cost = NanoDollars(250 * i64::try_from(calls).unwrap());
    LedgerTotals { calls, usage, cost }
}

/// A finish adds its call once, however often it is repeated, with or without a reply.
pub(super) async fn a_finish_adds_its_call_once(stores: &Stores) {
    let scene = Scene::new(stores).await;
    assert_eq!(scene.ledger().await, calls(0));
    let begun = scene.start("q").await;
    assert_eq!(scene.ledger().await, calls(0));
    let finish = scene.completion_of(&begun, reply(["a"]));
    for _ in 0..3 {
        scene.finished(finish.clone()).await;
        assert_eq!(scene.ledger().await, calls(1));
    }
    let begun = scene.ask(begun.conversation.id, "q").await;
    let silent = scene.ending_of(&begun, EndState::Failed(FailureKind::Empty.into()), Reply::default());
    scene.finished(silent.clone()).await;
    scene.finished(silent).await;
    assert_eq!(scene.ledger().await, calls(2));

    let begun = scene.ask(begun.conversation.id, "q").await;
    let finish = scene.completion_of(&begun, reply(["a"]));
    let answers = at_once((0..16).map(|_| {
        let (turns, finish) = (Arc::clone(&stores.turns), finish.clone());
        async move { turns.finish(finish).await.unwrap() }
    }));
    assert!(answers.await.iter().all(|answer| matches!(answer, Finished::Done { .. })));
    assert_eq!(scene.ledger().await, calls(3));

    // Many turns that are closed at the same time each add their own call.
    let mut finishes = Vec::new();
    for number in 1..=40 {
        let mut finish = scene.completion_of(&scene.start("q").await, reply(["a"]));
        let entry = finish.ledger.as_mut().expect("the turn made a call");
        (entry.usage, entry.cost) = (Usage { input: number, ..Usage::default() }, NanoDollars(7));
        finishes.push(finish);
    }
    let answers = at_once(finishes.into_iter().map(|finish| {
        let turns = Arc::clone(&stores.turns);
        async move { turns.finish(finish).await.unwrap() }
    }));
    answers.await;
    let LedgerTotals { calls: count, usage, cost } = scene.ledger().await;
    assert_eq!((count, usage.input, cost), (43, 30 + 820, NanoDollars(750 + 280)));
    assert_eq!(stores.ledger.totals(UserId(9_999)).await.unwrap(), calls(0));
}

/// A turn without a model call, a finish of a lost turn and an interrupted turn of a dead process add nothing.
pub(super) async fn a_finish_that_closes_no_turn_adds_nothing(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let other = scene.in_another_process().await;
    other.finished_in_vain(other.completion_of(&begun, reply(["theirs"]))).await;
    let unknown = TurnId(Uuid::now_v7());
    scene.finished_in_vain(Finish { turn: unknown, ..scene.completion_of(&begun, reply(["a"])) }).await;
    let without_a_call = Finish { ledger: None, ..scene.completion_of(&begun, reply(["a"])) };
    scene.finished(without_a_call).await;
    // Repeated with a call, it still adds nothing: the turn is closed already.
    scene.finished(scene.completion_of(&begun, reply(["a"]))).await;
    let purged = scene.start("q").await;
    stores.conversations.purge(scene.owner, purged.conversation.id.into()).await.unwrap();
    scene.finished_in_vain(scene.completion_of(&purged, reply(["late"]))).await;

    let dying = other.start("q").await;
    other.checkpoint(&dying, 0, reply(["par"])).await;
    other.die().await;
    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 1);
    other.finished_in_vain(other.completion_of(&dying, reply(["late"]))).await;
    assert_eq!(scene.ledger().await, calls(0));
}

/// Calls that close no turn are added to those of turns, for each user separately.
pub(super) async fn calls_that_close_no_turn_add_up(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let begun = scene.start("q").await;
    scene.answer(&begun, "a").await;
    let mut expected = scene.ledger().await;
    let usages = [
        Usage { input: 1, cached_input: 2, output: 3, reasoning: 4, estimated: false },
        Usage { input: 3_000_000_000, output: 5_000_000_000, ..Usage::default() },
        Usage::default(),
        Usage { input: 7, estimated: true, ..Usage::default() },
        Usage { output: 7, ..Usage::default() },
    ];
    let costs = [1, 9_007_199_254_740_993, 0, 5_000_000_000_000, 3].map(NanoDollars);
    let purposes = [Purpose::Title, Purpose::Summary, Purpose::Preview, Purpose::Turn, Purpose::Title];
    for (number, ((usage, cost), purpose)) in usages.into_iter().zip(costs).zip(purposes).enumerate() {
        // Also for a conversation that does not exist.
        let conversation = [None, Some(begun.conversation.id), Some(conversation_id())][number % 3];
        let entry = LedgerEntry {
            user: scene.owner,
            conversation,
            turn: None,
            purpose,
            provider: "fake".to_owned(),
            model: model("vendor/model-1:free"),
            usage,
            cost,
            at: scene.now(),
        };
        stores.ledger.append(entry).await.unwrap();
        expected.calls += 1;
        expected.usage += usage;
        expected.cost += cost;
        assert_eq!(scene.ledger().await, expected);
    }
    assert!(expected.usage.estimated);
    assert_eq!(stranger.ledger().await, calls(0));
    stranger.conversation_of(2).await;
    assert_eq!((stranger.ledger().await, scene.ledger().await), (calls(2), expected));
}

/// Conversations, messages and personas are deleted; the cost of their calls stays.
pub(super) async fn the_ledger_outlives_conversations_and_personas(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let persona = scene.persona("Grace").await;
    let (purged, hidden) = (scene.conversation_of(2).await, scene.conversation_of(1).await);
    let talk = scene.talk_with(persona).await;
    scene.exchange(talk, "q", "a").await;
    assert_eq!(scene.ledger().await, calls(4));
    stores.conversations.purge(scene.owner, purged.into()).await.unwrap();
    stores.conversations.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();
    let reply = scene.messages(talk).await[1].number;
    stores.messages.delete(scene.owner, reply, scene.now()).await.unwrap();
    assert_eq!(scene.ledger().await, calls(4));
    stores.personas.delete(scene.owner, persona).await.unwrap();
    assert_eq!(scene.ledger().await, calls(4));
}
