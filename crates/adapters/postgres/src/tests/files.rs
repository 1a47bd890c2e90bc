//! Files in the tables.

use domain::{BlobId, BlobKey, ConversationNumber, FileName, NewFile};
use futures_util::future::join_all;
use ports::FileStore;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_counted_across_processes_and_a_deleted_user_deletes_their_objects() {
    let (store, url) = fresh().await;
    let (elsewhere, server) = (connect(&url), PostgresServer::shared());
    let scene = Scene::new(&store).await;
    let conversation = scene.conversation(&store).await;
    let blobs: Vec<BlobKey> = (1..=16)
        .map(|name| BlobKey::upload(scene.owner, ConversationNumber(1), BlobId(Uuid::from_u128(name))))
        .collect();
    let attach = blobs.iter().cloned().zip([&store, &elsewhere].into_iter().cycle());
    let attach = attach.map(async |(blob, store)| {
        store.reserve(blob.clone(), now() + chrono::TimeDelta::minutes(1)).await.unwrap();
        let name = FileName::from_sender("a.pdf");
        let new = NewFile {
            conversation,
            blob,
            name,
            size: 1,
            pages: 1,
            pages_read: 1,
            text: "t".into(),
            at: now(),
        };
        store.attach(scene.owner, new).await.unwrap().granted().unwrap();
    });
    join_all(attach).await;
    assert_eq!(server.sql(&url, "SELECT files FROM omnichat.conversations"), "16");
    assert!(store.pending_deletions(now(), 99).await.unwrap().is_empty());
    server.sql(&url, "DELETE FROM omnichat.users");
    assert_eq!(store.pending_deletions(chrono::DateTime::UNIX_EPOCH, 99).await.unwrap(), blobs);
}
