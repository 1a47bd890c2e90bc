//! Prompts: templates with variables, their versions, and previews of them (contract S1).

mod error;
mod preview;
mod records;

use std::sync::Arc;

use domain::ModelName;
use ports::{Clock, LanguageModel, Ledger, PromptStore};

pub use error::PromptsError;
pub use preview::{PreparedPreview, Preview, PreviewRequest, PreviewSource, RunningPreview};

use crate::{ModelSettings, Tasks};

/// Prompts. Cheap to clone.
#[derive(Clone)]
pub struct Prompts {
    setup: Arc<PromptsSetup>,
}

/// The dependencies of [`Prompts`].
pub struct PromptsSetup {
    /// The prompts.
    pub store: Arc<dyn PromptStore>,
    /// The ledger, for previews.
    pub ledger: Arc<dyn Ledger>,
    /// The model, for previews.
    pub model: Arc<dyn LanguageModel>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The tasks that writes and previews run in.
    pub tasks: Tasks,
    /// The settings of previews.
    pub settings: PromptSettings,
}

/// The settings of previews.
#[derive(Debug, Clone)]
pub struct PromptSettings {
    /// The model of previews.
    pub preview_model: ModelName,
    /// The prices of models.
    pub models: ModelSettings,
}

impl Prompts {
    /// Creates the service.
    #[must_use]
    pub fn new(setup: PromptsSetup) -> Self {
        Self { setup: Arc::new(setup) }
    }
}
