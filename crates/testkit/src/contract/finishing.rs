//! Turns are closed: what is stored, what is added to the totals, and that it happens once.

use std::time::Duration;

use domain::{
    ConversationPatch, Delta, EndState, Ending, Failure, FailureKind, FinishReason, JsonText, MessageState,
    NanoDollars, Part, Reply, ReplyFacts, Role, Seq, Title, Totals, TurnId, Usage,
};
use ports::{Finish, TurnRecord};
use uuid::Uuid;

use super::Stores;
use super::scene::{Scene, model, path_of, reply, turn_of};

async fn record(scene: &Scene<'_>, turn: TurnId) -> TurnRecord {
    scene.stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known")
}

/// A reply is stored with the figures of its call, and the conversation adds them up.
pub(super) async fn a_completed_turn_keeps_its_reply(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let id = begun.conversation.id;
    let finish = scene.completion_of(&begun, reply(["Hel", "lo"]));
    let asked = finish.clone();
    let (ending, change) = scene.finished(finish).await;
    let conversation = begun.conversation.clone().after(change);

    let Some(row) = ending.reply else { panic!("a row of the reply: {ending:?}") };
    assert_eq!((Some(row.id), row.seq), (asked.reply.map(|(id, _)| id), Seq(2)));
    assert_eq!(ending, domain::Ending { reply: Some(row), ..asked.ending });
    assert_eq!((conversation.running, conversation.last_seq), (None, Seq(2)));
    assert_eq!((conversation.message_count, &conversation.last_model), (1, &Some(model("default"))));
    assert_eq!(conversation.totals, Totals { input: 10, output: 5, cost: NanoDollars(250) });
    assert_eq!((conversation.updated_at, &conversation.title), (ending.at, &None));
    assert_eq!(scene.conversation(id).await, conversation);

    let messages = scene.messages(id).await;
    let message = &messages[1];
    assert_eq!((message.id, Some(message.number), message.seq), (row.id, row.number, row.seq));
    assert_eq!((message.parent, message.turn), (Some(Seq(1)), Some(turn_of(&begun))));
    assert_eq!((message.role, message.state), (Role::Assistant, MessageState::Completed));
    assert_eq!(message.parts, [Part::Text("Hello".to_owned())]);
    assert_eq!(message.created_at, row.created_at);
    let facts = ReplyFacts { model: model("default"), usage: ending.usage, response_time_ms: 1_234 };
    assert_eq!(message.reply, Some(facts));
    assert_eq!(messages[0].reply, None);
}

/// A turn that broke off keeps its partial reply, with its state, and counts as an exchange.
pub(super) async fn a_turn_that_broke_off_keeps_its_partial_reply(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let states = [
        (EndState::Failed(FailureKind::Truncated.into()), MessageState::Failed),
        (EndState::Stopped, MessageState::Stopped),
        (EndState::Interrupted, MessageState::Interrupted),
    ];
    for (state, of_message) in states {
        let begun = scene.start("q").await;
        let (ending, change) =
            scene.finished(scene.ending_of(&begun, state.clone(), reply(["par", "tial"]))).await;
        let conversation = begun.conversation.clone().after(change);
        assert_eq!((&ending.state, ending.reply.map(|row| row.seq)), (&state, Some(Seq(2))));
        assert_eq!((conversation.message_count, conversation.last_seq), (1, Seq(2)));
        let messages = scene.messages(conversation.id).await;
        assert_eq!((messages[1].state, messages[1].text().as_str()), (of_message, "partial"));
        assert_eq!(messages[0].state, MessageState::Completed);
        let next = scene.ask(conversation.id, "next").await;
        assert_eq!(next.window.messages[1].state, of_message);
    }
}

