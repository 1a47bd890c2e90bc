//! The settings of the HTTP layer.

use std::time::Duration;

use domain::DefaultModels;
use ipnet::IpNet;
use serde::Serialize;

const MIB: usize = 1024 * 1024;

/// The settings of the HTTP layer. [`HttpSettings::new`] has the defaults.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The version of the service, shown by `GET /`.
    pub version: &'static str,
    /// The largest JSON body in bytes, for endpoints without their own limit.
    pub json_limit: usize,
    /// How long a client may take to send a request body, plus one second for each 64 KiB of it.
    pub body_timeout: Duration,
    /// How often a heartbeat is sent on an event stream without events.
    pub heartbeat: Duration,
    /// How long a client may not read from its stream before its connection is closed.
    pub stall_limit: Duration,
    /// How long a client may take to send its headers.
    pub header_timeout: Duration,
    /// How long an idle connection is kept open.
    pub keep_alive: Duration,
    /// How many threads serve connections; `None` is one for each core.
    pub workers: Option<usize>,
    /// How long open connections are kept when the server stops.
    pub shutdown_timeout: Duration,
    /// The networks of the proxies whose `X-Forwarded-For` header is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose web pages may call the API: scheme, host and port as browsers write them, or only `*` for all.
    pub cors_origins: Vec<String>,
    /// The models that are used if neither the request nor the conversation names one (C-17).
    pub default_models: DefaultModels,
    /// The public configuration, shown by `GET /config`, with the limits that requests are checked against.
    pub public: PublicConfig,
}

/// The public part of the configuration. It holds no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Configuration)]
pub struct PublicConfig {
    /// The configured provider, such as `openrouter`.
    pub provider: String,
    /// The model that `POST /chat` uses if the request names none.
    pub model: String,
    /// The limits of requests.
    pub limits: PublicLimits,
    /// Which messages of a long conversation are sent to the model.
    pub context_management: ContextManagement,
    /// The default price of tokens, in US dollars.
    pub pricing: Pricing,
}

/// The limits of requests.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Limits)]
pub struct PublicLimits {
    /// How many calls of `POST /chat` are allowed in any 60 seconds.
    pub rate_limit_per_minute: u32,
    /// The longest user text, in Unicode characters.
    pub max_input_length: usize,
    /// The largest image in a message, in MiB.
    pub max_file_size_mb: u32,
}

/// Which messages of a long conversation are sent to the model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ContextManagement {
    /// `full` sends all messages that the model has room for; `summary_window` sends a summary and the newest messages.
    pub mode: String,
    /// How many exchanges are sent in full beside the summary.
    pub window_size: u32,
    /// After how many exchanges the first summary is made.
    pub summarize_after_messages: u32,
    /// After how many further exchanges the summary is made again.
    pub summary_update_interval: u32,
}

/// The default price of tokens, in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Pricing {
    /// The price of 1,000 input tokens.
    pub input_per_1k: f64,
    /// The price of 1,000 output tokens.
    pub output_per_1k: f64,
}

impl HttpSettings {
    /// The largest image in a message, in bytes.
    pub(crate) fn image_bytes(&self) -> usize {
        usize::try_from(self.public.limits.max_file_size_mb).unwrap_or(usize::MAX).saturating_mul(MIB)
    }

    /// The largest JSON body that may hold images: the largest image in Base64, and 1 MiB for the rest (C-37).
    pub(crate) fn image_json_limit(&self) -> usize {
        self.image_bytes().div_ceil(3).saturating_mul(4).saturating_add(MIB)
    }

    /// The default settings, for a service with this public configuration.
    #[must_use]
    pub fn new(version: &'static str, public: PublicConfig, default_models: DefaultModels) -> Self {
        Self {
            version,
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
