//! Objects are put, read back, linked and deleted.

use domain::file::PDF;
use domain::{BlobKey, FileName};
use futures_util::future::{BoxFuture, join_all};
use ports::BlobError;

use super::{Storage, key};

impl Storage {
    async fn put(&self, key: &BlobKey, bytes: &[u8]) {
        self.blobs
            .put(key.clone(), ports::Bytes::copy_from_slice(bytes), PDF)
            .await
            .expect("the object is put");
    }

    async fn delete(&self, key: &BlobKey) {
        self.blobs.delete(key.clone()).await.expect("the object is deleted");
    }

    async fn read(&self, key: &BlobKey) -> Option<Vec<u8>> {
        (self.read)(key.clone()).await
    }
}

/// Bytes that depend on their position, so that a lost or moved one shows.
fn pattern(length: usize, seed: u32) -> Vec<u8> {
    let words = (seed..).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes());
    words.take(length).collect()
}

/// Every byte comes back, whatever it is.
pub(super) async fn an_object_is_read_as_it_was_put(storage: &Storage) {
    let key = key(1, 1);
    assert_eq!(storage.read(&key).await, None);
    let bytes: Vec<u8> = (0..=255).collect();
    storage.put(&key, &bytes).await;
    assert_eq!(storage.read(&key).await, Some(bytes));
}

/// An object of no bytes is not the same as none.
pub(super) async fn an_object_may_be_empty(storage: &Storage) {
    let key = key(1, 1);
    storage.put(&key, b"").await;
    assert_eq!(storage.read(&key).await, Some(Vec::new()));
}

/// Twelve MiB: more than a document may have.
pub(super) async fn a_large_object_is_kept_whole(storage: &Storage) {
    let key = key(1, 1);
    let bytes = pattern(12 << 20, 1);
    storage.put(&key, &bytes).await;
    assert!(storage.read(&key).await == Some(bytes), "it came back as something else");
}

/// A shorter object leaves nothing of a longer one.
pub(super) async fn a_second_put_replaces_the_first(storage: &Storage) {
    let key = key(1, 1);
    storage.put(&key, &pattern(100_000, 1)).await;
    storage.put(&key, b"short").await;
    assert_eq!(storage.read(&key).await.unwrap(), b"short");
    storage.put(&key, &pattern(100_000, 2)).await;
    assert_eq!(storage.read(&key).await.unwrap(), pattern(100_000, 2));
}

/// Neither the same conversation nor another one of the user loses an object.
pub(super) async fn a_deleted_object_is_gone_and_others_stay(storage: &Storage) {
    let (gone, sibling, cousin) = (key(1, 1), key(1, 1), key(1, 2));
    for key in [&gone, &sibling, &cousin] {
        storage.put(key, key.as_str().as_bytes()).await;
    }
    storage.delete(&gone).await;
    assert_eq!(storage.read(&gone).await, None);
    for key in [&sibling, &cousin] {
        assert_eq!(storage.read(key).await.unwrap(), key.as_str().as_bytes());
    }
}

/// Deletes may be repeated, until they are confirmed.
pub(super) async fn a_delete_of_an_absent_object_succeeds(storage: &Storage) {
    let key = key(1, 1);
    storage.delete(&key).await;
    storage.put(&key, b"x").await;
    storage.delete(&key).await;
    storage.delete(&key).await;
    assert_eq!(storage.read(&key).await, None);
}

/// A delete leaves nothing that would prevent a put.
pub(super) async fn a_key_can_be_used_again_after_a_delete(storage: &Storage) {
    let key = key(1, 1);
    storage.put(&key, b"first").await;
    storage.delete(&key).await;
    storage.put(&key, b"second").await;
    assert_eq!(storage.read(&key).await.unwrap(), b"second");
}

