//! The list of all settings: path, variable, and whether it is a secret.

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Section and key, such as `server.port`.
    pub path: &'static str,
    /// A documented variable such as `PORT`, which the setting has beside the one that is derived from its path.
    pub documented: Option<&'static str>,
    /// Whether it is a secret: it is never shown, and a variable with `_FILE` at the end may name a file that holds it.
    pub secret: bool,
}

const fn documented(path: &'static str, name: &'static str) -> Setting {
    Setting { path, documented: Some(name), secret: false }
}

const fn plain(path: &'static str) -> Setting {
    Setting { path, documented: None, secret: false }
}

const fn secret(path: &'static str, name: &'static str) -> Setting {
    Setting { path, documented: Some(name), secret: true }
}

/// All settings.
pub const SETTINGS: &[Setting] = &[
    documented("server.host", "HOST"),
    documented("server.port", "PORT"),
    documented("server.extra_ports", "EXTRA_PORTS"),
    documented("server.trusted_proxies", "TRUSTED_PROXIES"),
    documented("server.cors_origins", "CORS_ORIGINS"),
    documented("server.shutdown_grace_seconds", "SHUTDOWN_GRACE_SECONDS"),
    plain("server.first_event_grace_seconds"),
    plain("server.heartbeat_seconds"),
    secret("database.url", "DATABASE_URL"),
    documented("database.enabled", "DATABASE_ENABLED"),
    documented("database.migrate_on_start", "MIGRATE_ON_START"),
    plain("database.max_connections"),
    plain("database.acquire_timeout_seconds"),
    plain("database.statement_timeout_seconds"),
    secret("auth.jwt_secret", "JWT_SECRET"),
    secret("auth.secret_key", "SECRET_KEY"),
    documented("auth.jwt_audience", "JWT_AUDIENCE"),
    documented("auth.jwt_issuer", "JWT_ISSUER"),
    documented("auth.jwt_jwks_url", "JWT_JWKS_URL"),
    documented("auth.jwt_public_key_file", "JWT_PUBLIC_KEY_FILE"),
    documented("auth.access_token_expire_minutes", "ACCESS_TOKEN_EXPIRE_MINUTES"),
    plain("auth.trusted_issuers"),
    plain("auth.hashing_at_once"),
    documented("provider.name", "LLM_PROVIDER"),
    documented("provider.fallbacks", "LLM_FALLBACKS"),
    plain("provider.connect_timeout_seconds"),
    plain("provider.first_event_timeout_seconds"),
    plain("provider.idle_timeout_seconds"),
    plain("provider.total_timeout_seconds"),
    plain("provider.attempts"),
    plain("provider.max_concurrent_calls"),
    secret("provider.openai.api_key", "OPENAI_API_KEY"),
    documented("provider.openai.base_url", "OPENAI_BASE_URL"),
    documented("provider.openai.api", "OPENAI_API"),
    documented("provider.openai.omit_fields", "OPENAI_OMIT_FIELDS"),
    secret("provider.openrouter.api_key", "OPENROUTER_API_KEY"),
    documented("provider.openrouter.base_url", "OPENROUTER_BASE_URL"),
    documented("provider.openrouter.omit_fields", "OPENROUTER_OMIT_FIELDS"),
    plain("provider.openrouter.referer"),
    plain("provider.openrouter.title"),
    plain("models.default"),
    documented("models.chat_service", "LLM_MODEL"),
    documented("models.persona_chat", "OPENAI_MODEL"),
    documented("models.persona_chat_max_tokens", "OPENAI_MAX_TOKENS"),
    documented("models.persona_chat_temperature", "OPENAI_TEMPERATURE"),
    plain("models.without_temperature"),
    plain("models.title"),
    plain("models.summary"),
    plain("models.preview"),
    plain("models.allow"),
    plain("models.pricing.input_per_1k"),
    plain("models.pricing.cached_input_per_1k"),
    plain("models.pricing.output_per_1k"),
    plain("models.prices"),
    plain("models.windows"),
    plain("models.default_window"),
    plain("context_management.mode"),
    plain("context_management.window_size"),
    plain("context_management.summarize_after_messages"),
    plain("context_management.summary_update_interval"),
    documented("limits.rate_limit_per_minute", "RATE_LIMIT_PER_MINUTE"),
    documented("limits.rate_limit_tiers", "RATE_LIMIT_TIERS"),
    documented("limits.auth_rate_limit_per_minute", "AUTH_RATE_LIMIT_PER_MINUTE"),
    documented("limits.max_input_length", "MAX_INPUT_LENGTH"),
    documented("limits.max_file_size_mb", "MAX_FILE_SIZE_MB"),
    documented("limits.max_pdf_size_mb", "MAX_PDF_SIZE_MB"),
    plain("limits.history_limit"),
    documented("storage.data_dir", "DATA_DIR"),
    documented("storage.s3.enabled", "S3_ENABLED"),
    documented("storage.s3.endpoint", "S3_ENDPOINT"),
    secret("storage.s3.access_key", "S3_ACCESS_KEY"),
    secret("storage.s3.secret_key", "S3_SECRET_KEY"),
    documented("storage.s3.bucket", "S3_BUCKET"),
    documented("storage.s3.region", "S3_REGION"),
    documented("storage.s3.url_expiration", "S3_URL_EXPIRATION"),
    documented("telemetry.level", "LOG_LEVEL"),
    documented("telemetry.format", "LOG_FORMAT"),
];

