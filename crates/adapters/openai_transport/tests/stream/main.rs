//! Calls to servers that fail in many ways. There is always exactly one call and one end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by a panic, and its server needs no orderly end"
)]

mod connections;
mod cuts;
mod faults;
mod framing;
mod raw;
mod raw_server;

use std::time::Duration;

use domain::Delta;
use futures_util::StreamExt;
use omnichat_openai_transport::{Timeouts, stream};
use openai_wire::{ChatDecoder, Decoder, Redaction, ResponsesDecoder};
use ports::{ModelError, ModelEvent, ModelStream};
use raw_server::Pieces;
use serde_json::json;

/// The paths of both APIs.
const PATHS: [&str; 2] = ["chat/completions", "responses"];

/// The timeouts for silent servers: long enough for what they say before, also on a busy machine.
const SHORT: Timeouts = Timeouts {
    first_event: Duration::from_millis(1_500),
    idle: Duration::from_millis(1_500),
    total: Duration::from_mins(1),
};

/// The timeouts for servers that answer, on a busy machine.
const LONG: Timeouts = Timeouts {
    first_event: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: Duration::from_mins(1),
};

/// The head of an ordinary response.
const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n";
const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

/// One piece of all of this.
fn at_once(pieces: &[&str]) -> Pieces {
    vec![(Duration::ZERO, pieces.concat().into_bytes())]
}

/// The result of a call: the text, and the error if there was one.
type CallResult = (String, Option<ModelError>);

fn client() -> reqwest::Client {
    // As the binary does when it starts. Only the first call has an effect.
    let _done = rustls::crypto::ring::default_provider().install_default();
    // Loading the system's certificates takes longer than a call does.
    let builder = reqwest::Client::builder().tls_built_in_root_certs(false);
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn open(
    base_url: &str,
    path: &str,
    decoder: impl Decoder + 'static,
    timeouts: Timeouts,
) -> Result<ModelStream, ModelError> {
    let message = json!({"role": "user", "content": "one two three"});
    let body = json!({
        "model": "fake", "stream": true, "stream_options": {"include_usage": true},
        "messages": [message], "input": [message],
    });
    let request = client().post(format!("{base_url}/{path}")).json(&body);
    stream(request, decoder, timeouts, &Redaction::default()).await.map_err(|refusal| refusal.error)
}

/// Makes a call and reads its answer to the end.
async fn call(base_url: &str, path: &str, timeouts: Timeouts) -> CallResult {
    let redaction = Redaction::default();
    let opened = if path == "responses" {
        open(base_url, path, ResponsesDecoder::new(redaction), timeouts).await
    } else {
        open(base_url, path, ChatDecoder::new(redaction), timeouts).await
    };
    match opened {
        Ok(events) => outcome(events).await,
        Err(error) => (String::new(), Some(error)),
    }
}

async fn outcome(mut events: ModelStream) -> CallResult {
    let mut said = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(ModelEvent::Delta(Delta::Text(text))) => said.push_str(&text),
            Ok(ModelEvent::Usage { .. }) => {}
            Ok(ModelEvent::Delta(_) | ModelEvent::ServedBy(_)) => panic!("text alone is scripted"),
            Ok(ModelEvent::Finished { .. }) => {
                assert!(events.next().await.is_none(), "nothing follows the end");
                return (said, None);
            }
            Err(error) => {
                assert!(events.next().await.is_none(), "nothing follows an error");
                return (said, Some(error));
            }
        }
    }
    panic!("neither an end nor an error");
}
