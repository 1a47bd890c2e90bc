//! `OpenRouter`: Chat Completions with headers, names and costs of its own.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ModelRequest;
use openai_transport::Timeouts;
use openai_wire::{ChatDecoder, ChatRequest, Redaction, for_openrouter};
use ports::{LanguageModel, ModelError, ModelStream};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

/// Where and how the provider is called.
#[derive(Debug, Clone)]
pub struct OpenRouterSettings {
    /// The key.
    pub api_key: SecretString,
    /// The base of its addresses, with `/v1`.
    pub base_url: String,
    /// The address of our service, for its rankings.
    pub referer: Option<String>,
    /// The name of our service, for its rankings.
    pub title: Option<String>,
    /// How long it may be silent.
    pub timeouts: Timeouts,
}

/// The provider `openrouter`.
#[derive(Debug, Clone)]
pub struct OpenRouter {
    client: Client,
    settings: OpenRouterSettings,
    redaction: Redaction,
}

impl OpenRouter {
    /// A provider that is called through this client, which knows how long a connection may take.
    #[must_use]
    pub fn new(client: Client, settings: OpenRouterSettings) -> Self {
        let redaction = Redaction::of(settings.api_key.expose_secret());
        Self { client, settings, redaction }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.base_url.trim_end_matches('/'))
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
        "openrouter"
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let model = for_openrouter(request.model.as_str());
        let call = self.with_headers(self.client.post(self.url("chat/completions")));
        let call = call.json(&ChatRequest::new(&request, &model));
        let decoder = ChatDecoder::new(self.redaction.clone());
        openai_transport::stream(call, decoder, self.settings.timeouts, &self.redaction).await
    }

    async fn check(&self) -> Result<(), ModelError> {
        // Its list of models is public; only this one asks for the key.
        let request = self.with_headers(self.client.get(self.url("key")));
        openai_transport::check(request, &self.redaction).await
    }
}
