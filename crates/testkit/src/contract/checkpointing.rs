//! Deltas are kept while a turn runs; the process learns what others did to it; turns are found and stopped.

use domain::{ConversationKey, Delta, Reply, TurnId};
use ports::{Chunk, Signals, StopOutcome};
use uuid::Uuid;

use super::Stores;
use super::scene::{Scene, conversation_id, reply, turn_of};

/// The deltas that were kept of a running turn can be read one by one.
pub(super) async fn kept_deltas_are_found_while_the_turn_runs(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let turn = turn_of(&begun);
    let found = stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known");
    assert_eq!((found.turn, found.conversation), (turn, begun.conversation.id));
    assert_eq!((found.reply, found.ending), (Reply::default(), None));

    let mut whole = Reply::default();
    whole.push(Delta::Reasoning("hm".to_owned()));
    for word in ["Grü", "ße", " 🦀"] {
        whole.push(Delta::Text(word.to_owned()));
    }
    let mut first = Reply::default();
    first.append(&whole);
    scene.checkpoint(&begun, 0, first.clone()).await;
    // A chunk that was kept already is ignored.
    scene.checkpoint(&begun, 0, first).await;
    let mut more = Reply::default();
    for word in [" and", " more"] {
        more.push(Delta::Text(word.to_owned()));
    }
    scene.checkpoint(&begun, 4, more.clone()).await;
    scene.checkpoint(&begun, 4, more.clone()).await;
    whole.append(&more);
    let found = stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known");
    assert_eq!((found.reply, found.ending), (whole.clone(), None));

    whole.push(Delta::Text(".".to_owned()));
    scene.finished(scene.completion_of(&begun, whole.clone())).await;
    let found = stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known");
    assert_eq!(found.reply, whole);
}

/// A process learns which of its own turns are to be stopped, and which are no longer its own.
pub(super) async fn a_process_learns_what_others_did(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (running, stopped, purged) =
        (scene.start("running").await, scene.start("stopped").await, scene.start("purged").await);
    let other = scene.in_another_process().await;
    let theirs = other.start("theirs").await;
    stores.turns.request_stop(scene.owner, stopped.conversation.id.into()).await.unwrap();
    stores.conversations.purge(scene.owner, purged.conversation.id.into()).await.unwrap();
    let unknown = TurnId(Uuid::now_v7());
    let all = vec![turn_of(&running), turn_of(&stopped), turn_of(&purged), turn_of(&theirs), unknown];
    let chunks: Vec<Chunk> =
        all.iter().map(|turn| Chunk { turn: *turn, first: 0, deltas: reply(["kept"]) }).collect();
    // The stop is reported again at every checkpoint.
    for chunks in [chunks, Vec::new()] {
        let signals = stores.turns.checkpoint(scene.runner, all.clone(), chunks).await.unwrap();
        assert_eq!(signals.stop, [turn_of(&stopped)]);
        let mut lost = signals.lost;
        lost.sort_unstable();
        let mut expected = vec![turn_of(&purged), turn_of(&theirs), unknown];
        expected.sort_unstable();
        assert_eq!(lost, expected);
    }
    for (begun, kept) in [(&running, "kept"), (&stopped, "kept"), (&theirs, "")] {
        let found = stores.turns.find(scene.owner, turn_of(begun)).await.unwrap().expect("the turn is known");
        assert_eq!(found.reply.text(), kept);
    }
    // The stop of a turn is reported to its own process only.
    let signals = stores.turns.checkpoint(other.runner, vec![turn_of(&theirs)], Vec::new()).await.unwrap();
    assert_eq!(signals, Signals::default());
}

/// A checkpoint without turns returns nothing.
pub(super) async fn a_checkpoint_without_turns_returns_nothing(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let signals = stores.turns.checkpoint(scene.runner, Vec::new(), Vec::new()).await.unwrap();
    assert_eq!(signals, Signals::default());
}

/// One checkpoint keeps chunks of many turns.
pub(super) async fn one_checkpoint_serves_many_turns(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut turns = Vec::new();
    for number in 0..40 {
        turns.push(turn_of(&scene.start(&format!("q{number}")).await));
    }
    for first in [0, 1] {
        let text = |turn: &TurnId| format!("{turn}/{first};");
        let chunk = |turn: &TurnId| Chunk { turn: *turn, first, deltas: reply([text(turn).as_str()]) };
        let chunks = turns.iter().map(chunk).collect();
        let signals = stores.turns.checkpoint(scene.runner, turns.clone(), chunks).await.unwrap();
        assert_eq!(signals, Signals::default());
    }
    for turn in turns {
        let found = stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known");
        assert_eq!((found.reply.len(), found.reply.text()), (2, format!("{turn}/0;{turn}/1;")));
    }
}

/// A stop request reaches the running turn of the caller's own conversation, and no other.
pub(super) async fn a_stop_request_reaches_the_running_turn(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let (id, number) = (begun.conversation.id, begun.conversation.number);
    let stranger = scene.of_another_user().await;
    let refused = stores.turns.request_stop(stranger.owner, id.into()).await.unwrap();
    assert_eq!(refused, StopOutcome::NotFound);
    let signals = stores.turns.checkpoint(scene.runner, vec![turn_of(&begun)], Vec::new()).await.unwrap();
    assert_eq!(signals, Signals::default());

    let keys: [ConversationKey; 2] = [id.into(), number.into()];
    for key in keys.clone() {
        let outcome = stores.turns.request_stop(scene.owner, key).await.unwrap();
        assert_eq!(outcome, StopOutcome::Asked(turn_of(&begun)));
    }
    let signals = stores.turns.checkpoint(scene.runner, vec![turn_of(&begun)], Vec::new()).await.unwrap();
    assert_eq!(signals.stop, [turn_of(&begun)]);
    scene.answer(&begun, "a").await;
    for key in keys {
        assert_eq!(stores.turns.request_stop(scene.owner, key).await.unwrap(), StopOutcome::Idle);
    }
    // It does not stop the next turn.
    let next = scene.ask(id, "next").await;
    let signals = stores.turns.checkpoint(scene.runner, vec![turn_of(&next)], Vec::new()).await.unwrap();
    assert_eq!(signals, Signals::default());

    stores.conversations.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap();
    for key in [id.into(), conversation_id().into(), ConversationKey::Provider("conv_x".to_owned())] {
        assert_eq!(stores.turns.request_stop(scene.owner, key).await.unwrap(), StopOutcome::NotFound);
    }
}

/// A turn is found only by its owner, and only while its conversation is not deleted.
pub(super) async fn a_turn_is_found_only_by_its_owner(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let turn = turn_of(&begun);
    let key: ConversationKey = begun.conversation.id.into();
    let stranger = scene.of_another_user().await;
    assert_eq!(stores.turns.find(stranger.owner, turn).await.unwrap(), None);
    assert_eq!(stores.turns.find(scene.owner, TurnId(Uuid::now_v7())).await.unwrap(), None);
    stores.conversations.soft_delete(scene.owner, key.clone(), scene.now()).await.unwrap();
    assert_eq!(stores.turns.find(scene.owner, turn).await.unwrap(), None);
    stores.conversations.restore(scene.owner, key.clone(), scene.now()).await.unwrap();
    assert!(stores.turns.find(scene.owner, turn).await.unwrap().is_some());
    stores.conversations.purge(scene.owner, key).await.unwrap();
    assert_eq!(stores.turns.find(scene.owner, turn).await.unwrap(), None);
}
