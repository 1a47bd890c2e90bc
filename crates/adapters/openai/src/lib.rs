//! The provider `openai`: `OpenAI`, and every server with one of its APIs.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ModelRequest;
use openai_transport::{Calls, FieldSettings, Timeouts, url};
use openai_wire::{ChatDecoder, ChatRequest, Redaction, ResponsesDecoder, ResponsesRequest, for_openai};
use ports::{LanguageModel, ModelError, ModelStream};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

/// The API of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenAiApi {
    /// The Responses API, `OpenAI`'s own.
    #[default]
    Responses,
    /// Chat Completions, for compatible servers.
    Chat,
}

/// The settings of the provider.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// The key. An empty one is not sent, as for local servers.
    pub api_key: SecretString,
    /// The base URL, with `/v1`.
    pub base_url: String,
    /// The API.
    pub api: OpenAiApi,
    /// The timeouts of calls.
    pub timeouts: Timeouts,
    /// Which optional fields requests do without.
    pub fields: FieldSettings,
}

/// The provider `openai`.
#[derive(Debug, Clone)]
pub struct OpenAi {
    client: Client,
    settings: OpenAiSettings,
    redaction: Redaction,
    calls: Calls,
}

const NAME: &str = "openai";

impl OpenAi {
    /// Creates a provider. The client sets the timeout of connections.
    #[must_use]
    pub fn new(client: Client, settings: OpenAiSettings) -> Self {
        let redaction = Redaction::new(settings.api_key.expose_secret());
        let calls = Calls::new(NAME, settings.timeouts, redaction.clone(), settings.fields.clone());
        Self { client, settings, redaction, calls }
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match self.settings.api_key.expose_secret() {
            "" => request,
            key => request.bearer_auth(key),
        }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.post(url(&self.settings.base_url, path)))
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    fn provider(&self) -> &'static str {
        NAME
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let model = for_openai(request.model.as_str());
        match self.settings.api {
            OpenAiApi::Responses => {
                let body = |left_out: &_| ResponsesRequest::new(&request, model, left_out);
                let decoder = || ResponsesDecoder::new(self.redaction.clone());
                self.calls.stream(model, || self.post("responses"), body, decoder).await
            }
            OpenAiApi::Chat => {
                let body = |left_out: &_| ChatRequest::new(&request, model, left_out);
                let decoder = || ChatDecoder::new(self.redaction.clone());
                self.calls.stream(model, || self.post("chat/completions"), body, decoder).await
            }
        }
    }

    async fn check(&self) -> Result<(), ModelError> {
        let request = self.with_key(self.client.get(url(&self.settings.base_url, "models")));
        openai_transport::check(request, &self.redaction).await
    }
}
