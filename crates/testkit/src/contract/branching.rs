//! Branches: the end of a conversation is replaced by another question, or by another reply.

use domain::{Role, Seq};
use ports::{Begin, BeginError, Branch};

use super::Stores;
use super::scene::{Scene, path_of, says, window_of};

fn branched(begin: Begin, expect_last: i64, keep_to: i64) -> Begin {
    Begin { branch: Some(Branch { expect_last: Seq(expect_last), keep_to: Seq(keep_to) }), ..begin }
}

/// A branch takes later messages off the path. They keep their positions, and new ones get later positions.
pub(super) async fn a_branch_replaces_the_end_of_the_path(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let begun = scene.begun(branched(scene.begin_in(id, "other"), 4, 2)).await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(5), Seq(5)));
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1")]));
    assert!(!begun.window.has_older);
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (2, "a1"), (5, "other")]));
    scene.answer(&begun, "another").await;
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (2, "a1"), (5, "other"), (6, "another")]));
    let parents: Vec<_> = scene.messages(id).await.iter().map(|message| message.parent).collect();
    assert_eq!(parents, [None, Some(Seq(1)), Some(Seq(2)), Some(Seq(5))]);
}

/// After a branch, a plain question follows the new path.
pub(super) async fn a_question_after_a_branch_follows_the_new_path(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let begun = scene.begun(branched(scene.begin_in(id, "other"), 4, 2)).await;
    scene.answer(&begun, "another").await;
    let begun = scene.ask(id, "next").await;
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1"), (5, "other"), (6, "another")]));
    assert_eq!(scene.messages(id).await[4].parent, Some(Seq(6)));
    let older = stores.turns.earlier(id, Seq(6)).await.unwrap();
    let positions: Vec<i64> = older.messages.iter().map(|message| message.seq.0).collect();
    assert_eq!(positions, [1, 2, 5]);
    scene.answer(&begun, "a").await;
    // A branch of a branch, from before the first one.
    let begun = scene.begun(branched(scene.begin_in(id, "third"), 8, 1)).await;
    assert_eq!(window_of(&begun), path_of([(1, "q1")]));
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (9, "third")]));
    assert_eq!(scene.messages(id).await[1].parent, Some(Seq(1)));
}

/// A branch that keeps nothing starts a new path.
pub(super) async fn a_branch_may_keep_nothing(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let begun = scene.begun(branched(scene.begin_in(id, "anew"), 2, 0)).await;
    assert_eq!((begun.question, begun.window.messages.len(), begun.window.has_older), (Seq(3), 0, false));
    assert_eq!(scene.messages(id).await[0].parent, None);
    assert_eq!(scene.path(id).await, path_of([(3, "anew")]));
}

/// A branch that keeps everything and appends is an ordinary question.
pub(super) async fn a_branch_at_the_end_keeps_everything(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let mut begin = branched(scene.begin_in(id, ""), 2, 2);
    begin.messages = vec![says(Role::User, "two"), says(Role::User, "three")];
    let begun = scene.begun(begin).await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(4), Seq(4)));
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1")]));
}

/// A branch without messages answers a stored question again.
pub(super) async fn a_stored_question_is_answered_again(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let mut begin = branched(scene.begin_in(id, ""), 4, 3);
    begin.messages.clear();
    let begun = scene.begun(begin).await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(3), Seq(4)));
    assert_eq!(window_of(&begun), path_of([(1, "q1"), (2, "a1")]));
    let (ending, conversation) = scene.answer(&begun, "better").await;
    assert_eq!((ending.reply.map(|reply| reply.seq), conversation.last_seq), (Some(Seq(5)), Seq(5)));
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (2, "a1"), (3, "q2"), (5, "better")]));
    assert_eq!(scene.messages(id).await[3].parent, Some(Seq(3)));
    // And a third time.
    let mut begin = branched(scene.begin_in(id, ""), 5, 3);
    begin.messages.clear();
    let begun = scene.begun(begin).await;
    scene.answer(&begun, "best").await;
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (2, "a1"), (3, "q2"), (6, "best")]));
}

/// An exchange is counted while its reply is on the path, whoever wrote it.
pub(super) async fn exchanges_are_counted_along_the_path(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(3).await;
    assert_eq!(scene.conversation(id).await.message_count, 3);
    // Two replies leave the path, and two come with the question.
    let mut begin = branched(scene.begin_in(id, ""), 6, 2);
    begin.messages = vec![
        says(Role::User, "b"),
        says(Role::Assistant, "c"),
        says(Role::User, "d"),
        says(Role::Assistant, "e"),
        says(Role::User, "f"),
    ];
    let begun = scene.begun(begin).await;
    assert_eq!(begun.conversation.message_count, 3);
    let (_, conversation) = scene.answer(&begun, "g").await;
    assert_eq!(conversation.message_count, 4);
    // The question is answered again.
    let mut begin = branched(scene.begin_in(id, ""), 12, 11);
    begin.messages.clear();
    let begun = scene.begun(begin).await;
    assert_eq!(begun.conversation.message_count, 3);
    scene.answer(&begun, "h").await;
    assert_eq!(scene.conversation(id).await.message_count, 4);
    // Replies may be brought along without a branch, and into a new conversation.
    let mut begin = scene.begin_in(id, "");
    begin.messages = vec![says(Role::User, "i"), says(Role::Assistant, "j"), says(Role::User, "k")];
    let begun = scene.begun(begin).await;
    assert_eq!(begun.conversation.message_count, 5);
    scene.answer(&begun, "l").await;
    assert_eq!(scene.conversation(id).await.message_count, 6);
    let mut begin = scene.begin_new("");
    begin.messages = vec![says(Role::User, "m"), says(Role::Assistant, "n"), says(Role::User, "o")];
    let begun = scene.begun(begin).await;
    assert_eq!(begun.conversation.message_count, 1);
    scene.answer(&begun, "p").await;
    assert_eq!(scene.conversation(begun.conversation.id).await.message_count, 2);
}

/// A branch that expects an older state of the conversation is refused and changes nothing.
pub(super) async fn a_branch_of_a_conversation_that_moved_on_is_refused(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let before = scene.conversation(id).await;
    for expected in [0, 2, 3, 5] {
        let begin = branched(scene.begin_in(id, "late"), expected, 2);
        assert!(matches!(scene.refused(begin).await, BeginError::Moved), "{expected}");
    }
    assert_eq!(scene.conversation(id).await, before);
    assert_eq!(scene.path(id).await.len(), 4);
}

/// A branch is refused for the same reasons as a question.
pub(super) async fn a_branch_is_refused_where_a_question_is(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let stranger = scene.of_another_user().await;
    let foreign = branched(stranger.begin_in(id, "mine?"), 2, 0);
    assert!(matches!(stranger.refused(foreign).await, BeginError::Foreign));
    let begun = scene.ask(id, "running").await;
    let busy = branched(scene.begin_in(id, "second"), 3, 0);
    assert!(matches!(scene.refused(busy).await, BeginError::Busy { .. }));
    assert_eq!(scene.path(id).await.len(), 3);
    scene.answer(&begun, "a").await;
    stores.conversations.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap();
    let deleted = branched(scene.begin_in(id, "gone"), 4, 0);
    assert!(matches!(scene.refused(deleted).await, BeginError::NotFound));
}
