//! The provider `openrouter`: Chat Completions, with headers, model names and costs of `OpenRouter`.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ModelRequest;
use openai_transport::{Calls, FieldSettings, Timeouts, url};
use openai_wire::{ChatDecoder, ChatRequest, Redaction, for_openrouter};
use ports::{LanguageModel, ModelError, ModelStream};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

/// The settings of the provider.
#[derive(Debug, Clone)]
pub struct OpenRouterSettings {
    /// The key.
    pub api_key: SecretString,
    /// The base URL, with `/v1`.
    pub base_url: String,
    /// The URL of this service, for the rankings of `OpenRouter`.
    pub referer: Option<String>,
    /// The name of this service, for the rankings of `OpenRouter`.
    pub title: Option<String>,
    /// The timeouts of calls.
    pub timeouts: Timeouts,
    /// Which optional fields requests do without.
    pub fields: FieldSettings,
}

/// The provider `openrouter`.
#[derive(Debug, Clone)]
pub struct OpenRouter {
    client: Client,
    settings: OpenRouterSettings,
    redaction: Redaction,
    calls: Calls,
}

const NAME: &str = "openrouter";

impl OpenRouter {
    /// Creates a provider. The client sets the timeout of connections.
    #[must_use]
    pub fn new(client: Client, settings: OpenRouterSettings) -> Self {
        let redaction = Redaction::new(settings.api_key.expose_secret());
        let calls = Calls::new(NAME, settings.timeouts, redaction.clone(), settings.fields.clone());
        Self { client, settings, redaction, calls }
    }

    fn with_headers(&self, request: RequestBuilder) -> RequestBuilder {
        let named = [("HTTP-Referer", &self.settings.referer), ("X-Title", &self.settings.title)];
        let mut request = request.bearer_auth(self.settings.api_key.expose_secret());
        for (name, value) in named {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request
    }
}

#[async_trait]
impl LanguageModel for OpenRouter {
    fn provider(&self) -> &'static str {
        NAME
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let model = for_openrouter(request.model.as_str());
        let url = url(&self.settings.base_url, "chat/completions");
        let post = || self.with_headers(self.client.post(&url));
        let body = |left_out: &_| ChatRequest::new(&request, &model, left_out);
        let decoder = || ChatDecoder::new(self.redaction.clone());
        self.calls.stream(&model, post, body, decoder).await
    }

    async fn check(&self) -> Result<(), ModelError> {
        // The list of models is public; this path checks the key.
        let request = self.with_headers(self.client.get(url(&self.settings.base_url, "key")));
        openai_transport::check(request, &self.redaction).await
    }
}