/// Clients cannot choose keys, but a storage does not rely on that.
pub(super) async fn a_key_that_leads_elsewhere_is_refused(storage: &Storage) {
    let bad = ["", "/", "/etc/x", "..", "../x", "uploads/../../x", "uploads/./x", "uploads//x", "uploads/"];
    for key in bad.map(|key| BlobKey::from_stored(key.to_owned())) {
        let put = storage.blobs.put(key.clone(), b"x".as_slice().into(), PDF).await;
        assert!(matches!(put, Err(BlobError::Refused(_))), "{key}: {put:?}");
        let delete = storage.blobs.delete(key.clone()).await;
        assert!(matches!(delete, Err(BlobError::Refused(_))), "{key}: {delete:?}");
        let link = storage.blobs.link(key.clone(), FileName::from_sender("x.pdf")).await;
        assert!(matches!(link, Ok(None) | Err(BlobError::Refused(_))), "{key}: {link:?}");
    }
}

/// No file name can end the address, or the text around it.
pub(super) async fn a_link_is_a_plain_address_whatever_the_name(storage: &Storage) {
    let key = key(1, 1);
    storage.put(&key, b"x").await;
    for name in
        ["plain.pdf", "Übersicht «2026».pdf", "報告 書.pdf", "a\"b;c=d&e?f#g%h+i'.pdf", "\r\nX-Evil: 1"]
    {
        let link = storage.blobs.link(key.clone(), FileName::from_sender(name)).await.unwrap();
        let Some(link) = link else { continue };
        assert!(link.starts_with("http"), "{link}");
        assert!(link.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>#".contains(&byte)), "{link}");
    }
}

/// Puts and deletes at the same time do not affect each other.
pub(super) async fn many_objects_come_and_go_at_once(storage: &Storage) {
    // They share directories, where there are any, and every other one is deleted again.
    let keys: Vec<BlobKey> = (0..48).map(|n| key(1, n % 4)).collect();
    let lives = keys.iter().enumerate().map(async |(n, key)| {
        storage.put(key, key.as_str().as_bytes()).await;
        if n % 2 == 1 {
            storage.delete(key).await;
        }
    });
    join_all(lives).await;
    for (n, key) in keys.iter().enumerate() {
        let left = (n % 2 == 0).then(|| key.as_str().as_bytes().to_vec());
        assert_eq!(storage.read(key).await, left);
    }
    join_all(keys.iter().map(|key| storage.delete(key))).await;
    for key in &keys {
        assert_eq!(storage.read(key).await, None);
    }
}

/// An object is never a mixture of two.
pub(super) async fn many_puts_of_one_key_leave_one_whole_object(storage: &Storage) {
    let key = key(1, 1);
    let candidates: Vec<Vec<u8>> = (0..12).map(|n| pattern(50_000 + n as usize, n << 16)).collect();
    join_all(candidates.iter().map(|bytes| storage.put(&key, bytes))).await;
    let kept = storage.read(&key).await.unwrap();
    assert!(candidates.contains(&kept), "no put wrote these {} bytes", kept.len());
}

/// Whichever is last, no part of an object is left, and none of the calls fails.
pub(super) async fn puts_and_deletes_of_one_key_leave_a_whole_object_or_none(storage: &Storage) {
    let key = key(1, 1);
    let bytes = pattern(50_000, 1);
    for _ in 0..5 {
        let puts = join_all((0..4).map(|_| storage.put(&key, &bytes)));
        let deletes = join_all((0..4).map(|_| storage.delete(&key)));
        join_all([Box::pin(puts) as BoxFuture<'_, _>, Box::pin(deletes)]).await;
        if let Some(kept) = storage.read(&key).await {
            assert!(kept == bytes, "a part of an object: {} bytes", kept.len());
        }
    }
}

/// A check needs no object, and changes none.
pub(super) async fn an_empty_storage_is_ready(storage: &Storage) {
    storage.blobs.check().await.unwrap();
    let key = key(1, 1);
    storage.put(&key, b"x").await;
    storage.blobs.check().await.unwrap();
    assert_eq!(storage.read(&key).await.unwrap(), b"x");
}
