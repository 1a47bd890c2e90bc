//! Rows that cannot be read: lists leave them out, and a begin that needs one is refused.

use domain::limits::BATCH_BYTES;
use domain::{ConversationId, MessagePage, Page, Seq, SortOrder};
use ports::{BeginError, Branch, ConversationFilter, Finished, StoreError};

use super::racing::at_once;
use super::scene::{Scene, path_of, reply, turn_of};
use super::{DamagedRow, Stores};

/// Makes the message at this position unreadable.
async fn damage_message(scene: &Scene<'_>, conversation: ConversationId, seq: i64) {
    let messages = scene.messages(conversation).await;
    let message = messages.iter().find(|message| message.seq.0 == seq).expect("it is on the path");
    (scene.stores.damage)(DamagedRow::Message(message.id)).await;
}

fn is_corrupt(error: &BeginError) -> bool {
    matches!(error, BeginError::Store(StoreError::Corrupt { .. }))
}

/// A message that cannot be read does not hide the others of its conversation, nor those of other conversations.
pub(super) async fn an_unreadable_message_is_left_out_of_pages(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (damaged, intact) = (scene.conversation_of(2).await, scene.conversation_of(1).await);
    let path = scene.path(damaged).await;
    damage_message(&scene, damaged, 2).await;

    let expected: Vec<_> = path.into_iter().filter(|(seq, _)| *seq != 2).collect();
    assert_eq!(scene.path(damaged).await, expected);
    let page = MessagePage { order: SortOrder::Descending, limit: Some(3), ..MessagePage::default() };
    let batch = scene.batch(damaged, page).await;
    assert_eq!(batch.messages.iter().map(|message| message.seq.0).collect::<Vec<_>>(), [4, 3]);
    assert_eq!((batch.rest, batch.has_more), (None, true));
    let all = stores.conversations.messages_of(scene.owner, vec![damaged, intact]).await.unwrap();
    assert_eq!((all.messages.len(), all.cut), (5, None));
    let page = Page { limit: 10, offset: 0 };
    let listed = stores.conversations.list(scene.owner, ConversationFilter::default(), page).await.unwrap();
    assert_eq!(listed.len(), 2);
}

/// Where the last row of a batch cannot be read, the list still goes on after it.
pub(super) async fn a_list_goes_on_after_an_unreadable_message(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let large = || "x".repeat(BATCH_BYTES as usize);
    let id = scene.conversation_with([large(), large(), "small".to_owned()]).await;
    damage_message(&scene, id, 1).await;

    let batch = scene.batch(id, MessagePage::default()).await;
    assert!(batch.messages.is_empty());
    assert_eq!(batch.rest, Some(MessagePage { after: Some(Seq(1)), ..MessagePage::default() }));
    let read = scene.whole_page(id, MessagePage::default()).await;
    assert_eq!(read.iter().map(|message| message.seq.0).collect::<Vec<_>>(), [2, 3]);
    let cut = stores.conversations.messages_of(scene.owner, vec![id]).await.unwrap();
    assert_eq!((cut.messages.len(), cut.cut), (0, Some((id, Seq(1)))));
}

/// A conversation that cannot be read does not hide the others. It can be deleted.
pub(super) async fn an_unreadable_conversation_is_left_out_of_lists(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (damaged, intact) = (scene.conversation_of(1).await, scene.conversation_of(1).await);
    (stores.damage)(DamagedRow::Conversation(damaged)).await;

    let page = Page { limit: 10, offset: 0 };
    let listed = stores.conversations.list(scene.owner, ConversationFilter::default(), page).await.unwrap();
    assert_eq!(listed.iter().map(|conversation| conversation.id).collect::<Vec<_>>(), [intact]);
    let found = stores.conversations.find(scene.owner, damaged.into()).await;
    assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{found:?}");
    let hidden = stores.conversations.soft_delete(scene.owner, damaged.into(), scene.now()).await.unwrap();
    assert_eq!(hidden.granted(), Some(damaged));
    let purged = stores.conversations.purge(scene.owner, damaged.into()).await.unwrap();
    assert_eq!(purged.granted().map(|purged| purged.id), Some(damaged));
}

