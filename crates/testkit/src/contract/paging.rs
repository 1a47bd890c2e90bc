//! Messages are listed in pages and in batches.

use domain::limits::{BATCH_BYTES, LIST_ROWS};
use domain::{
    ConversationId, ConversationKey, Message, MessageKey, MessageNumber, MessagePage, Seq, SortOrder,
};
use ports::{Access, Branch, LastPage, MessageBatch, MessagesOfSeveral};

use super::Stores;
use super::scene::{Scene, conversation_id, message_id};

const UP: SortOrder = SortOrder::Ascending;
const DOWN: SortOrder = SortOrder::Descending;

/// The page between two positions.
fn page(order: SortOrder, limit: Option<u32>, after: Option<i64>, before: Option<i64>) -> MessagePage {
    MessagePage { order, limit, after: after.map(Seq), before: before.map(Seq) }
}

fn positions(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq.0).collect()
}

/// Moves a conversation of four messages to another branch after the second.
async fn branch_after_two(scene: &Scene<'_>, id: ConversationId, last: i64) {
    let mut begin = scene.begin_in(id, "other");
    begin.branch = Some(Branch { expect_last: Seq(last), keep_to: Seq(2) });
    scene.begun(begin).await;
}

/// Messages are listed between bounds, from either end, along the active path, only by their owner.
pub(super) async fn messages_are_read_in_pages(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(3).await;
    let number = scene.conversation(id).await.number;
    let read = async |key: ConversationKey, order, limit, after, before| {
        let page = page(order, limit, after, before);
        let found = stores.conversations.messages(scene.owner, key, page).await.unwrap();
        let batch = found.granted().expect("the conversation is the user's");
        assert_eq!(batch.rest, None);
        (positions(&batch.messages), batch.has_more)
    };
    assert_eq!(read(id.into(), UP, None, None, None).await, (vec![1, 2, 3, 4, 5, 6], false));
    assert_eq!(read(number.into(), DOWN, None, None, None).await, (vec![6, 5, 4, 3, 2, 1], false));
    assert_eq!(read(id.into(), UP, Some(2), None, None).await, (vec![1, 2], true));
    assert_eq!(read(id.into(), UP, Some(2), Some(4), None).await, (vec![5, 6], false));
    assert_eq!(read(id.into(), UP, Some(2), Some(5), None).await, (vec![6], false));
    assert_eq!(read(id.into(), UP, Some(9), Some(6), None).await, (vec![], false));
    assert_eq!(read(id.into(), UP, None, Some(1), Some(4)).await, (vec![2, 3], false));
    assert_eq!(read(id.into(), UP, Some(1), Some(1), Some(4)).await, (vec![2], true));
    assert_eq!(read(id.into(), UP, Some(2), Some(1), Some(4)).await, (vec![2, 3], false));
    assert_eq!(read(id.into(), UP, None, Some(4), Some(2)).await, (vec![], false));
    assert_eq!(read(id.into(), DOWN, Some(2), Some(6), None).await, (vec![5, 4], true));
    assert_eq!(read(id.into(), DOWN, Some(2), Some(3), None).await, (vec![2, 1], false));
    assert_eq!(read(id.into(), DOWN, None, None, Some(4)).await, (vec![6, 5], false));
    assert_eq!(read(id.into(), DOWN, None, Some(5), Some(2)).await, (vec![4, 3], false));

    branch_after_two(&scene, id, 6).await;
    assert_eq!(read(id.into(), UP, None, None, None).await, (vec![1, 2, 7], false));
    assert_eq!(read(id.into(), DOWN, Some(2), None, None).await, (vec![7, 2], true));
    // A message that is no longer on the path still divides the list.
    assert_eq!(read(id.into(), UP, None, Some(4), None).await, (vec![7], false));

    let stranger = scene.of_another_user().await;
    let all = MessagePage::default();
    let foreign = stores.conversations.messages(stranger.owner, id.into(), all).await.unwrap();
    assert_eq!(foreign, Access::Foreign);
    let absent = stores.conversations.messages(scene.owner, conversation_id().into(), all).await.unwrap();
    assert_eq!(absent, Access::Absent);
    let empty = stores.conversations.create(scene.new_conversation()).await.unwrap();
    assert_eq!(scene.batch(empty.id, all).await, MessageBatch::default());
}