/// A turn without text makes no row and is no exchange, but its usage and cost count.
pub(super) async fn a_turn_without_text_makes_no_row(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut thought = Reply::default();
    thought.push(Delta::Reasoning("hm".to_owned()));
    for said in [Some(Reply::default()), Some(thought), None] {
        let begun = scene.start("q").await;
        let mut finish =
            scene.ending_of(&begun, EndState::Failed(FailureKind::Empty.into()), Reply::default());
        finish.reply = said.map(|reply| (super::scene::message_id(), reply));
        let (ending, change) = scene.finished(finish).await;
        let conversation = begun.conversation.clone().after(change);
        assert_eq!(ending.reply, None);
        assert_eq!((conversation.running, conversation.last_seq), (None, Seq(1)));
        assert_eq!((conversation.message_count, &conversation.last_model), (0, &None));
        assert_eq!(conversation.totals, Totals { input: 10, output: 5, cost: NanoDollars(250) });
        assert_eq!(scene.path(conversation.id).await, path_of([(1, "q")]));
        let found = record(&scene, turn_of(&begun)).await;
        assert_eq!((found.ending, found.reply), (Some(ending), Reply::default()));
    }
}

/// A refusal and a tool call are replies too.
pub(super) async fn a_refusal_and_a_tool_call_make_a_row(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let call = Delta::ToolCall {
        call: "c".to_owned(),
        name: "n".to_owned(),
        arguments: JsonText::from_parsed("{\"a\":1}".to_owned()),
    };
    for delta in [Delta::Refusal("no".to_owned()), call] {
        let begun = scene.start("q").await;
        let mut said = Reply::default();
        said.push(delta);
        let (ending, _) = scene.finished(scene.completion_of(&begun, said.clone())).await;
        assert!(ending.reply.is_some());
        assert_eq!(scene.messages(begun.conversation.id).await[1].parts, said.parts());
    }
}

/// The deltas of a reply are read back one by one, as they arrived.
pub(super) async fn a_replay_is_exact(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let mut said = Reply::default();
    for thought in ["Let ", "me ", "see"] {
        said.push(Delta::Reasoning(thought.to_owned()));
    }
    for word in ["Grü", "ß", "e 🦀", "\n\n", " "] {
        said.push(Delta::Text(word.to_owned()));
    }
    said.push(Delta::ToolCall {
        call: "c1".to_owned(),
        name: "look_up".to_owned(),
        arguments: JsonText::from_parsed("{ \"spaces\" : [1, 2] }".to_owned()),
    });
    for piece in ["I ", "won't"] {
        said.push(Delta::Refusal(piece.to_owned()));
    }
    said.push(Delta::Text("x".repeat(70_000)));
    scene.finished(scene.completion_of(&begun, said.clone())).await;
    let found = record(&scene, turn_of(&begun)).await;
    assert_eq!(found.reply.len(), said.len());
    for index in 0..said.len() {
        assert_eq!(found.reply.delta(index), said.delta(index), "{index}");
    }
    assert_eq!(found.reply, said);
    assert_eq!((found.turn, found.conversation), (turn_of(&begun), begun.conversation.id));
}

/// Every kind of ending is read back unchanged.
pub(super) async fn every_ending_is_kept(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let reasons = [
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ContentFilter,
        FinishReason::ToolCalls,
        FinishReason::Other("guardrail_intervened".to_owned()),
    ];
    let kinds = [
        FailureKind::Rejected,
        FailureKind::Unauthorized,
        FailureKind::RateLimited,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
        FailureKind::Truncated,
        FailureKind::Broken,
        FailureKind::Empty,
        FailureKind::NotConfigured,
        FailureKind::Store,
        FailureKind::Internal,
    ];
    let waits = [None, Some(Duration::from_millis(1_500))];
    let failures = kinds.into_iter().flat_map(|kind| waits.map(|retry_after| Failure { kind, retry_after }));
    let states = reasons.into_iter().map(EndState::Completed).chain(failures.map(EndState::Failed));
    for state in states.chain([EndState::Stopped, EndState::Interrupted]) {
        let begun = scene.start("q").await;
        let mut finish = scene.ending_of(&begun, state.clone(), reply(["a"]));
        finish.ending.usage.estimated = true;
        finish.ending.cost = NanoDollars(9_007_199_254_740_993);
        let (ending, _) = scene.finished(finish).await;
        let found = record(&scene, turn_of(&begun)).await;
        assert_eq!(found.ending.as_ref(), Some(&ending));
        assert_eq!(ending.state, state);
    }
}

