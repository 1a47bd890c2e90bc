//! Single messages of conversations with a persona are deleted.

use domain::limits::WINDOW_MESSAGES;
use domain::{ConversationId, Message, MessageNumber, MessagePage, Reply, Role, Seq, SortOrder};
use ports::{Branch, MessageDeletion};

use super::Stores;
use super::racing::at_once;
use super::scene::{Scene, path_of, reply, says, turn_of, window_of};

/// A conversation with a persona, of so many exchanges: `q1`, `a1`, `q2`, …
async fn talk_of(scene: &Scene<'_>, exchanges: usize) -> ConversationId {
    let talk = scene.talk_with(scene.persona("Grace").await).await;
    for number in 1..=exchanges {
        scene.exchange(talk, &format!("q{number}"), &format!("a{number}")).await;
    }
    talk
}

/// The number of the message at this position of the path.
async fn number_of(scene: &Scene<'_>, talk: ConversationId, seq: i64) -> MessageNumber {
    let messages = scene.messages(talk).await;
    messages.iter().find(|message| message.seq.0 == seq).expect("it is on the path").number
}

async fn delete(scene: &Scene<'_>, message: MessageNumber) -> MessageDeletion {
    scene.stores.messages.delete(scene.owner, message, scene.now()).await.unwrap()
}

async fn delete_at(scene: &Scene<'_>, talk: ConversationId, seq: i64) {
    let message = number_of(scene, talk, seq).await;
    assert_eq!(delete(scene, message).await, MessageDeletion::Deleted, "{seq}");
}

/// Lists leave a deleted message out, from either end, and it does not count in pages.
pub(super) async fn a_deleted_message_is_gone_from_lists(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = talk_of(&scene, 3).await;
    let before = scene.messages(talk).await;
    delete_at(&scene, talk, 2).await;
    delete_at(&scene, talk, 5).await;
    let kept: Vec<Message> = before.into_iter().filter(|message| ![2, 5].contains(&message.seq.0)).collect();
    assert_eq!(scene.messages(talk).await, kept);
    let read = async |order, limit, after| {
        let page = MessagePage { order, limit: Some(limit), after, before: None };
        let batch = scene.batch(talk, page).await;
        (batch.messages.iter().map(|message| message.seq.0).collect::<Vec<i64>>(), batch.has_more)
    };
    assert_eq!(read(SortOrder::Descending, 3, None).await, (vec![6, 4, 3], true));
    assert_eq!(read(SortOrder::Ascending, 2, Some(Seq(1))).await, (vec![3, 4], true));
    // A deleted message still divides the list.
    assert_eq!(read(SortOrder::Ascending, 3, Some(Seq(2))).await, (vec![3, 4, 6], false));
    assert_eq!(read(SortOrder::Descending, 3, Some(Seq(5))).await, (vec![4, 3, 1], false));
    let all = stores.conversations.messages_of(scene.owner, vec![talk]).await.unwrap();
    assert_eq!((all.messages, all.cut), (kept, None));
}

/// A deleted message is in no window and does not count there, and older pages leave it out.
pub(super) async fn a_deleted_message_is_gone_from_windows(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.talk_with(scene.persona("Grace").await).await;
    // One message more than fit into a window.
    let many = i64::from(WINDOW_MESSAGES) + 1;
    let mut begin = scene.begin_in(talk, "");
    begin.messages = (1..=many).map(|number| says(Role::User, &format!("m{number}"))).collect();
    let begun = scene.begun(begin).await;
    scene.finished(scene.completion_of(&begun, Reply::default())).await;
    let text = |seq: i64| (seq, format!("m{seq}"));

    let older = stores.turns.earlier(talk, Seq(many + 1)).await.unwrap();
    assert!(older.has_older);
    delete_at(&scene, talk, 3).await;
    delete_at(&scene, talk, many).await;
    let older = stores.turns.earlier(talk, Seq(many + 1)).await.unwrap();
    let positions: Vec<i64> = older.messages.iter().map(|message| message.seq.0).collect();
    let expected: Vec<i64> = (1..many).filter(|seq| *seq != 3).collect();
    assert_eq!((positions, older.has_older), (expected, false));
    let older = stores.turns.earlier(talk, Seq(5)).await.unwrap();
    let positions: Vec<i64> = older.messages.iter().map(|message| message.seq.0).collect();
    assert_eq!((positions, older.has_older), (vec![1, 2, 4], false));

    let begun = scene.ask(talk, "next").await;
    let expected: Vec<_> = (1..many).filter(|seq| *seq != 3).map(text).collect();
    assert_eq!((window_of(&begun), begun.window.has_older), (expected, false));
    scene.answer(&begun, "a").await;
    for seq in (1..many).filter(|seq| *seq != 3) {
        delete_at(&scene, talk, seq).await;
    }
    delete_at(&scene, talk, many + 1).await;
    delete_at(&scene, talk, many + 2).await;
    let begun = scene.ask(talk, "alone").await;
    assert_eq!((begun.window.messages.len(), begun.window.has_older), (0, false));
    assert_eq!(scene.path(talk).await, path_of([(many + 3, "alone")]));
}

