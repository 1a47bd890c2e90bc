//! Many calls at the same time: in one conversation, in many, and from several processes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::limits::WINDOW_MESSAGES;
use domain::{Conversation, ConversationNumber, MessageState, TurnId};
use futures_util::future::join_all;
use ports::{Access, Begin, BeginError, Begun, Chunk, Finish, Finished, TurnStore};

use super::Stores;
use super::scene::{PATIENCE, Scene, conversation_id, path_of, reply, turn_of, window_of};

/// Runs calls at the same time, each in a task of its own.
pub(super) async fn at_once<T, F>(calls: impl IntoIterator<Item = F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(|result| result.expect("the call does not panic")).collect()
}

/// Begins through both processes in turn.
async fn begin_at_once(stores: &Stores, begins: Vec<Begin>) -> Vec<Result<Begun, BeginError>> {
    let processes = [Arc::clone(&stores.turns), stores.turns_elsewhere()];
    let turns = begins.into_iter().zip(processes.into_iter().cycle());
    at_once(turns.map(|(begin, turns)| async move { turns.begin(begin).await })).await
}

async fn finish_at_once(stores: &Stores, finishes: Vec<Finish>) -> Vec<Finished> {
    let finish = |finish: Finish| {
        let turns = Arc::clone(&stores.turns);
        async move { turns.finish(finish).await.expect("the turn is closed") }
    };
    at_once(finishes.into_iter().map(finish)).await
}

/// Nothing is half done: positions have no gaps, and the conversation has the last one.
pub(super) async fn assert_whole(scene: &Scene<'_>, conversation: &Conversation) {
    let positions: Vec<i64> =
        scene.messages(conversation.id).await.iter().map(|message| message.seq.0).collect();
    assert_eq!(positions, (1..=conversation.last_seq.0).collect::<Vec<i64>>());
}

/// Of many begins in one conversation exactly one is accepted.
pub(super) async fn one_of_many_begins_wins(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    for round in 1..=5 {
        let begins = (0..64).map(|number| scene.begin_in(id, &format!("{round}/{number}"))).collect();
        let results = begin_at_once(stores, begins).await;
        let mut winners = Vec::new();
        for result in results {
            match result {
                Ok(begun) => winners.push(begun),
                Err(BeginError::Busy { .. }) => {}
                Err(other) => panic!("busy, and not {other:?}"),
            }
        }
        let [winner] = winners.as_slice() else { panic!("{} winners in round {round}", winners.len()) };
        assert_eq!(winner.question.0, 2 * round + 1);
        scene.answer(winner, &format!("answer {round}")).await;
    }
    let conversation = scene.conversation(id).await;
    assert_eq!((conversation.last_seq.0, conversation.message_count), (12, 6));
    assert_whole(&scene, &conversation).await;
}

/// A begin right after a finish has the reply in its window, however close they are.
pub(super) async fn a_begin_sees_the_reply_that_was_just_kept(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut begun = scene.start("q0").await;
    let id = begun.conversation.id;
    for round in 0..60 {
        let finish = scene.completion_of(&begun, reply([format!("a{round}").as_str()]));
        let is_won = Arc::new(AtomicBool::new(false));
        let processes = [Arc::clone(&stores.turns), stores.turns_elsewhere()];
        let eager = processes.into_iter().map(|turns| {
            let begin = scene.begin_in(id, &format!("q{}", round + 1));
            tokio::spawn(begin_until_won(turns, begin, Arc::clone(&is_won)))
        });
        let eager: Vec<_> = eager.collect();
        // Each time at another moment of the eager begins.
        tokio::time::sleep(Duration::from_micros(round % 7 * 300)).await;
        scene.finished(finish).await;
        let mut winners = join_all(eager).await.into_iter().filter_map(|won| won.expect("no panic"));
        begun = winners.next().expect("one begin is accepted");
        assert!(winners.next().is_none(), "two begins are accepted");
        let last = window_of(&begun).pop();
        assert_eq!(last, Some((begun.question.0 - 1, format!("a{round}"))), "round {round}");
    }
    scene.answer(&begun, "the end").await;
    assert_whole(&scene, &scene.conversation(id).await).await;
}

/// Begins again and again, until this call or another one is accepted.
async fn begin_until_won(turns: Arc<dyn TurnStore>, begin: Begin, is_won: Arc<AtomicBool>) -> Option<Begun> {
    let start = Instant::now();
    while !is_won.load(Ordering::Relaxed) {
        match turns.begin(begin.clone()).await {
            Ok(begun) => {
                is_won.store(true, Ordering::Relaxed);
                return Some(begun);
            }
            Err(BeginError::Busy { .. }) => assert!(start.elapsed() < PATIENCE, "no begin is accepted"),
            Err(other) => panic!("busy, and not {other:?}"),
        }
    }
    None
}