/// Numbers beyond their limits are clamped, and U+0000 is removed from a finish reason, on every store alike.
pub(super) async fn numbers_and_texts_are_brought_within_their_limits(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let id = begun.conversation.id;
    let usage = Usage { input: u64::MAX, cached_input: u64::MAX, output: u64::MAX, ..Usage::default() };
    let with_limits = |mut finish: Finish| {
        finish.ending.usage = usage;
        finish.ending.cost = NanoDollars(i64::MAX);
        let entry = finish.ledger.as_mut().expect("there is a model call");
        (entry.usage, entry.cost) = (usage, NanoDollars(i64::MAX));
        finish
    };
    let reason = FinishReason::Other("\0bor\0ed".to_owned());
    let finish = scene.ending_of(&begun, EndState::Completed(reason), reply(["a"]));
    let (ending, _) = scene.finished(with_limits(finish.clone())).await;
    let expected = Ending { reply: ending.reply, ..with_limits(finish).ending.storable() };
    assert_eq!(ending, expected);
    assert_eq!(ending.state, EndState::Completed(FinishReason::Other("bored".to_owned())));
    assert_eq!(record(&scene, turn_of(&begun)).await.ending, Some(ending.clone()));

    // A second turn, so that the sums show.
    let begun = scene.ask(id, "q").await;
    let (_, change) = scene.finished(with_limits(scene.completion_of(&begun, reply(["a"])))).await;
    let cost = NanoDollars(2 * ending.cost.0);
    let totals = Totals { input: 2 * ending.usage.input, output: 2 * ending.usage.output, cost };
    assert_eq!(change.totals, totals);
    let ledger = scene.ledger().await;
    assert_eq!((ledger.usage.input, ledger.usage.output, ledger.cost), (totals.input, totals.output, cost));
}

/// A sum that leaves its range stays at its limit, and the conversation goes on.
pub(super) async fn sums_stay_within_their_limits(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    // Each costs more than a hundredth of what can be stored.
    for _ in 0..100 {
        let begun = scene.ask(id, "q").await;
        let mut finish = scene.ending_of(&begun, EndState::Stopped, Reply::default());
        finish.ending.cost = NanoDollars(i64::MAX);
        scene.finished(finish).await;
    }
    let conversation = scene.conversation(id).await;
    assert_eq!((conversation.totals.cost, conversation.running), (NanoDollars(i64::MAX), None));
    let begun = scene.ask(id, "q").await;
    scene.answer(&begun, "a").await;
}

/// The totals of a conversation are the sum of its turns.
pub(super) async fn totals_add_up(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let id = begun.conversation.id;
    scene.answer(&begun, "a").await;
    let begun = scene.ask(id, "q").await;
    let mut finish = scene.ending_of(&begun, EndState::Stopped, Reply::default());
    finish.ending.usage = Usage { input: 3_000_000_000, output: 1, ..Usage::default() };
    finish.ending.cost = NanoDollars(5_000_000_000_000);
    scene.finished(finish).await;
    let begun = scene.ask(id, "q").await;
    let (_, conversation) = scene.answer(&begun, "a").await;
    let totals = Totals { input: 3_000_000_020, output: 11, cost: NanoDollars(5_000_000_000_500) };
    assert_eq!((conversation.totals, conversation.message_count), (totals, 2));
}