/// The conversation counts as updated; its totals, its exchanges and the ledger stay.
pub(super) async fn a_deleted_message_changes_nothing_else(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (talk, other) = (talk_of(&scene, 2).await, talk_of(&scene, 1).await);
    let (before, others, ledger) =
        (scene.conversation(talk).await, scene.conversation(other).await, scene.ledger().await);
    for seq in [4, 1] {
        let message = number_of(&scene, talk, seq).await;
        let at = scene.now();
        let deleted = stores.messages.delete(scene.owner, message, at).await.unwrap();
        assert_eq!(deleted, MessageDeletion::Deleted);
        let expected = domain::Conversation { updated_at: at, ..before.clone() };
        assert_eq!(scene.conversation(talk).await, expected);
    }
    assert_eq!((scene.conversation(other).await, scene.ledger().await), (others, ledger));
    assert_eq!(scene.path(other).await, path_of([(1, "q1"), (2, "a1")]));
}

/// The turn of a deleted reply is still found with its ending, but without its reply.
pub(super) async fn a_deleted_reply_is_not_replayed(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.talk_with(scene.persona("Grace").await).await;
    let begun = scene.ask(talk, "q").await;
    let (ending, _) = scene.answer(&begun, "secret").await;
    delete_at(&scene, talk, 2).await;
    let found = stores.turns.find(scene.owner, turn_of(&begun)).await.unwrap().expect("the turn is known");
    assert_eq!(found.reply, Reply::default());
    assert_eq!(found.ending, Some(domain::Ending { reply: None, ..ending }));
    // A turn whose question is deleted still has its reply.
    let begun = scene.ask(talk, "q").await;
    let (ending, _) = scene.answer(&begun, "public").await;
    delete_at(&scene, talk, 3).await;
    let found = stores.turns.find(scene.owner, turn_of(&begun)).await.unwrap().expect("the turn is known");
    assert_eq!((found.reply, found.ending), (reply(["public"]), Some(ending)));
}

/// A deleted message keeps its position: the next message follows it.
pub(super) async fn a_deleted_message_keeps_its_position(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = talk_of(&scene, 2).await;
    delete_at(&scene, talk, 4).await;
    let begun = scene.ask(talk, "next").await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(5), Seq(5)));
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1"), (3, "q2")]));
    scene.answer(&begun, "a").await;
    let messages = scene.messages(talk).await;
    let parents: Vec<_> = messages.iter().map(|message| message.parent.map(|parent| parent.0)).collect();
    assert_eq!(parents, [None, Some(1), Some(2), Some(4), Some(5)]);

    // A branch that keeps it follows it as well.
    let mut begin = scene.begin_in(talk, "other");
    begin.branch = Some(Branch { expect_last: Seq(6), keep_to: Seq(4) });
    let begun = scene.begun(begin).await;
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1"), (3, "q2")]));
    scene.answer(&begun, "another").await;
    assert_eq!(scene.messages(talk).await[3].parent, Some(Seq(4)));
}

/// A message that a branch took off the path can be deleted as well.
pub(super) async fn a_message_off_the_path_can_be_deleted(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = talk_of(&scene, 2).await;
    let off = number_of(&scene, talk, 4).await;
    let mut begin = scene.begin_in(talk, "other");
    begin.branch = Some(Branch { expect_last: Seq(4), keep_to: Seq(2) });
    let begun = scene.begun(begin).await;
    assert_eq!(delete(&scene, off).await, MessageDeletion::Deleted);
    assert_eq!(delete(&scene, off).await, MessageDeletion::Absent);
    scene.answer(&begun, "a").await;
    assert_eq!(scene.path(talk).await, path_of([(1, "q1"), (2, "a1"), (5, "other"), (6, "a")]));
}