/// A begin in a conversation that cannot be read is refused, and only that one. No turn is left open.
pub(super) async fn a_begin_in_an_unreadable_conversation_is_refused(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (damaged, intact) = (scene.conversation_of(1).await, scene.conversation_of(1).await);
    (stores.damage)(DamagedRow::Conversation(damaged)).await;
    let begins = [damaged, intact].map(|id| {
        let (turns, begin) = (stores.turns.clone(), scene.begin_in(id, "q"));
        async move { turns.begin(begin).await }
    });
    let mut results = at_once(begins).await.into_iter();
    let refused = results.next().expect("two results").expect_err("the conversation cannot be read");
    assert!(is_corrupt(&refused), "{refused:?}");
    let begun = results.next().expect("two results").expect("the other conversation can be read");
    scene.answer(&begun, "a").await;

    let other = scene.in_another_process().await;
    scene.die().await;
    assert_eq!(stores.runners.reap(other.runner, other.now()).await.unwrap(), 0);
}

/// A begin with a message in its window that cannot be read is refused: a model must not answer to half a history. No
/// turn is left open, and a branch before the message goes on.
pub(super) async fn a_begin_with_an_unreadable_window_is_refused(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let path = scene.path(id).await;
    damage_message(&scene, id, 3).await;

    let refused = scene.refused(scene.begin_in(id, "q")).await;
    assert!(is_corrupt(&refused), "{refused:?}");
    let earlier = stores.turns.earlier(id, Seq(4)).await;
    assert!(matches!(earlier, Err(StoreError::Corrupt { .. })), "{earlier:?}");
    let conversation = scene.conversation(id).await;
    assert_eq!(conversation.running, None);

    let mut begin = scene.begin_in(id, "again");
    begin.branch = Some(Branch { expect_last: conversation.last_seq, keep_to: Seq(2) });
    let begun = scene.begun(begin).await;
    assert_eq!(begun.window.messages.len(), 2);
    scene.answer(&begun, "a").await;
    let question = begun.question.0;
    let expected = path.into_iter().take(2).chain(path_of([(question, "again"), (question + 1, "a")]));
    assert_eq!(scene.path(id).await, expected.collect::<Vec<_>>());
}

/// A turn ends, and its reply is stored, although the conversation can no longer be read: the finish only cannot tell
/// how it changed.
pub(super) async fn a_finish_in_an_unreadable_conversation_is_done(stores: &Stores) {
    for damage in [DamagedRow::Title, DamagedRow::Conversation] {
        let scene = Scene::new(stores).await;
        let begun = scene.start("q").await;
        let id = begun.conversation.id;
        (stores.damage)(damage(id)).await;
        let finish = scene.completion_of(&begun, reply(["a"]));
        for _ in 0..2 {
            let finished = stores.turns.finish(finish.clone()).await.unwrap();
            let Finished::Done { ending, change } = finished else { panic!("the turn was lost") };
            assert!(ending.reply.is_some());
            assert_eq!(change.is_none(), matches!(damage(id), DamagedRow::Title(_)));
        }
        let found =
            stores.turns.find(scene.owner, turn_of(&begun)).await.unwrap().expect("the turn is known");
        assert_eq!((found.reply.text().as_str(), found.ending.is_some()), ("a", true));
    }
}

/// Rows that cannot be read do not keep the reaper from ending turns, with as much of their text as can be read.
pub(super) async fn unreadable_rows_do_not_stop_the_reaper(stores: &Stores) {
    let dead = Scene::new(stores).await;
    let mut begun = Vec::new();
    for question in ["one", "two", "three", "four"] {
        begun.push(dead.start(question).await);
    }
    for begun in &begun {
        dead.checkpoint(begun, 0, reply(["par"])).await;
        dead.checkpoint(begun, 1, reply(["tial"])).await;
    }
    for (begun, first) in begun.iter().zip([0, 1]) {
        (stores.damage)(DamagedRow::Chunk { turn: turn_of(begun), first }).await;
    }
    (stores.damage)(DamagedRow::Conversation(begun[2].conversation.id)).await;
    let scene = dead.in_another_process().await;
    dead.die().await;
    assert_eq!(stores.runners.reap(scene.runner, scene.now()).await.unwrap(), 4);
    for (begun, text) in begun.iter().zip(["", "par", "partial", "partial"]) {
        let found = stores.turns.find(scene.owner, turn_of(begun)).await.unwrap().expect("the turn is known");
        assert_eq!((found.reply.text().as_str(), found.ending.is_some()), (text, true));
    }
}