/// A turn gives a title to a conversation that has none by then.
pub(super) async fn a_title_is_given_where_there_is_none(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let title = |text: &str| Some(Title::parse(text).unwrap());
    let begun = scene.start("q").await;
    let id = begun.conversation.id;
    let with_title = |finish: Finish, text: &str| Finish { title: title(text), ..finish };
    let (_, conversation) =
        scene.finished(with_title(scene.completion_of(&begun, reply(["a"])), "first")).await;
    assert_eq!(conversation.title, title("first"));
    let begun = scene.ask(id, "q").await;
    let (_, conversation) =
        scene.finished(with_title(scene.completion_of(&begun, reply(["a"])), "second")).await;
    assert_eq!(conversation.title, title("first"));

    // A title that the user gives while the turn runs is kept.
    let begun = scene.start("q").await;
    let patch = ConversationPatch { title: title("theirs"), ..ConversationPatch::default() };
    stores.conversations.patch(scene.owner, begun.conversation.id.into(), patch, scene.now()).await.unwrap();
    let (_, conversation) =
        scene.finished(with_title(scene.completion_of(&begun, reply(["a"])), "ours")).await;
    assert_eq!(conversation.title, title("theirs"));

    let begun = scene.start("q").await;
    assert_eq!(scene.answer(&begun, "a").await.1.title, None);
}

/// A repeated finish returns the same and adds nothing, also when the next turn runs.
pub(super) async fn a_repeated_finish_answers_the_same(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for said in [reply(["a"]), Reply::default()] {
        let begun = scene.start("q").await;
        let finish = scene.ending_of(&begun, EndState::Failed(FailureKind::Broken.into()), said);
        let first = scene.finished(finish.clone()).await;
        for _ in 0..3 {
            assert_eq!(scene.finished(finish.clone()).await, first);
        }
        let messages = scene.path(begun.conversation.id).await;
        assert_eq!(messages.len(), 1 + usize::from(first.0.reply.is_some()));

        let next = scene.ask(begun.conversation.id, "next").await;
        let (ending, _) = scene.finished(finish).await;
        assert_eq!(ending, first.0);
        let now = scene.conversation(begun.conversation.id).await;
        assert_eq!((now.running, now.totals), (Some(turn_of(&next)), first.1.totals));
        scene.answer(&next, "a").await;
    }
}

/// Only the process that runs a turn can close it.
pub(super) async fn another_process_cannot_finish_the_turn(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let other = scene.in_another_process().await;
    other.finished_in_vain(other.completion_of(&begun, reply(["theirs"]))).await;
    assert_eq!(scene.conversation(begun.conversation.id).await, begun.conversation);
    scene.answer(&begun, "ours").await;
    // Nor can it change one that is closed.
    other.finished_in_vain(other.completion_of(&begun, reply(["theirs"]))).await;
    assert_eq!(scene.path(begun.conversation.id).await, path_of([(1, "q"), (2, "ours")]));
}

/// A turn that was deleted, or never existed, is lost.
pub(super) async fn a_purged_or_unknown_turn_is_lost(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let kept = scene.start("kept").await;
    stores.conversations.purge(scene.owner, begun.conversation.id.into()).await.unwrap();
    scene.finished_in_vain(scene.completion_of(&begun, reply(["late"]))).await;
    let mut unknown = scene.completion_of(&kept, reply(["a"]));
    unknown.turn = TurnId(Uuid::now_v7());
    scene.finished_in_vain(unknown).await;
    scene.answer(&kept, "a").await;
}

/// A turn goes on in a conversation that is hidden meanwhile, and its reply is there when it is restored.
pub(super) async fn a_hidden_conversation_still_gets_its_reply(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let id = begun.conversation.id;
    stores.conversations.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap();
    scene.answer(&begun, "a").await;
    let restored = stores.conversations.restore(scene.owner, id.into(), scene.now()).await.unwrap();
    assert_eq!(restored.granted().map(|conversation| conversation.running), Some(None));
    assert_eq!(scene.path(id).await, path_of([(1, "q"), (2, "a")]));
}