/// Variables that decide which sources are read. They cannot be set in a YAML file.
pub const ABOUT_SOURCES: &[&str] = &["ENVIRONMENT", super::DIRECTORY_VARIABLE];

/// The documented keys of `config.yaml` that are outside a section, and the settings that they set.
pub(super) const YAML_NAMES: &[(&str, &str)] = &[
    ("model", "models.default"),
    ("rate_limit_per_minute", "limits.rate_limit_per_minute"),
    ("max_input_length", "limits.max_input_length"),
    ("max_file_size_mb", "limits.max_file_size_mb"),
    ("pricing", "models.pricing"),
];

const PREFIX: &str = "OMNICHAT_";
const FILE_SUFFIX: &str = "_FILE";

impl Setting {
    /// The variable that is derived from the path, such as `OMNICHAT_SERVER__PORT`.
    #[must_use]
    pub fn own_name(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// The documented variable, else the one that is derived from the path.
    #[must_use]
    pub fn name(&self) -> String {
        self.documented.map_or_else(|| self.own_name(), str::to_owned)
    }
}

pub(super) fn by_path(path: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.path == path)
}

/// What a variable sets, judged by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A setting.
    Value(&'static Setting),
    /// The file that holds a secret setting.
    File(&'static Setting),
    /// Which sources are read; see [`ABOUT_SOURCES`].
    AboutSources,
    /// `OMNICHAT_` with a section and a key that do not exist.
    Unknown,
    /// `OMNICHAT_` without a section.
    AlmostOurs,
    /// A variable of another program.
    Foreign,
}

pub(super) fn meaning(name: &str) -> Meaning {
    if ABOUT_SOURCES.contains(&name) {
        return Meaning::AboutSources;
    }
    let named = |name: &str| {
        SETTINGS.iter().find(|setting| setting.documented == Some(name) || setting.own_name() == name)
    };
    if let Some(setting) = named(name) {
        return Meaning::Value(setting);
    }
    if let Some(setting) = name.strip_suffix(FILE_SUFFIX).and_then(named).filter(|setting| setting.secret) {
        return Meaning::File(setting);
    }
    match name.strip_prefix(PREFIX) {
        Some(rest) if rest.contains("__") => Meaning::Unknown,
        // Kubernetes sets OMNICHAT_SERVICE_… and OMNICHAT_PORT… for a service named `omnichat`. Tests use
        // OMNICHAT_TEST_….
        Some(rest) if ["SERVICE_", "PORT", "TEST_"].iter().any(|start| rest.starts_with(start)) => {
            Meaning::Foreign
        }
        Some(rest) if rest.ends_with("_DATABASE_URL") => Meaning::Foreign,
        Some(_) => Meaning::AlmostOurs,
        None => Meaning::Foreign,
    }
}

pub(super) fn is_ours(name: &str) -> bool {
    match meaning(name) {
        Meaning::Value(_) | Meaning::File(_) | Meaning::AboutSources | Meaning::Unknown => true,
        Meaning::AlmostOurs | Meaning::Foreign => false,
    }
}
