//! A process dies: a begin or the reaper ends its turns as interrupted, and the process cannot undo that.

use domain::usage::estimate_tokens;
use domain::{EndState, MessageState, NanoDollars, Reply, Totals, Usage};
use ports::{BeginError, Signals};

use super::Stores;
use super::scene::{Scene, model, path_of, reply, turn_of, window_of};

/// A begin ends the turn of a dead process and opens its own, in one call.
pub(super) async fn a_begin_recovers_the_turn_of_a_dead_process(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let first = dead.start("q").await;
    let id = first.conversation.id;
    dead.checkpoint(&first, 0, reply(["par", "ti"])).await;
    dead.checkpoint(&first, 2, reply(["al"])).await;
    let scene = dead.in_another_process().await;
    assert!(matches!(scene.refused(scene.begin_in(id, "next")).await, BeginError::Busy { .. }));
    dead.die().await;

    let begun = scene.ask(id, "next").await;
    assert_eq!(window_of(&begun), path_of([(1, "q"), (2, "partial")]));
    assert_eq!(begun.window.messages[1].state, MessageState::Interrupted);
    assert_eq!(begun.question.0, 3);
    let tokens = u64::from(estimate_tokens("partial".len()));
    assert_eq!(begun.conversation.totals, Totals { input: 0, output: tokens, cost: NanoDollars(0) });
    assert_eq!(
        (begun.conversation.message_count, &begun.conversation.last_model),
        (1, &Some(model("default")))
    );
    assert_eq!(begun.conversation, scene.conversation(id).await);

    let found = stores.turns.find(scene.owner, turn_of(&first)).await.unwrap().expect("the turn is known");
    assert_eq!(found.reply, reply(["par", "ti", "al"]));
    let ending = found.ending.expect("the turn has ended");
    assert_eq!((&ending.state, ending.reply.map(|row| row.seq.0)), (&EndState::Interrupted, Some(2)));
    assert_eq!(ending.usage, Usage { output: tokens, estimated: true, ..Usage::default() });
    assert_eq!(ending.cost, NanoDollars(0));
    let messages = scene.messages(id).await;
    assert_eq!(messages[1].state, MessageState::Interrupted);
    assert_eq!(messages[1].turn, Some(turn_of(&first)));
    scene.answer(&begun, "a").await;
    assert_eq!(scene.path(id).await, path_of([(1, "q"), (2, "partial"), (3, "next"), (4, "a")]));
}

/// The turn of a dead process without any text leaves no reply.
pub(super) async fn a_dead_process_without_text_leaves_no_reply(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let first = dead.start("q").await;
    let id = first.conversation.id;
    let scene = dead.in_another_process().await;
    dead.die().await;
    let begun = scene.ask(id, "next").await;
    assert_eq!(window_of(&begun), path_of([(1, "q")]));
    assert_eq!((begun.question.0, begun.conversation.message_count), (2, 0));
    let found = stores.turns.find(scene.owner, turn_of(&first)).await.unwrap().expect("the turn is known");
    assert_eq!(found.reply, Reply::default());
    assert_eq!(found.ending.map(|ending| (ending.state, ending.reply)), Some((EndState::Interrupted, None)));
}

/// A process that wakes up too late can no longer write to its turn.
pub(super) async fn a_process_that_wakes_up_has_lost_its_turns(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let (first, second) = (dead.start("recovered").await, dead.start("reaped").await);
    for begun in [&first, &second] {
        dead.checkpoint(begun, 0, reply(["kept"])).await;
    }
    let scene = dead.in_another_process().await;
    dead.die().await;
    let next = scene.ask(first.conversation.id, "next").await;
    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 1);

    for is_renewed in [false, true] {
        if is_renewed {
            stores.runners.renew(dead.runner).await.unwrap();
        }
        for begun in [&first, &second] {
            let turn = turn_of(begun);
            let chunk = ports::Chunk { turn, first: 1, deltas: reply([" and more"]) };
            let signals = stores.turns.checkpoint(dead.runner, vec![turn], vec![chunk]).await.unwrap();
            assert_eq!(signals, Signals { stop: Vec::new(), lost: vec![turn] });
            dead.finished_in_vain(dead.completion_of(begun, reply(["kept", " and all"]))).await;
        }
    }
    assert_eq!(scene.conversation(first.conversation.id).await, next.conversation);
    assert_eq!(
        scene.path(first.conversation.id).await,
        path_of([(1, "recovered"), (2, "kept"), (3, "next")])
    );
    assert_eq!(scene.path(second.conversation.id).await, path_of([(1, "reaped"), (2, "kept")]));
}

