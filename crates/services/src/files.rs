//! Files of conversations, and the stored objects with their bytes.

mod attach;
mod error;
mod sweep;
mod upload_slots;

use std::sync::Arc;

use ports::{Blobs, Clock, FileStore, IdSource, TextExtractor};

pub use attach::{Attached, ReservedUpload, Upload, UploadLimit};
pub use error::FilesError;
pub use sweep::SweepResult;

use crate::{Conversations, Tasks};
use upload_slots::UploadSlots;

/// Files. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn FileStore>,
    conversations: Conversations,
    blobs: Arc<dyn Blobs>,
    extractor: Arc<dyn TextExtractor>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tasks: Tasks,
    upload_limit: UploadLimit,
    slots: Arc<UploadSlots>,
}

/// The dependencies of [`Files`].
pub struct FilesSetup {
    /// The store of files.
    pub store: Arc<dyn FileStore>,
    /// The conversations that files are attached to.
    pub conversations: Conversations,
    /// The storage of their bytes.
    pub blobs: Arc<dyn Blobs>,
    /// The extractor of their text.
    pub extractor: Arc<dyn TextExtractor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// The tasks that writes run in.
    pub tasks: Tasks,
    /// The size of the largest file that is accepted.
    pub upload_limit: UploadLimit,
}

impl Files {
    /// Creates the service. [`Files::start_sweeping`] starts the deletion of objects that are no longer needed.
    #[must_use]
    pub fn new(setup: FilesSetup) -> Self {
        let FilesSetup { store, conversations, blobs, extractor, clock, ids, tasks, upload_limit } = setup;
        let slots = Arc::new(UploadSlots::new());
        Self { store, conversations, blobs, extractor, clock, ids, tasks, upload_limit, slots }
    }

    /// Returns the size of the largest file that is accepted.
    #[must_use]
    pub fn upload_limit(&self) -> UploadLimit {
        self.upload_limit
    }
}