/// The end of a page is found in both orders.
pub(super) async fn the_end_of_a_page_is_found(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(4).await;
    branch_after_two(&scene, id, 8).await;
    let begun_at = 9;
    let read = async |order, limit, after, before, skip| {
        let page = page(order, limit, after, before);
        let found = stores.conversations.last_page(scene.owner, id.into(), page, skip).await.unwrap();
        let LastPage { page, has_more } = found.granted().expect("the conversation is the user's");
        assert_eq!((page.order, page.limit), (order, None));
        (positions(&scene.whole_page(id, page).await), has_more)
    };
    assert_eq!(read(UP, Some(2), None, None, 0).await, (vec![2, begun_at], true));
    assert_eq!(read(UP, Some(3), None, None, 0).await, (vec![1, 2, begun_at], false));
    assert_eq!(read(UP, Some(9), None, None, 0).await, (vec![1, 2, begun_at], false));
    assert_eq!(read(UP, Some(1), None, None, 1).await, (vec![2], true));
    assert_eq!(read(UP, None, None, None, 1).await, (vec![1, 2], false));
    assert_eq!(read(UP, Some(1), None, None, 3).await, (vec![], false));
    assert_eq!(read(UP, None, None, None, 9).await, (vec![], false));
    assert_eq!(read(UP, Some(1), None, Some(begun_at), 0).await, (vec![2], true));
    assert_eq!(read(UP, Some(1), None, Some(5), 0).await, (vec![2], true));
    assert_eq!(read(UP, Some(2), Some(1), Some(begun_at), 0).await, (vec![2], false));
    assert_eq!(read(DOWN, Some(2), None, None, 0).await, (vec![2, 1], true));
    assert_eq!(read(DOWN, Some(1), None, Some(1), 0).await, (vec![2], true));
    assert_eq!(read(DOWN, Some(2), None, Some(1), 0).await, (vec![begun_at, 2], false));
    assert_eq!(read(DOWN, Some(5), Some(begun_at), Some(1), 0).await, (vec![2], false));

    // A page that was found does not change when messages are added.
    let page = page(UP, Some(1), None, None);
    let empty = stores.conversations.create(scene.new_conversation()).await.unwrap().id;
    let last = stores.conversations.last_page(scene.owner, empty.into(), page, 0).await.unwrap();
    let last = last.granted().expect("the conversation is the user's");
    scene.exchange(empty, "q", "a").await;
    assert!(scene.whole_page(empty, last.page).await.is_empty());

    let stranger = scene.of_another_user().await;
    let foreign = stores.conversations.last_page(stranger.owner, id.into(), page, 0).await.unwrap();
    assert_eq!(foreign, Access::Foreign);
    let absent =
        stores.conversations.last_page(scene.owner, conversation_id().into(), page, 0).await.unwrap();
    assert_eq!(absent, Access::Absent);
}

/// A list is read in batches of bounded size, and the first row of each whatever its size.
pub(super) async fn a_batch_is_bounded_in_bytes(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let sizes = [10, 600_000, 600_000, 3 * BATCH_BYTES as usize, 10, 10];
    let texts = sizes.map(|size| "x".repeat(size));
    let id = scene.conversation_with(texts.clone()).await;
    let batches = async |first: MessagePage| {
        let (mut batches, mut rest) = (Vec::new(), Some(first));
        while let Some(page) = rest {
            let batch = scene.batch(id, page).await;
            batches.push((positions(&batch.messages), batch.has_more));
            rest = batch.rest;
        }
        batches
    };
    let all = batches(page(UP, None, None, None)).await;
    assert_eq!(all, [(vec![1, 2], false), (vec![3], false), (vec![4], false), (vec![5, 6], false)]);
    let down = batches(page(DOWN, None, None, None)).await;
    assert_eq!(down, [(vec![6, 5], false), (vec![4], false), (vec![3], false), (vec![2, 1], false)]);
    // Whether there is more beyond a page is known with its first batch.
    let five = batches(page(UP, Some(5), None, None)).await;
    assert_eq!(five, [(vec![1, 2], true), (vec![3], true), (vec![4], true), (vec![5], true)]);
    let six = batches(page(UP, Some(6), None, None)).await;
    assert_eq!(six.last(), Some(&(vec![5, 6], false)));
    let read = scene.whole_page(id, MessagePage::default()).await;
    assert!(read.iter().map(Message::text).eq(texts));

    let of_several = stores.conversations.messages_of(scene.owner, vec![id]).await.unwrap();
    assert_eq!((positions(&of_several.messages), of_several.cut), (vec![1, 2], Some((id, Seq(2)))));
}

/// A list is read in batches of a bounded number of rows.
pub(super) async fn a_batch_is_bounded_in_rows(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let many = i64::from(LIST_ROWS) + 1;
    let id = scene.conversation_with((1..=many).map(|number| format!("m{number}"))).await;
    let batch = scene.batch(id, MessagePage::default()).await;
    assert!(positions(&batch.messages).into_iter().eq(1..many));
    assert_eq!(batch.rest, Some(page(UP, None, Some(many - 1), None)));
    let batch = scene.batch(id, page(DOWN, Some(LIST_ROWS), None, None)).await;
    assert!(positions(&batch.messages).into_iter().eq((2..=many).rev()));
    assert_eq!((batch.rest, batch.has_more), (None, true));
    let other = scene.conversation_of(1).await;
    let several = stores.conversations.messages_of(scene.owner, vec![id, other]).await.unwrap();
    assert_eq!((several.messages.len(), several.cut), (LIST_ROWS as usize, Some((id, Seq(many - 1)))));
}

