//! Rows that cannot be read stand in nobody's way but their own.

use domain::MessagePage;
use ports::{BeginError, Chunk, ConversationFilter, RunnerStore as _, StoreError};

use super::*;

const SPOIL_FIRST: Sql = Sql("UPDATE messages SET parts = 'garbage' WHERE number = 1");

#[tokio::test]
async fn a_spoilt_message_fails_its_own_conversation_only() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (spoilt, sound) = (conversation(&store, owner).await, conversation(&store, owner).await);
    exchange(&store, owner, spoilt.id).await;
    exchange(&store, owner, sound.id).await;
    store.writer.write(SPOIL_FIRST).await.unwrap();

    let page = domain::Page { limit: 10, offset: 0 };
    assert_eq!(store.list(owner, ConversationFilter::default(), page).await.unwrap().len(), 2);
    let unread = store.messages(owner, spoilt.id.into(), MessagePage::default()).await.unwrap_err();
    assert!(matches!(unread, StoreError::Corrupt { .. }));
    let read =
        store.messages(owner, sound.id.into(), MessagePage::default()).await.unwrap().granted().unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(store.messages_of(owner, vec![spoilt.id, sound.id]).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_turn_whose_window_cannot_be_read_is_not_left_open() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    exchange(&store, owner, talk.id).await;
    store.writer.write(SPOIL_FIRST).await.unwrap();

    let refused = store.begin(begin(owner, Target::existing(talk.id), runner())).await.unwrap_err();
    assert!(matches!(refused, BeginError::Store(StoreError::Corrupt { .. })));
    let seen = seen(&store, owner, talk.id).await;
    assert_eq!(seen.running, None);
}

#[tokio::test]
async fn a_spoilt_conversation_fails_only_its_own_begin() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let (spoilt, sound) = (conversation(&store, owner).await, conversation(&store, owner).await);
    store.writer.write(Sql("UPDATE conversations SET begun_by = 'nothing' WHERE number = 1")).await.unwrap();
    let (unread, read) = tokio::join!(
        store.begin(begin(owner, Target::existing(spoilt.id), runner())),
        store.begin(begin(owner, Target::existing(sound.id), runner())),
    );
    assert!(matches!(unread, Err(BeginError::Store(StoreError::Corrupt { .. }))));
    assert!(read.is_ok());
}

#[tokio::test]
async fn spoilt_turns_do_not_stop_the_reaper() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let dead = runner();
    let mut turns = Vec::new();
    for _ in 0..3 {
        let order = begin(owner, Target::New(Box::new(conversation_of(owner))), dead);
        let turn = order.turn;
        store.begin(order).await.unwrap();
        for (first, text) in [(0, "kept"), (1, "lost")] {
            let chunk = Chunk { turn, first, deltas: said(text) };
            store.checkpoint(dead, vec![turn], vec![chunk]).await.unwrap();
        }
        turns.push(turn);
    }
    let spoil = "UPDATE conversations SET label = '' WHERE number = 1;
        UPDATE turn_chunks SET parts = 'garbage' WHERE first = 1
          AND turn_id IN (SELECT running_turn FROM conversations WHERE number = 2)";
    store.writer.write(Sql(spoil)).await.unwrap();

    assert_eq!(store.reap(runner(), at(9)).await.unwrap(), 3);
    assert_eq!(turn_of(&store, owner, turns[1]).await.reply.text(), "kept");
    assert_eq!(turn_of(&store, owner, turns[2]).await.reply.text(), "keptlost");
}
