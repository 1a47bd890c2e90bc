//! The section `provider`: the model providers, and the time limits of calls.

use std::collections::BTreeSet;
use std::time::Duration;

use openai::{OpenAiApi, OpenAiSettings};
use openai_transport::{FieldSettings, Timeouts};
use openai_wire::OptionalField;
use openrouter::OpenRouterSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Checking, ConfigError, Notice, lenient};

/// The model providers, and the time limits of calls.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The provider that is called.
    pub choice: ProviderChoice,
    /// The providers that are called in its stead if it fails before its first event, in this order.
    pub fallbacks: Vec<ProviderChoice>,
    /// The time limit of connecting.
    pub connect_timeout: Duration,
    /// How many times a call is made at most, the first time included.
    pub attempts: u32,
    /// How many calls to a provider run at the same time; further calls wait.
    pub max_concurrent_calls: u32,
}

/// A provider.
#[derive(Debug, Clone)]
pub enum ProviderChoice {
    /// `openai`: OpenAI, or a server with a compatible API.
    OpenAi(OpenAiSettings),
    /// `openrouter`: OpenRouter.
    OpenRouter(OpenRouterSettings),
    /// `demo`: no model; replies are made up offline.
    Demo,
}

impl ProviderChoice {
    /// The provider's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::OpenAi(_) => "openai",
            Self::OpenRouter(_) => "openrouter",
            Self::Demo => "demo",
        }
    }
}

const FALLBACKS: &str = "provider.fallbacks";

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::some_text")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    fallbacks: Vec<String>,
    #[serde(deserialize_with = "lenient::whole")]
    connect_timeout_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    first_event_timeout_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    idle_timeout_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    total_timeout_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    attempts: u32,
    #[serde(deserialize_with = "lenient::whole")]
    max_concurrent_calls: u32,
    openai: OpenAiSection,
    openrouter: OpenRouterSection,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OpenAiSection {
    #[serde(deserialize_with = "lenient::some_secret")]
    api_key: Option<SecretString>,
    #[serde(deserialize_with = "lenient::text")]
    base_url: String,
    #[serde(deserialize_with = "lenient::text")]
    api: String,
    #[serde(deserialize_with = "lenient::list")]
    omit_fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OpenRouterSection {
    #[serde(deserialize_with = "lenient::some_secret")]
    api_key: Option<SecretString>,
    #[serde(deserialize_with = "lenient::text")]
    base_url: String,
    #[serde(deserialize_with = "lenient::list")]
    omit_fields: Vec<String>,
    #[serde(deserialize_with = "lenient::some_text")]
    referer: Option<String>,
    #[serde(deserialize_with = "lenient::some_text")]
    title: Option<String>,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            name: None,
            fallbacks: Vec::new(),
            connect_timeout_seconds: 5,
            first_event_timeout_seconds: 60,
            idle_timeout_seconds: 60,
            total_timeout_seconds: 600,
            attempts: 3,
            max_concurrent_calls: 4096,
            openai: OpenAiSection::default(),
            openrouter: OpenRouterSection::default(),
        }
    }
}

impl Default for OpenAiSection {
    fn default() -> Self {
        Self {
            api_key: None,
            base_url: "https://api.openai.com/v1".to_owned(),
            api: "responses".to_owned(),
            omit_fields: Vec::new(),
        }
    }
}

impl Default for OpenRouterSection {
    fn default() -> Self {
        Self {
            api_key: None,
            base_url: "https://openrouter.ai/api/v1".to_owned(),
            omit_fields: Vec::new(),
            referer: None,
            title: None,
        }
    }
}

impl Section {
    /// Checks the section. `without_temperature` are models that refuse a temperature.
    pub(super) fn check(
        self,
        checking: &mut Checking,
        without_temperature: &BTreeSet<String>,
    ) -> Result<Provider, ConfigError> {
        checking.at_least_one(&[
            ("provider.connect_timeout_seconds", self.connect_timeout_seconds),
            ("provider.first_event_timeout_seconds", self.first_event_timeout_seconds),
            ("provider.idle_timeout_seconds", self.idle_timeout_seconds),
            ("provider.total_timeout_seconds", self.total_timeout_seconds),
            ("provider.attempts", self.attempts),
            ("provider.max_concurrent_calls", self.max_concurrent_calls),
        ])?;
        let calls = CallSettings { timeouts: self.timeouts(), without_temperature };
        let choice = match &self.name {
            Some(name) => self.named(name, "provider.name", calls, checking)?,
            None => self.unnamed(calls, checking)?,
        };
        if matches!(choice, ProviderChoice::Demo) {
            checking.notices.push(Notice::Demo);
        }
        let mut fallbacks: Vec<ProviderChoice> = Vec::with_capacity(self.fallbacks.len());
        for name in &self.fallbacks {
            let fallback = self.named(name, FALLBACKS, calls, checking)?;
            if fallbacks.iter().chain([&choice]).any(|other| other.name() == fallback.name()) {
                return Err(checking
                    .error(FALLBACKS, format!("names {} twice or as its own fallback", fallback.name())));
            }
            fallbacks.push(fallback);
        }
        Ok(Provider {
            choice,
            fallbacks,
            connect_timeout: Duration::from_secs(self.connect_timeout_seconds.into()),
            attempts: self.attempts,
            max_concurrent_calls: self.max_concurrent_calls,
        })
    }

