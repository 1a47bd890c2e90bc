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
    setup: FilesSetup,
    slots: Arc<UploadSlots>,
}

/// The dependencies of [`Files`].
#[derive(Clone)]
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
        Self { setup, slots: Arc::new(UploadSlots::new()) }
    }

    /// Returns the size of the largest file that is accepted.
    #[must_use]
    pub fn upload_limit(&self) -> UploadLimit {
        self.setup.upload_limit
    }
}
