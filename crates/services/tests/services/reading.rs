//! How messages are read in batches, on mocked ports.

use std::sync::{Arc, Mutex};

use domain::{
    Conversation, ConversationId, ConversationKey, ErrorCode, Message, MessageId, MessageKey, MessageNumber,
    MessagePage, MessageState, Part, Role, Seq, SortOrder, Timestamp,
};
use omnichat_services::{
    ConversationReader, Conversations, ConversationsError, DescribeError, ListedPiece, MessageQuery,
};
use ports::{
    Access, LastPage, MessageBatch, MessagesOfSeveral, MockConversationStore, MockFileStore, MockTurnStore,
};
use uuid::Uuid;

use crate::support::{caller, clock, conversation, ids, settings, turns_with};

fn conversations(store: MockConversationStore) -> Conversations {
    let (turns, _, tasks) = turns_with(MockTurnStore::new(), MockFileStore::new(), Vec::new(), settings());
    Conversations::new(Arc::new(store), turns, clock(), Arc::new(ids()), tasks)
}

fn id(number: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(number))
}

/// A conversation with so many messages.
fn of_length(number: u128, last_seq: i64) -> Conversation {
    Conversation { id: id(number), last_seq: Seq(last_seq), ..conversation() }
}

fn message(conversation: ConversationId, seq: i64) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(u128::try_from(seq).unwrap())),
        number: MessageNumber(seq),
        conversation,
        seq: Seq(seq),
        parent: None,
        turn: None,
        role: Role::User,
        parts: vec![Part::Text("Hi".to_owned())],
        state: MessageState::Completed,
        reply: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// The pieces that are left, one text for each batch: `7(1,2)` is conversation 7 with two messages.
async fn read(mut reader: ConversationReader) -> Vec<String> {
    let mut batches = Vec::new();
    while let Some(pieces) = reader.next().await.unwrap() {
        let texts = pieces.iter().map(|piece| match piece {
            ListedPiece::Conversation(conversation) => format!("{}(", conversation.id.0.as_u128()),
            ListedPiece::Message(message) => format!("{},", message.seq.0),
            ListedPiece::End => ")".to_owned(),
        });
        batches.push(texts.collect());
    }
    assert!(!reader.has_rest());
    batches
}