    fn timeouts(&self) -> Timeouts {
        let seconds = |number: u32| Duration::from_secs(number.into());
        Timeouts {
            first_event: seconds(self.first_event_timeout_seconds),
            idle: seconds(self.idle_timeout_seconds),
            total: seconds(self.total_timeout_seconds),
        }
    }

    /// The provider if `LLM_PROVIDER` is not set: the keys decide (C-16).
    fn unnamed(
        &self,
        calls: CallSettings<'_>,
        checking: &mut Checking,
    ) -> Result<ProviderChoice, ConfigError> {
        if self.openrouter.api_key.is_some() {
            return self.openrouter.choice("OPENROUTER_API_KEY", calls, checking);
        }
        if self.openai.api_key.is_some() {
            return self.openai.choice("OPENAI_API_KEY", calls, checking);
        }
        if checking.environment.is_development() {
            return Ok(ProviderChoice::Demo);
        }
        let problem = "or OPENAI_API_KEY must be set in production, or LLM_PROVIDER=demo";
        Err(checking.error("provider.openrouter.api_key", problem))
    }

    fn named(
        &self,
        name: &str,
        path: &str,
        calls: CallSettings<'_>,
        checking: &mut Checking,
    ) -> Result<ProviderChoice, ConfigError> {
        let origin = checking.sources.origin(path);
        match name.to_ascii_lowercase().as_str() {
            "openai" => self.openai.choice(&origin, calls, checking),
            "openrouter" => self.openrouter.choice(&origin, calls, checking),
            "demo" => Ok(ProviderChoice::Demo),
            _ => Err(ConfigError::new(
                origin,
                format!("is `{name}`, which is none of: openai, openrouter, demo"),
            )),
        }
    }
}

/// What is the same for the calls of all providers.
#[derive(Debug, Clone, Copy)]
struct CallSettings<'a> {
    timeouts: Timeouts,
    without_temperature: &'a BTreeSet<String>,
}

impl CallSettings<'_> {
    /// The settings of optional fields. `omitted` are the names of those that are left out.
    fn fields(
        self,
        omitted: &[String],
        path: &str,
        checking: &Checking,
    ) -> Result<FieldSettings, ConfigError> {
        let field = |name: &String| {
            OptionalField::from_name(&name.to_ascii_lowercase()).ok_or_else(|| {
                let known = OptionalField::names().collect::<Vec<_>>().join(", ");
                checking.error(path, format!("names `{name}`, which is none of: {known}"))
            })
        };
        Ok(FieldSettings {
            left_out: omitted.iter().map(field).collect::<Result<_, _>>()?,
            without_temperature: self.without_temperature.clone(),
        })
    }
}

impl OpenAiSection {
    fn choice(
        &self,
        asked_by: &str,
        calls: CallSettings<'_>,
        checking: &mut Checking,
    ) -> Result<ProviderChoice, ConfigError> {
        let api_key = key(self.api_key.as_ref(), "provider.openai.api_key", asked_by, checking)?;
        let base_url = base_url(&self.base_url, "provider.openai.base_url", checking)?;
        let api = match self.api.to_ascii_lowercase().as_str() {
            "responses" => OpenAiApi::Responses,
            "chat" => OpenAiApi::Chat,
            _ => return Err(checking.error("provider.openai.api", "must be responses or chat")),
        };
        let fields = calls.fields(&self.omit_fields, "provider.openai.omit_fields", checking)?;
        let timeouts = calls.timeouts;
        Ok(ProviderChoice::OpenAi(OpenAiSettings { api_key, base_url, api, timeouts, fields }))
    }
}

impl OpenRouterSection {
    fn choice(
        &self,
        asked_by: &str,
        calls: CallSettings<'_>,
        checking: &mut Checking,
    ) -> Result<ProviderChoice, ConfigError> {
        let api_key = key(self.api_key.as_ref(), "provider.openrouter.api_key", asked_by, checking)?;
        let base_url = base_url(&self.base_url, "provider.openrouter.base_url", checking)?;
        Ok(ProviderChoice::OpenRouter(OpenRouterSettings {
            api_key,
            base_url,
            referer: self.referer.clone(),
            title: self.title.clone(),
            timeouts: calls.timeouts,
            fields: calls.fields(&self.omit_fields, "provider.openrouter.omit_fields", checking)?,
        }))
    }
}

/// Checks a key: it is sent in a header, so it must be plain ASCII.
fn key(
    key: Option<&SecretString>,
    path: &str,
    asked_by: &str,
    checking: &mut Checking,
) -> Result<SecretString, ConfigError> {
    let Some(key) = key else {
        return Err(checking.error(path, format!("must be set, because {asked_by} names this provider")));
    };
    let text = key.expose_secret();
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(checking.error(path, "holds a character that is not allowed in a key, such as a space"));
    }
    if ["your-key", "your_", "your-", "sk-xxx"].iter().any(|start| text.starts_with(start)) {
        checking.notices.push(Notice::PlaceholderKey { variable: checking.sources.origin(path) });
    }
    Ok(key.clone())
}

fn base_url(text: &str, path: &str, checking: &Checking) -> Result<String, ConfigError> {
    let is_good = reqwest::Url::parse(text).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if is_good {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(checking.error(path, "must be an address such as https://api.openai.com/v1"))
    }
}
