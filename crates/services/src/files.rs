//! Files that a conversation is given, and the objects behind them.

mod attach;
mod error;
mod sweep;
mod upload_slots;

use std::sync::Arc;

use ports::{Blobs, Clock, FileStore, IdSource, TextExtractor};

pub use attach::{Attached, ReservedUpload, Upload, UploadLimit};
pub use error::FilesError;
pub use sweep::Swept;

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

/// What [`Files`] works with.
pub struct FilesSetup {
    /// Which files there are.
    pub store: Arc<dyn FileStore>,
    /// The conversations that they are given to.
    pub conversations: Conversations,
    /// Where their bytes are kept.
    pub blobs: Arc<dyn Blobs>,
    /// Who reads them.
    pub extractor: Arc<dyn TextExtractor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Where writes run.
    pub tasks: Tasks,
    /// The size of the largest file that is accepted.
    pub upload_limit: UploadLimit,
}

impl Files {
    /// Files in these stores. [`Files::start_sweeping`] takes away what nobody needs any more.
    #[must_use]
    pub fn new(setup: FilesSetup) -> Self {
        let FilesSetup { store, conversations, blobs, extractor, clock, ids, tasks, upload_limit } = setup;
        let slots = Arc::new(UploadSlots::new());
        Self { store, conversations, blobs, extractor, clock, ids, tasks, upload_limit, slots }
    }

    /// The size of the largest file that is accepted.
    #[must_use]
    pub fn upload_limit(&self) -> UploadLimit {
        self.upload_limit
    }
}
