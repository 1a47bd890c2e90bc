//! The suite of file storage: what every [`Blobs`] does, wherever it stores objects.
//!
//! The tests of a storage register it with `blobs_contract!`. Each case gets an empty storage.

mod objects;

use std::sync::Arc;

use domain::{BlobId, BlobKey, ConversationNumber, UserId};
use futures_util::future::BoxFuture;
use ports::Blobs;
use uuid::Uuid;

/// Reads an object past the code under test; `None` where there is none.
pub type ReadObject = Arc<dyn Fn(BlobKey) -> BoxFuture<'static, Option<Vec<u8>>> + Send + Sync>;

/// An empty storage. What must live as long as it does can be held by `read`.
pub struct Storage {
    /// The storage under test.
    pub blobs: Arc<dyn Blobs>,
    /// Reads the objects that it stores.
    pub read: ReadObject,
}

/// A new key of a user's conversation.
#[must_use]
pub fn key(user: i64, conversation: i64) -> BlobKey {
    BlobKey::upload(UserId(user), ConversationNumber(conversation), BlobId(Uuid::new_v4()))
}

crate::suite::suite! { $
    /// Registers a test for each case of the suite. The expression makes an empty `Storage`, and may await.
    ///
    /// The test crate needs tokio with its macros.
    blobs_contract for Storage of blobs_contract:
    objects:
        an_object_is_read_as_it_was_put,
        an_object_may_be_empty,
        a_large_object_is_kept_whole,
        a_second_put_replaces_the_first,
        a_deleted_object_is_gone_and_others_stay,
        a_delete_of_an_absent_object_succeeds,
        a_key_can_be_used_again_after_a_delete,
        a_key_that_leads_elsewhere_is_refused,
        a_link_is_a_plain_address_whatever_the_name,
        many_objects_come_and_go_at_once,
        many_puts_of_one_key_leave_one_whole_object,
        puts_and_deletes_of_one_key_leave_a_whole_object_or_none,
        an_empty_storage_is_ready;
}
