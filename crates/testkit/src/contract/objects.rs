//! Stored objects of files: which of them are to be deleted, and when.

use std::slice::from_ref;
use std::sync::Arc;

use chrono::DateTime;
use domain::{BlobKey, Timestamp};
use futures_util::future::join;
use ports::Access;

use super::Stores;
use super::files::{ALL, attached, blob, file, has_files, reserved, texts};
use super::scene::{Scene, instant};

async fn due_deletions(stores: &Stores, at: Timestamp) -> Vec<BlobKey> {
    stores.files.pending_deletions(at, 100).await.unwrap()
}

/// The objects that are to be deleted, due or not, in order of their names.
pub(super) async fn pending_deletions(stores: &Stores) -> Vec<BlobKey> {
    sorted(due_deletions(stores, instant(1_000_000)).await)
}

/// The objects that may be deleted at once, in order of their names.
async fn immediate_deletions(stores: &Stores) -> Vec<BlobKey> {
    sorted(due_deletions(stores, DateTime::UNIX_EPOCH).await)
}

fn sorted(mut blobs: Vec<BlobKey>) -> Vec<BlobKey> {
    blobs.sort();
    blobs
}

/// Reserved objects are to be deleted from their due time on, the longest due first, until that is confirmed.
pub(super) async fn objects_are_deleted_when_they_are_due(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let [first, second, third] = [blob(&scene), blob(&scene), blob(&scene)];
    let files = &stores.files;
    for (blob, due) in [(&second, 20), (&third, 30), (&first, 10)] {
        files.reserve(blob.clone(), instant(due)).await.unwrap();
    }
    assert!(due_deletions(stores, instant(9)).await.is_empty());
    assert_eq!(due_deletions(stores, instant(10)).await, from_ref(&first));
    assert_eq!(due_deletions(stores, instant(29)).await, [first.clone(), second.clone()]);
    assert_eq!(files.pending_deletions(instant(99), 2).await.unwrap(), [first.clone(), second.clone()]);
    assert!(files.pending_deletions(instant(99), 0).await.unwrap().is_empty());

    // A repeated reservation replaces the due time.
    files.reserve(first.clone(), instant(40)).await.unwrap();
    files.reserve(third.clone(), instant(15)).await.unwrap();
    assert_eq!(due_deletions(stores, instant(99)).await, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(due_deletions(stores, instant(15)).await, from_ref(&third));

    files.confirm_deleted(vec![third, blob(&scene), first.clone()]).await.unwrap();
    files.confirm_deleted(Vec::new()).await.unwrap();
    assert_eq!(due_deletions(stores, instant(99)).await, [second]);
}

/// The objects of a purged conversation may be deleted at once, those of a hidden one may not.
pub(super) async fn a_purge_deletes_the_objects(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (talk, hidden, other) =
        (scene.conversation_of(1).await, scene.conversation_of(1).await, scene.conversation_of(1).await);
    let mut blobs = Vec::new();
    for text in ["one", "", "three"] {
        blobs.push(attached(&scene, talk, text).await.blob);
    }
    let hidden_blob = attached(&scene, hidden, "hidden").await.blob;
    attached(&scene, other, "other").await;

    stores.conversations.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();
    assert!(pending_deletions(stores).await.is_empty());
    stores.conversations.purge(scene.owner, talk.into()).await.unwrap();
    assert_eq!(immediate_deletions(stores).await, sorted(blobs.clone()));
    stores.conversations.purge(scene.owner, hidden.into()).await.unwrap();
    blobs.push(hidden_blob);
    let blobs = sorted(blobs);
    assert_eq!(
        (pending_deletions(stores).await, immediate_deletions(stores).await),
        (blobs.clone(), blobs.clone())
    );
    assert!(texts(stores, talk, ALL).await.is_empty());
    stores.files.confirm_deleted(blobs).await.unwrap();
    assert!(pending_deletions(stores).await.is_empty());
    assert_eq!(texts(stores, other, ALL).await, ["other"]);
}

/// A persona is deleted with its conversations and their files.
pub(super) async fn a_deleted_persona_deletes_the_objects(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (gone, kept) = (scene.persona("Grace").await, scene.persona("Ada").await);
    let (talk, hidden, other) =
        (scene.talk_with(gone).await, scene.talk_with(gone).await, scene.talk_with(kept).await);
    let mut blobs = Vec::new();
    for to in [talk, hidden] {
        blobs.push(attached(&scene, to, "text").await.blob);
    }
    attached(&scene, other, "other").await;
    stores.conversations.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();
    stores.personas.delete(scene.owner, gone).await.unwrap();
    let blobs = sorted(blobs);
    assert_eq!((pending_deletions(stores).await, immediate_deletions(stores).await), (blobs.clone(), blobs));
    assert!(has_files(&scene, other).await);
}

/// Whichever comes first, a purge or a file, the object is to be deleted in the end.
pub(super) async fn a_file_attached_during_a_purge_leaves_no_object(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for _ in 0..20 {
        let talk = scene.conversation_of(1).await;
        let blob = reserved(&scene).await;
        let (files, file) = (Arc::clone(&stores.files), file(&scene, talk, blob.clone(), "text"));
        let (conversations, owner) = (Arc::clone(&stores.conversations), scene.owner);
        let attach = tokio::spawn(async move { files.attach(owner, file).await.unwrap() });
        let purge = tokio::spawn(async move { conversations.purge(owner, talk.into()).await.unwrap() });
        let (attached, purged) = join(attach, purge).await;
        assert!(!matches!(attached.expect("no panic"), Access::Foreign));
        assert!(matches!(purged.expect("no panic"), Access::Granted(_)));
        assert_eq!(pending_deletions(stores).await, from_ref(&blob));
        stores.files.confirm_deleted(vec![blob]).await.unwrap();
    }
}

/// Whichever comes first, the file or the confirmed deletion of its object, the other one has no effect.
pub(super) async fn a_file_attached_during_a_sweep_gets_its_object_or_is_refused(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.conversation_of(1).await;
    let mut kept = 0;
    for _ in 0..20 {
        let blob = reserved(&scene).await;
        let file = file(&scene, talk, blob.clone(), "text");
        let (files, owner) = (Arc::clone(&stores.files), scene.owner);
        let attach = tokio::spawn(async move { files.attach(owner, file).await.unwrap() });
        stores.files.confirm_deleted(vec![blob]).await.unwrap();
        kept += usize::from(attach.await.expect("no panic").granted().is_some());
        assert_eq!(texts(stores, talk, ALL).await.len(), kept);
        assert!(pending_deletions(stores).await.is_empty());
    }
}