/// The messages of several conversations are read at once, in the order asked for, only those of the caller.
pub(super) async fn messages_of_several_conversations_come_together(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (one, two, hidden) =
        (scene.conversation_of(2).await, scene.conversation_of(1).await, scene.conversation_of(1).await);
    scene.conversation_of(1).await;
    let stranger = scene.of_another_user().await;
    let foreign = stranger.conversation_of(1).await;
    stores.conversations.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();
    branch_after_two(&scene, one, 4).await;

    for order in [[two, one], [one, two]] {
        let asked = [order[0], foreign, order[1], hidden, conversation_id()].to_vec();
        let read = stores.conversations.messages_of(scene.owner, asked).await.unwrap();
        let found: Vec<_> =
            read.messages.iter().map(|message| (message.conversation, message.seq.0)).collect();
        let of_one = [1, 2, 5].map(|seq| (one, seq));
        let of_two = [1, 2].map(|seq| (two, seq));
        let expected =
            if order[0] == one { [&of_one[..], &of_two[..]] } else { [&of_two[..], &of_one[..]] }.concat();
        assert_eq!((found, read.cut), (expected, None));
        let reply = read.messages.iter().find(|message| message.reply.is_some()).expect("with its facts");
        assert_eq!(reply.reply.as_ref().map(|facts| facts.usage.input), Some(10));
    }
    let none = stores.conversations.messages_of(scene.owner, Vec::new()).await.unwrap();
    assert_eq!(none, MessagesOfSeveral::default());
}

/// The messages of several conversations break off where a batch is full.
pub(super) async fn messages_of_several_conversations_are_bounded(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let half = || "x".repeat(BATCH_BYTES as usize / 2);
    let small = scene.conversation_of(1).await;
    let large = scene.conversation_with([half(), half(), half()]).await;
    let last = scene.conversation_of(1).await;
    let read = async |asked: &[ConversationId]| {
        let read = stores.conversations.messages_of(scene.owner, asked.to_vec()).await.unwrap();
        (positions(&read.messages), read.cut)
    };
    assert_eq!(read(&[small, large, last]).await, (vec![1, 2, 1], Some((large, Seq(1)))));
    assert_eq!(read(&[small, last, large]).await, (vec![1, 2, 1, 2, 1], Some((large, Seq(1)))));
    assert_eq!(read(&[large, small]).await, (vec![1], Some((large, Seq(1)))));
    let huge = scene.conversation_with(["x".repeat(2 * BATCH_BYTES as usize)]).await;
    assert_eq!(read(&[huge]).await, (vec![1], None));
    assert_eq!(read(&[huge, small]).await, (vec![1], Some((huge, Seq(1)))));
    assert_eq!(read(&[small, huge]).await, (vec![1, 2], Some((small, Seq(2)))));
}

/// A message has its position in its own conversation, also where it is not shown, only for the owner.
pub(super) async fn the_position_of_a_message_is_found(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.talk_with(scene.persona("Grace").await).await;
    scene.exchange(talk, "q1", "a1").await;
    scene.exchange(talk, "q2", "a2").await;
    let messages = scene.messages(talk).await;
    stores.messages.delete(scene.owner, messages[1].number, scene.now()).await.unwrap();
    branch_after_two(&scene, talk, 4).await;

    let find = async |key: ConversationKey, message: MessageKey| {
        stores.conversations.position(scene.owner, key, message).await.unwrap()
    };
    let number = scene.conversation(talk).await.number;
    for message in &messages {
        for name in [MessageKey::Id(message.id), MessageKey::Number(message.number)] {
            assert_eq!(find(talk.into(), name).await, Access::Granted(Some(message.seq)));
            assert_eq!(find(number.into(), name).await, Access::Granted(Some(message.seq)));
        }
    }
    let other = scene.conversation_of(1).await;
    for name in [MessageKey::Id(messages[0].id), MessageKey::Number(messages[0].number)] {
        assert_eq!(find(other.into(), name).await, Access::Granted(None));
        assert_eq!(find(conversation_id().into(), name).await, Access::Absent);
        let stranger = scene.of_another_user().await;
        let foreign = stores.conversations.position(stranger.owner, talk.into(), name).await.unwrap();
        assert_eq!(foreign, Access::Foreign);
    }
    assert_eq!(find(talk.into(), message_id().into()).await, Access::Granted(None));
    assert_eq!(find(talk.into(), MessageNumber(i64::MAX).into()).await, Access::Granted(None));
    stores.conversations.soft_delete(scene.owner, talk.into(), scene.now()).await.unwrap();
    assert_eq!(find(talk.into(), messages[0].id.into()).await, Access::Absent);
}