/// Turns that follow each other without a pause each have all earlier messages in their window.
pub(super) async fn turns_in_quick_succession_see_each_other(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let rounds = AtomicUsize::new(0);
    let processes = [Arc::clone(&stores.turns), stores.turns_elsewhere()];
    let workers = processes.iter().cycle().take(8).map(async |turns| {
        while rounds.load(Ordering::Relaxed) < 100 {
            let begun = match turns.begin(scene.begin_in(id, "q")).await {
                Ok(begun) => begun,
                Err(BeginError::Busy { .. }) => continue,
                Err(other) => panic!("busy, and not {other:?}"),
            };
            rounds.fetch_add(1, Ordering::Relaxed);
            let last = begun.question.0 - 1;
            let first = (last - i64::from(WINDOW_MESSAGES)).max(0) + 1;
            let positions: Vec<i64> = begun.window.messages.iter().map(|message| message.seq.0).collect();
            assert_eq!(positions, (first..=last).collect::<Vec<i64>>());
            let finished = turns.finish(scene.completion_of(&begun, reply(["a"]))).await.unwrap();
            assert!(matches!(finished, Finished::Done { .. }));
        }
    });
    join_all(workers).await;
    let conversation = scene.conversation(id).await;
    assert_eq!(conversation.message_count as usize, 1 + rounds.load(Ordering::Relaxed));
    assert_whole(&scene, &conversation).await;
}

/// Of a late finish and a begin that recovers the turn, one succeeds, and the begin's window shows which.
pub(super) async fn of_a_late_finish_and_a_recovery_one_succeeds(stores: &Stores) {
    let first = Scene::new(stores).await;
    for round in 0..40 {
        let late = first.in_another_process().await;
        let begun = late.start("q").await;
        let id = begun.conversation.id;
        late.checkpoint(&begun, 0, reply(["par"])).await;
        let scene = late.in_another_process().await;
        late.die().await;
        let (turns, finish) = (Arc::clone(&stores.turns), late.completion_of(&begun, reply(["par", "tial"])));
        let finish = async move { turns.finish(finish).await.expect("an answer") };
        let (turns, begin) = (stores.turns_elsewhere(), scene.begin_in(id, "next"));
        let begin = async move { turns.begin(begin).await };
        let (finish, begin) = if round % 2 == 0 {
            let (finish, begin) = (tokio::spawn(finish), tokio::spawn(begin));
            (finish.await, begin.await)
        } else {
            let (begin, finish) = (tokio::spawn(begin), tokio::spawn(finish));
            (finish.await, begin.await)
        };
        let next = begin.expect("the call does not panic").expect("the dead process does not keep the turn");
        let (text, state) = match finish.expect("the call does not panic") {
            Finished::Done { .. } => ("partial", MessageState::Completed),
            Finished::Lost => ("par", MessageState::Interrupted),
        };
        assert_eq!(window_of(&next), path_of([(1, "q"), (2, text)]), "round {round}");
        assert_eq!(next.window.messages[1].state, state);
        scene.answer(&next, "a").await;
        let conversation = scene.conversation(id).await;
        assert_eq!((conversation.last_seq.0, conversation.message_count), (4, 2));
    }
}

/// Begins in different conversations do not affect each other, and each gets its own result.
pub(super) async fn many_conversations_go_on_at_once(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begins = (0..200).map(|number| scene.begin_new(&format!("q{number}"))).collect();
    let begun: Vec<Begun> =
        begin_at_once(stores, begins).await.into_iter().map(|result| result.unwrap()).collect();
    let numbers: HashSet<ConversationNumber> = begun.iter().map(|begun| begun.conversation.number).collect();
    assert_eq!(numbers.len(), 200);
    let finishes = begun
        .iter()
        .enumerate()
        .map(|(number, begun)| scene.completion_of(begun, reply(["to ", format!("q{number}").as_str()])));
    let finishes: Vec<Finish> = finishes.collect();
    let replies: Vec<_> = finishes.iter().map(|finish| finish.reply.as_ref().map(|(id, _)| *id)).collect();
    for (number, finished) in finish_at_once(stores, finishes).await.into_iter().enumerate() {
        let Finished::Done { ending, .. } = finished else { panic!("turn {number} was lost") };
        assert_eq!(ending.reply.map(|reply| reply.id), replies[number]);
    }
    let ids: Vec<_> = begun.iter().map(|begun| begun.conversation.id).collect();
    let begins = ids.iter().map(|id| scene.begin_in(*id, "more")).collect();
    for (number, result) in begin_at_once(stores, begins).await.into_iter().enumerate() {
        let begun = result.unwrap();
        let expected = path_of([(1, format!("q{number}").as_str()), (2, format!("to q{number}").as_str())]);
        assert_eq!((begun.conversation.id, window_of(&begun)), (ids[number], expected));
    }
}

