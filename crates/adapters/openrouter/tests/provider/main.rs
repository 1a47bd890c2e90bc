//! The provider, against a fake server that behaves like it.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod answers;
mod golden;
// The same requests as for the provider `openai`.
#[path = "../../../openai/tests/provider/requests.rs"]
mod requests;

use omnichat_openrouter::{OpenRouter, OpenRouterSettings};
use openai_transport::{FieldSettings, Timeouts};
use testkit::FakeLlm;

const KEY: &str = "canary-key-1234";

/// The provider, set up for this server.
fn provider(server: &FakeLlm) -> OpenRouter {
    // As the binary does when it starts. Only the first call has an effect.
    let _done = rustls::crypto::ring::default_provider().install_default();
    let settings = OpenRouterSettings {
        api_key: KEY.into(),
        base_url: server.base_url(),
        referer: Some("https://omnichat.example".to_owned()),
        title: Some("OmniChat".to_owned()),
        timeouts: Timeouts::default(),
        fields: FieldSettings::default(),
    };
    OpenRouter::new(reqwest::Client::builder().tls_built_in_root_certs(false).build().unwrap(), settings)
}
