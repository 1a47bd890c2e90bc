//! The provider, against a fake server with both APIs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod answers;
mod golden;
mod refused_fields;
mod requests;

use omnichat_openai::{OpenAi, OpenAiApi, OpenAiSettings};
use openai_transport::{FieldSettings, Timeouts};
use testkit::FakeLlm;

const KEY: &str = "canary-key-1234";

/// The provider, set up for this server.
fn provider(server: &FakeLlm, api: OpenAiApi) -> OpenAi {
    provider_with(server, api, FieldSettings::default())
}

fn provider_with(server: &FakeLlm, api: OpenAiApi, fields: FieldSettings) -> OpenAi {
    let settings = OpenAiSettings {
        api_key: KEY.into(),
        base_url: server.base_url(),
        api,
        timeouts: Timeouts::default(),
        fields,
    };
    OpenAi::new(client(), settings)
}

fn client() -> reqwest::Client {
    // As the binary does when it starts. Only the first call has an effect.
    let _done = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_built_in_root_certs(false).build().unwrap()
}