/// A refused call does not affect the calls that are executed with it.
pub(super) async fn a_refused_call_does_not_affect_others(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let foreign = stranger.conversation_of(1).await;
    let twice = scene.conversation_of(1).await;
    let mut begins = Vec::new();
    for number in 0..30 {
        begins.push(scene.begin_new(&format!("new {number}")));
        begins.push(scene.begin_in(conversation_id(), "absent"));
        begins.push(scene.begin_in(foreign, "foreign"));
        begins.push(scene.begin_in(twice, "twice"));
    }
    let mut wins = 0;
    for (number, result) in begin_at_once(stores, begins).await.into_iter().enumerate() {
        let is_right = match number % 4 {
            0 => result.is_ok(),
            1 => matches!(result, Err(BeginError::NotFound)),
            2 => matches!(result, Err(BeginError::Foreign)),
            _ => {
                wins += usize::from(result.is_ok());
                matches!(result, Ok(_) | Err(BeginError::Busy { .. }))
            }
        };
        assert!(is_right, "{number}: {result:?}");
    }
    assert_eq!(wins, 1);
}

/// The same finish many times at the same time counts once.
pub(super) async fn a_finish_repeated_at_once_counts_once(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let finish = scene.completion_of(&begun, reply(["a"]));
    let mut answers = finish_at_once(stores, vec![finish; 16]).await;
    let first = answers.pop().expect("an answer");
    assert!(matches!(first, Finished::Done { .. }));
    assert!(answers.iter().all(|answer| *answer == first), "{answers:?}");
    let conversation = scene.conversation(begun.conversation.id).await;
    assert_eq!((conversation.totals.input, conversation.message_count), (10, 1));
    assert_whole(&scene, &conversation).await;
}

/// Checkpoints, finishes and stops of the same turns do not block each other.
pub(super) async fn checkpoints_and_finishes_do_not_deadlock(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let work = async {
        for _ in 0..10 {
            let begins = (0..20).map(|_| scene.begin_new("q")).collect();
            let begun: Vec<Begun> =
                begin_at_once(stores, begins).await.into_iter().map(|result| result.unwrap()).collect();
            let turns: Vec<TurnId> = begun.iter().map(turn_of).collect();
            let chunks = |first: u32| {
                let chunk = |turn: &TurnId| Chunk { turn: *turn, first, deltas: reply(["x"]) };
                turns.iter().map(chunk).collect::<Vec<_>>()
            };
            let checkpoints =
                (0..3).map(|first| stores.turns.checkpoint(scene.runner, turns.clone(), chunks(first)));
            let stops = begun
                .iter()
                .map(|begun| stores.turns.request_stop(scene.owner, begun.conversation.id.into()));
            let finishes = finish_at_once(
                stores,
                begun.iter().map(|begun| scene.completion_of(begun, reply(["done"]))).collect(),
            );
            let (checkpoints, stops, finishes) =
                tokio::join!(join_all(checkpoints), join_all(stops), finishes);
            assert!(checkpoints.iter().all(Result::is_ok) && stops.iter().all(Result::is_ok));
            assert!(finishes.iter().all(|finished| matches!(finished, Finished::Done { .. })));
        }
    };
    tokio::time::timeout(PATIENCE, work).await.expect("no call waits for ever");
}

/// A purge at the same time as a begin or a finish leaves nothing behind.
pub(super) async fn a_purge_leaves_nothing_behind(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for round in 0..30 {
        let begun = scene.start("q").await;
        let id = begun.conversation.id;
        let owner = scene.owner;
        let conversations = Arc::clone(&stores.conversations);
        let purge = tokio::spawn(async move { conversations.purge(owner, id.into()).await.unwrap() });
        let finish = scene.completion_of(&begun, reply(["a"]));
        let finished = stores.turns.finish(finish).await.unwrap();
        let next = stores.turns.begin(scene.begin_in(id, "next")).await;
        let Access::Granted(purged) = purge.await.unwrap() else { panic!("the owner may purge") };
        assert_eq!(purged.id, id);
        if matches!(finished, Finished::Lost) {
            assert_eq!(purged.running, Some(turn_of(&begun)), "round {round}");
        }
        assert!(matches!(next, Ok(_) | Err(BeginError::NotFound)), "{next:?}");
        let begin = scene.begin_in(id, "after");
        assert!(matches!(scene.refused(begin).await, BeginError::NotFound));
        assert_eq!(stores.turns.find(owner, turn_of(&begun)).await.unwrap(), None);
    }
}

/// Two reapers at the same time end each turn once.
pub(super) async fn two_reapers_end_each_turn_once(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        let begun = dead.start("q").await;
        dead.checkpoint(&begun, 0, reply(["par", "tial"])).await;
        ids.push(begun.conversation.id);
    }
    let (one, two) = (dead.in_another_process().await, dead.in_another_process().await);
    dead.die().await;
    let at = one.now();
    let (first, second) =
        tokio::join!(stores.runners.reap(one.runner, at), stores.runners.reap(two.runner, at));
    assert_eq!(first.unwrap() + second.unwrap(), 30);
    for id in ids {
        assert_eq!(one.path(id).await, path_of([(1, "q"), (2, "partial")]));
        assert_eq!(one.conversation(id).await.message_count, 1);
    }
}