#[tokio::test]
async fn a_list_is_read_batch_by_batch() {
    let mut store = MockConversationStore::new();
    store.expect_messages().times(2).returning(|_, _, page| {
        let seq = page.after.map_or(1, |after| after.0 + 1);
        let rest = (seq < 2).then_some(MessagePage { after: Some(Seq(seq)), ..page });
        Ok(Access::Granted(MessageBatch { messages: vec![message(id(7), seq)], rest, has_more: false }))
    });
    store.expect_messages().returning(|_, _, _| Ok(Access::Absent));
    let service = conversations(store);
    let mut reader = service.messages(&caller(), id(7).into(), MessageQuery::default()).await.unwrap();
    assert!(reader.has_rest() && !reader.has_more());
    for seq in [1, 2] {
        assert_eq!(reader.next().await.unwrap().unwrap()[0].seq, Seq(seq));
    }
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_list_whose_conversation_is_deleted_meanwhile_fails() {
    let mut store = MockConversationStore::new();
    store.expect_messages().times(1).returning(|_, _, page| {
        let rest = Some(MessagePage { after: Some(Seq(1)), ..page });
        Ok(Access::Granted(MessageBatch { messages: vec![message(id(7), 1)], rest, has_more: false }))
    });
    store.expect_messages().returning(|_, _, _| Ok(Access::Absent));
    let service = conversations(store);
    let mut reader = service.messages(&caller(), id(7).into(), MessageQuery::default()).await.unwrap();
    reader.next().await.unwrap();
    assert!(matches!(reader.next().await, Err(ConversationsError::NotFound)));
}

#[tokio::test]
async fn a_limit_may_count_from_the_end() {
    let mut store = MockConversationStore::new();
    store.expect_position().returning(|_, _, _| Ok(Access::Granted(Some(Seq(9)))));
    let (found, limit) = (MessagePage { after: Some(Seq(5)), ..MessagePage::default() }, Some(3));
    store.expect_last_page().times(1).returning(move |_, _, page, skip| {
        assert_eq!((page, skip), (MessagePage { limit, before: Some(Seq(9)), ..MessagePage::default() }, 2));
        Ok(Access::Granted(LastPage { page: found, has_more: true }))
    });
    store.expect_messages().returning(move |_, _, page| {
        assert!([found, MessagePage::default()].contains(&page));
        Ok(Access::Granted(MessageBatch::default()))
    });
    let service = conversations(store);
    let before = Some(MessageKey::Number(MessageNumber(4)));
    let query = MessageQuery { limit, from_end: true, skip: 2, before, ..MessageQuery::default() };
    assert!(service.messages(&caller(), id(7).into(), query).await.unwrap().has_more());
    // All messages are all, from wherever they are counted.
    let all = MessageQuery { from_end: true, ..MessageQuery::default() };
    assert!(!service.messages(&caller(), id(7).into(), all).await.unwrap().has_more());
}

#[tokio::test]
async fn what_is_no_message_of_the_conversation_selects_no_page() {
    let mut store = MockConversationStore::new();
    store.expect_position().returning(|_, key, message| {
        Ok(match message {
            MessageKey::Number(number) if number.0 == 1 => Access::Granted(Some(Seq(1))),
            MessageKey::Id(_) | MessageKey::Number(_) if key == ConversationKey::Id(id(7)) => {
                Access::Granted(None)
            }
            MessageKey::Id(_) | MessageKey::Number(_) => Access::Foreign,
        })
    });
    let service = conversations(store);
    let number = |number| Some(MessageKey::Number(MessageNumber(number)));
    for (after, before, param) in [(number(2), None, "after"), (number(1), number(2), "before")] {
        let query = MessageQuery { order: SortOrder::Descending, after, before, ..MessageQuery::default() };
        let error = service.messages(&caller(), id(7).into(), query.clone()).await.err().unwrap();
        let described = error.describe();
        assert_eq!((described.code, described.param), (ErrorCode::ValidationError, Some(param)));
        let foreign =
            service.messages(&caller(), id(8).into(), MessageQuery { after: number(2), ..query }).await;
        assert!(matches!(foreign.err().unwrap(), ConversationsError::Foreign));
    }
}

#[tokio::test]
async fn conversations_are_read_in_groups_of_about_a_batch() {
    let mut store = MockConversationStore::new();
    store.expect_messages_of().times(2).returning(|_, asked| {
        assert!([vec![id(1), id(2)], vec![id(4), id(5)]].contains(&asked));
        let messages = asked.iter().map(|id| message(*id, 1)).collect();
        Ok(MessagesOfSeveral { messages, cut: None })
    });
    store.expect_messages().times(1).returning(|_, key, page| {
        assert_eq!((key, page), (id(3).into(), MessagePage::default()));
        Ok(Access::Granted(MessageBatch { messages: vec![message(id(3), 1)], ..MessageBatch::default() }))
    });
    let lengths = [(1, 600), (2, 400), (3, 5_000), (4, 0), (5, 1_000)];
    let list = lengths.map(|(number, length)| of_length(number, length)).to_vec();
    let reader = conversations(store).with_messages(&caller(), list);
    assert_eq!(read(reader).await, ["1(1,)2(1,)", "3(1,)", "4(1,)5(1,)"]);
}

#[tokio::test]
async fn a_conversation_that_is_cut_goes_on_by_itself() {
    let mut store = MockConversationStore::new();
    let groups = Arc::new(Mutex::new(Vec::new()));
    let asked_groups = Arc::clone(&groups);
    store.expect_messages_of().returning(move |_, asked| {
        let is_first = asked.len() == 4;
        asked_groups.lock().unwrap().push(asked.len());
        let messages = if is_first {
            vec![message(id(1), 1), message(id(2), 1)]
        } else {
            vec![message(id(3), 1), message(id(4), 1)]
        };
        Ok(MessagesOfSeveral { messages, cut: is_first.then_some((id(2), Seq(1))) })
    });
    store.expect_messages().times(2).returning(|_, key, page| {
        assert_eq!(key, id(2).into());
        let seq = page.after.unwrap().0 + 1;
        let rest = (seq < 3).then_some(MessagePage { after: Some(Seq(seq)), ..page });
        Ok(Access::Granted(MessageBatch { messages: vec![message(id(2), seq)], rest, has_more: false }))
    });
    let list = [1, 2, 3, 4].map(|number| of_length(number, 3)).to_vec();
    let reader = conversations(store).with_messages(&caller(), list);
    assert_eq!(read(reader).await, ["1(1,)2(1,", "2,", "3,)", "3(1,)4(1,)"]);
    assert_eq!(*groups.lock().unwrap(), [4, 2]);
}

#[tokio::test]
async fn a_conversation_that_is_deleted_meanwhile_ends() {
    let mut store = MockConversationStore::new();
    store.expect_messages().returning(|_, _, _| Ok(Access::Absent));
    store.expect_messages_of().returning(|_, _| Ok(MessagesOfSeveral::default()));
    let reader = conversations(store)
        .with_messages(&caller(), vec![of_length(1, 2_000), of_length(2, 1), of_length(3, 1)]);
    assert_eq!(read(reader).await, ["1()", "2()3()"]);
}