/// A process that renews its lease in time keeps its turns.
pub(super) async fn a_renewed_process_keeps_its_turns(stores: &Stores) {
    let late = Scene::new(stores).await;
    let begun = late.start("q").await;
    let scene = late.in_another_process().await;
    late.die().await;
    stores.runners.renew(late.runner).await.unwrap();
    let begin = scene.begin_in(begun.conversation.id, "next");
    assert!(matches!(scene.refused(begin).await, BeginError::Busy { .. }));
    late.answer(&begun, "a").await;
}

/// The reaper ends the turns of dead processes with their partial text, and returns how many.
pub(super) async fn the_reaper_ends_the_turns_of_dead_processes(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let (with_text, without, hidden) =
        (dead.start("one").await, dead.start("two").await, dead.start("three").await);
    dead.checkpoint(&with_text, 0, reply(["par", "tial"])).await;
    let ended = dead.start("ended").await;
    dead.answer(&ended, "a").await;
    let key = hidden.conversation.id;
    stores.conversations.soft_delete(dead.owner, key.into(), dead.now()).await.unwrap();
    let scene = dead.in_another_process().await;
    let own = scene.start("own").await;
    dead.die().await;

    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 3);
    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 0);
    let found =
        stores.turns.find(scene.owner, turn_of(&with_text)).await.unwrap().expect("the turn is known");
    assert_eq!(found.reply, reply(["par", "tial"]));
    assert_eq!(found.ending.map(|ending| ending.state), Some(EndState::Interrupted));
    assert_eq!(scene.path(with_text.conversation.id).await, path_of([(1, "one"), (2, "partial")]));
    assert_eq!(scene.path(without.conversation.id).await, path_of([(1, "two")]));
    for begun in [&with_text, &without] {
        assert_eq!(scene.conversation(begun.conversation.id).await.running, None);
    }
    let restored = stores.conversations.restore(scene.owner, key.into(), scene.now()).await.unwrap();
    assert_eq!(restored.granted().map(|conversation| conversation.running), Some(None));
    // Neither its own turn nor one that had ended is touched.
    assert_eq!(scene.conversation(own.conversation.id).await, own.conversation);
    assert_eq!(scene.path(ended.conversation.id).await, path_of([(1, "ended"), (2, "a")]));
}

/// The reaper does not end turns of living processes, where there can be several.
pub(super) async fn the_reaper_does_not_end_turns_of_living_processes(stores: &Stores) {
    let living = Scene::new(stores).await;
    let begun = living.start("q").await;
    let scene = living.in_another_process().await;
    let ended = stores.runners.reap(scene.runner, scene.now()).await.unwrap();
    if stores.elsewhere.is_some() {
        assert_eq!(ended, 0);
        living.answer(&begun, "a").await;
    } else {
        // There can be no other living process, so the turn was left over.
        assert_eq!(ended, 1);
        living.finished_in_vain(living.completion_of(&begun, reply(["a"]))).await;
    }
}

/// Many turns of a dead process are ended at once.
pub(super) async fn the_reaper_ends_many_turns(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let mut turns = Vec::new();
    for number in 0..100 {
        let begun = dead.start(&format!("q{number}")).await;
        if number % 2 == 0 {
            dead.checkpoint(&begun, 0, reply(["par", "tial"])).await;
        }
        turns.push(begun);
    }
    let scene = dead.in_another_process().await;
    dead.die().await;
    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 100);
    for (number, begun) in turns.iter().enumerate() {
        let conversation = scene.conversation(begun.conversation.id).await;
        assert_eq!((conversation.running, conversation.message_count), (None, u32::from(number % 2 == 0)));
    }
}

/// A process that retires has no lease any more, and may get a new one.
pub(super) async fn a_process_may_retire(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    scene.answer(&begun, "a").await;
    stores.runners.retire(scene.runner).await.unwrap();
    stores.runners.retire(scene.runner).await.unwrap();
    stores.runners.renew(scene.runner).await.unwrap();
    let begun = scene.ask(begun.conversation.id, "q").await;
    scene.answer(&begun, "a").await;
}
