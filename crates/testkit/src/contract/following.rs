//! What another process learns of turns that it follows: the deltas that it does not know, and how they ended.

use std::collections::HashMap;

use domain::{ConversationKey, EndState, Reply, TurnId};
use ports::{Begun, FollowedTurn, TurnRecord};
use uuid::Uuid;

use super::scene::{Scene, reply, turn_of};
use super::{DamagedRow, Stores};

/// What is new of these turns, by turn, after so many known deltas.
async fn news(
    scene: &Scene<'_>,
    turns: impl IntoIterator<Item = (TurnId, u32)>,
) -> HashMap<TurnId, TurnRecord> {
    let followed =
        turns.into_iter().map(|(turn, known)| FollowedTurn { caller: scene.owner, turn, known }).collect();
    let news = scene.stores.events.news(followed).await.unwrap();
    let count = news.len();
    let news: HashMap<TurnId, TurnRecord> = news.into_iter().map(|record| (record.turn, record)).collect();
    assert_eq!(news.len(), count, "each turn once");
    news
}

/// What is new of one turn.
async fn news_of(scene: &Scene<'_>, begun: &Begun, known: u32) -> Option<TurnRecord> {
    let turn = turn_of(begun);
    let record = news(scene, [(turn, known)]).await.remove(&turn);
    if let Some(record) = &record {
        assert_eq!((record.turn, record.conversation), (turn, begun.conversation.id));
    }
    record
}

/// The new deltas of a turn that runs.
async fn deltas_of(scene: &Scene<'_>, begun: &Begun, known: u32) -> Reply {
    let record = news_of(scene, begun, known).await.expect("the turn is there");
    assert_eq!(record.ending, None);
    record.reply
}

/// Of a running turn the deltas after the known ones are told, as they were kept.
pub(super) async fn news_begin_after_the_known_deltas(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    assert_eq!(deltas_of(&scene, &begun, 0).await, Reply::default());
    scene.checkpoint(&begun, 0, reply(["Grü", "ße"])).await;
    assert_eq!(deltas_of(&scene, &begun, 0).await, reply(["Grü", "ße"]));
    assert_eq!(deltas_of(&scene, &begun, 2).await, Reply::default());
    scene.checkpoint(&begun, 2, reply([" 🦀"])).await;
    scene.checkpoint(&begun, 3, reply([" and", " more"])).await;
    assert_eq!(deltas_of(&scene, &begun, 2).await, reply([" 🦀", " and", " more"]));
    assert_eq!(deltas_of(&scene, &begun, 3).await, reply([" and", " more"]));
    assert_eq!(deltas_of(&scene, &begun, 5).await, Reply::default());
    // More than there is: nothing is new.
    assert_eq!(deltas_of(&scene, &begun, 99).await, Reply::default());
    assert_eq!(deltas_of(&scene, &begun, u32::MAX).await, Reply::default());
}

/// Of an ended turn all deltas after the known ones are told, also those that no checkpoint kept, and the ending.
pub(super) async fn an_ended_turn_tells_the_rest_and_its_ending(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    scene.checkpoint(&begun, 0, reply(["a", "b"])).await;
    scene.checkpoint(&begun, 2, reply(["c"])).await;
    let whole = reply(["a", "b", "c", "d", "e"]);
    let (ending, _) = scene.finished(scene.completion_of(&begun, whole.clone())).await;
    for known in [0_u32, 2, 3, 5, 99] {
        let record = news_of(&scene, &begun, known).await.expect("the turn is there");
        assert_eq!(record.reply, whole.since(known as usize), "after {known}");
        assert_eq!(record.ending, Some(ending.clone()));
    }
    let silent = scene.start("q").await;
    let (ending, _) = scene.finished(scene.ending_of(&silent, EndState::Stopped, Reply::default())).await;
    let record = news_of(&scene, &silent, 0).await.expect("the turn is there");
    assert_eq!((record.reply, record.ending), (Reply::default(), Some(ending)));
}

/// The end of a turn whose process died is told like any other.
pub(super) async fn an_interrupted_turn_tells_its_ending(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let begun = dead.start("q").await;
    dead.checkpoint(&begun, 0, reply(["par"])).await;
    dead.checkpoint(&begun, 1, reply(["tial"])).await;
    let scene = dead.in_another_process().await;
    dead.die().await;
    stores.runners.reap(scene.runner, scene.now()).await.unwrap();
    let record = news_of(&scene, &begun, 1).await.expect("the turn is there");
    assert_eq!(record.reply, reply(["tial"]));
    assert_eq!(record.ending.map(|ending| ending.state), Some(EndState::Interrupted));
}