/// A message of the running turn cannot be deleted until the turn has ended; earlier ones can.
pub(super) async fn a_message_of_the_running_turn_stays(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = talk_of(&scene, 1).await;
    let mut begin = scene.begin_in(talk, "");
    begin.messages = vec![says(Role::System, "three"), says(Role::User, "four")];
    let begun = scene.begun(begin).await;
    let before = scene.conversation(talk).await;
    for seq in [3, 4] {
        let message = number_of(&scene, talk, seq).await;
        assert_eq!(delete(&scene, message).await, MessageDeletion::Running);
    }
    assert_eq!((scene.conversation(talk).await, scene.path(talk).await.len()), (before, 4));
    delete_at(&scene, talk, 2).await;
    assert_eq!(scene.conversation(talk).await.running, Some(turn_of(&begun)));
    let (_, conversation) = scene.answer(&begun, "five").await;
    assert_eq!((conversation.last_seq, conversation.message_count), (Seq(5), 2));
    assert_eq!(scene.path(talk).await, path_of([(1, "q1"), (3, "three"), (4, "four"), (5, "five")]));
    delete_at(&scene, talk, 5).await;
    delete_at(&scene, talk, 4).await;
    assert_eq!(scene.path(talk).await, path_of([(1, "q1"), (3, "three")]));
}

/// A stored question cannot be deleted while a turn answers it again, although an earlier turn appended it.
pub(super) async fn a_question_that_is_answered_again_stays(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = talk_of(&scene, 1).await;
    let question = number_of(&scene, talk, 1).await;
    let mut begin = scene.begin_in(talk, "");
    begin.messages = Vec::new();
    begin.branch = Some(Branch { expect_last: Seq(2), keep_to: Seq(1) });
    let begun = scene.begun(begin).await;
    assert_eq!(delete(&scene, question).await, MessageDeletion::Running);
    scene.answer(&begun, "again").await;
    assert_eq!(scene.path(talk).await, path_of([(1, "q1"), (3, "again")]));
    assert_eq!(delete(&scene, question).await, MessageDeletion::Deleted);
}

/// Only its owner can delete a message, only in a conversation with a persona, and only while that is not deleted.
pub(super) async fn a_message_is_deleted_where_it_may_be(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let talk = talk_of(&scene, 1).await;
    let reply = number_of(&scene, talk, 2).await;
    let running = scene.ask(talk, "running").await;
    let question = number_of(&scene, talk, 3).await;
    let (before, path) = (scene.conversation(talk).await, scene.path(talk).await);
    for message in [reply, question] {
        assert_eq!(delete(&stranger, message).await, MessageDeletion::Foreign);
    }
    assert_eq!(delete(&scene, MessageNumber(999_999)).await, MessageDeletion::Absent);
    assert_eq!((scene.conversation(talk).await, scene.path(talk).await), (before, path));
    scene.answer(&running, "a").await;

    let plain = scene.conversation_of(1).await;
    let (before, path) = (scene.conversation(plain).await, scene.path(plain).await);
    let message = number_of(&scene, plain, 1).await;
    for user in [&scene, &stranger] {
        assert_eq!(delete(user, message).await, MessageDeletion::Absent);
    }
    assert_eq!((scene.conversation(plain).await, scene.path(plain).await), (before, path));

    stores.conversations.soft_delete(scene.owner, talk.into(), scene.now()).await.unwrap();
    for user in [&scene, &stranger] {
        assert_eq!(delete(user, reply).await, MessageDeletion::Absent);
    }
    stores.conversations.restore(scene.owner, talk.into(), scene.now()).await.unwrap();
    assert_eq!(scene.path(talk).await.len(), 4);
    assert_eq!(delete(&scene, reply).await, MessageDeletion::Deleted);
    stores.conversations.purge(scene.owner, talk.into()).await.unwrap();
    assert_eq!(delete(&scene, question).await, MessageDeletion::Absent);
}

/// A message is deleted once, however many calls there are; later ones change nothing.
pub(super) async fn a_message_is_deleted_once(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let talk = talk_of(&scene, 1).await;
    let (message, owner) = (number_of(&scene, talk, 2).await, scene.owner);
    let outcomes = at_once((0..16).map(|_| {
        let (messages, at) = (std::sync::Arc::clone(&stores.messages), scene.now());
        async move { messages.delete(owner, message, at).await.unwrap() }
    }));
    let outcomes = outcomes.await;
    let count = |of: MessageDeletion| outcomes.iter().filter(|outcome| **outcome == of).count();
    assert_eq!((count(MessageDeletion::Deleted), count(MessageDeletion::Absent)), (1, 15));
    let after = scene.conversation(talk).await;
    for user in [&scene, &stranger] {
        assert_eq!(delete(user, message).await, MessageDeletion::Absent);
    }
    assert_eq!(scene.conversation(talk).await, after);
    assert_eq!(scene.path(talk).await, path_of([(1, "q1")]));
}
