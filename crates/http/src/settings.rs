//! What can be set of the HTTP layer.

use std::time::Duration;

use domain::ModelName;
use ipnet::IpNet;
use serde::Serialize;

const MIB: usize = 1024 * 1024;

/// How HTTP is spoken. [`HttpSettings::new`] has the defaults.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The version that `GET /` names.
    pub version: &'static str,
    /// The longest user text, in Unicode characters.
    pub max_input_length: usize,
    /// The largest image in a message, in MiB.
    pub max_file_size_mb: u32,
    /// The largest JSON body, in bytes, where a route has no limit of its own.
    pub json_limit: usize,
    /// How long a client may take to send a small body; a large one has a second more for each 64 KiB.
    pub body_timeout: Duration,
    /// How often a silent event stream shows that it lives.
    pub heartbeat: Duration,
    /// How long a client may leave a stream unread.
    pub stall_limit: Duration,
    /// How long a client may take to send its headers.
    pub header_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How many threads serve connections; one for each core where absent.
    pub workers: Option<usize>,
    /// How long open connections may go on once the server stops.
    pub shutdown_timeout: Duration,
    /// The networks of the proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may call: scheme, host and port as browsers write them, or `*` alone for all.
    pub cors_origins: Vec<String>,
    /// The models of contracts where neither request nor conversation names one (C-17).
    pub default_models: DefaultModels,
    /// What `GET /config` shows.
    pub public: PublicConfig,
}

/// The models of contracts where neither request nor conversation names one (C-17).
#[derive(Debug, Clone)]
pub struct DefaultModels {
    /// Of S0.
    pub llm_chat: ModelName,
    /// Of S2 and S3.
    pub chat_service: ModelName,
}

/// What everybody may know of the configuration. Nothing secret has a place here.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Configuration)]
pub struct PublicConfig {
    /// The provider's name in the configuration, such as `openrouter`.
    pub provider: String,
    /// The model of `POST /chat` where the request names none.
    pub model: String,
    /// What bounds requests.
    pub limits: PublicLimits,
    /// How long conversations are sent to the model.
    pub context_management: ContextManagement,
    /// The default price of tokens.
    pub pricing: Pricing,
}

/// What bounds requests.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Limits)]
pub struct PublicLimits {
    /// Calls of `POST /chat` in any minute.
    pub rate_limit_per_minute: u32,
    /// The longest user text, in Unicode characters.
    pub max_input_length: usize,
    /// The largest image.
    pub max_file_size_mb: u32,
}

/// How long conversations are sent to the model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ContextManagement {
    /// `full` or `summary_window`.
    pub mode: String,
    /// Message pairs that are always sent beside a summary.
    pub window_size: u32,
    /// After how many exchanges the first summary is made.
    pub summarize_after_messages: u32,
    /// After how many further exchanges it is made anew.
    pub summary_update_interval: u32,
}

/// The default price of tokens, in US dollars per thousand.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Pricing {
    /// Of input tokens.
    pub input_per_1k: f64,
    /// Of output tokens.
    pub output_per_1k: f64,
}

impl HttpSettings {
    /// The largest image in a message, in bytes.
    pub(crate) fn image_bytes(&self) -> usize {
        usize::try_from(self.max_file_size_mb).unwrap_or(usize::MAX).saturating_mul(MIB)
    }

    /// The largest JSON body where images are: one of the largest in Base64, and 1 MiB beside it (C-37).
    pub(crate) fn image_json_limit(&self) -> usize {
        self.image_bytes().div_ceil(3).saturating_mul(4).saturating_add(MIB)
    }

    /// The defaults, for a service that shows this configuration.
    #[must_use]
    pub fn new(version: &'static str, public: PublicConfig, default_models: DefaultModels) -> Self {
        Self {
            version,
            max_input_length: public.limits.max_input_length,
            max_file_size_mb: public.limits.max_file_size_mb,
            json_limit: MIB,
            body_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(12),
            stall_limit: Duration::from_mins(1),
            header_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(75),
            workers: None,
            shutdown_timeout: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            default_models,
            public,
        }
    }
}