/// Turns in every state are told of in one call, each from the deltas on that are known of it.
pub(super) async fn several_turns_are_followed_in_one_call(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (silent, running, ended, purged) = (
        scene.start("silent").await,
        scene.start("running").await,
        scene.start("ended").await,
        scene.start("purged").await,
    );
    for begun in [&running, &ended, &purged] {
        scene.checkpoint(begun, 0, reply(["one", " two"])).await;
    }
    scene.checkpoint(&running, 2, reply([" three"])).await;
    scene.finished(scene.completion_of(&ended, reply(["one", " two", " end"]))).await;
    stores.conversations.purge(scene.owner, purged.conversation.id.into()).await.unwrap();

    let asked = [(&silent, 0), (&running, 2), (&ended, 2), (&purged, 2)];
    let news = news(&scene, asked.map(|(begun, known)| (turn_of(begun), known))).await;
    let told = |begun: &Begun| {
        news.get(&turn_of(begun)).map(|record| (record.reply.text(), record.ending.is_some()))
    };
    assert_eq!(told(&silent), Some((String::new(), false)));
    assert_eq!(told(&running), Some((" three".to_owned(), false)));
    assert_eq!(told(&ended), Some((" end".to_owned(), true)));
    assert_eq!(told(&purged), None);
    assert!(stores.events.news(Vec::new()).await.unwrap().is_empty());
}

/// Events of a turn are shown only to its owner, and as long as the owner can see it.
pub(super) async fn a_turn_is_followed_by_its_owner_alone(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    scene.checkpoint(&begun, 0, reply(["kept"])).await;
    let stranger = scene.of_another_user().await;
    assert_eq!(news_of(&stranger, &begun, 0).await, None);
    assert!(news(&scene, [(TurnId(Uuid::now_v7()), 0)]).await.is_empty());
    let key: ConversationKey = begun.conversation.id.into();
    stores.conversations.soft_delete(scene.owner, key.clone(), scene.now()).await.unwrap();
    assert_eq!(news_of(&scene, &begun, 0).await, None);
    stores.conversations.restore(scene.owner, key.clone(), scene.now()).await.unwrap();
    assert_eq!(deltas_of(&scene, &begun, 0).await, reply(["kept"]));
    stores.conversations.purge(scene.owner, key).await.unwrap();
    assert_eq!(news_of(&scene, &begun, 0).await, None);
}

/// What is found of a turn and what is then new of it make the whole, wherever its end falls between the two.
pub(super) async fn news_continue_what_was_found(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let whole = reply(["a", "b", "c", "d"]);
    for kept in 0..3 {
        let begun = scene.start("q").await;
        let turn = turn_of(&begun);
        if kept > 0 {
            scene.checkpoint(&begun, 0, whole.slice(0..kept)).await;
        }
        let found = stores.turns.find(scene.owner, turn).await.unwrap().expect("the turn is known");
        assert_eq!((found.reply.len(), &found.ending), (kept, &None));
        // Kept and taken away again before anyone asks.
        scene.checkpoint(&begun, u32::try_from(kept).unwrap(), whole.slice(kept..3)).await;
        scene.finished(scene.completion_of(&begun, whole.clone())).await;
        let record = news_of(&scene, &begun, u32::try_from(kept).unwrap()).await.expect("the turn is there");
        let mut seen = found.reply;
        seen.append(&record.reply);
        assert_eq!(seen, whole);
        assert!(record.ending.is_some());
    }
}

/// A turn that cannot be read is missing in the answer, and hides no other.
pub(super) async fn an_unreadable_turn_hides_no_other(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (broken, readable) = (scene.start("broken").await, scene.start("readable").await);
    let (ending, _) = scene.answer(&broken, "a").await;
    (stores.damage)(DamagedRow::Message(ending.reply.expect("a reply").id)).await;
    scene.checkpoint(&readable, 0, reply(["kept"])).await;
    let news = news(&scene, [&broken, &readable].map(|begun| (turn_of(begun), 0))).await;
    assert!(!news.contains_key(&turn_of(&broken)));
    assert_eq!(news[&turn_of(&readable)].reply, reply(["kept"]));
}

/// A process may follow very many turns.
pub(super) async fn many_turns_are_followed_in_one_call(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut all = Vec::new();
    for number in 0..100 {
        let begun = scene.start(&format!("q{number}")).await;
        scene.checkpoint(&begun, 0, reply(["known"])).await;
        scene.checkpoint(&begun, 1, reply([format!("new {number}").as_str()])).await;
        all.push(begun);
    }
    // And thousands that are gone.
    let unknown = (0..5_000).map(|_| (TurnId(Uuid::now_v7()), 7));
    let asked = all.iter().map(|begun| (turn_of(begun), 1)).chain(unknown);
    let news = news(&scene, asked).await;
    assert_eq!(news.len(), all.len());
    for (number, begun) in all.iter().enumerate() {
        assert_eq!(news[&turn_of(begun)].reply.text(), format!("new {number}"));
    }
}
