//! The bytes of answers, built once for each model.

use omnichat_bench::models::{Model, Pace};
use serde_json::json;

use crate::scripts;

/// Which API was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wire {
    Chat,
    ChatStream,
    ResponsesStream,
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The pieces in order, each of which is sent in one write.
    pub(crate) pieces: Vec<Vec<u8>>,
    /// How fast the pieces are sent.
    pub(crate) pace: Pace,
}

impl Answer {
    /// The list of models, which a gateway may request to check its key.
    pub(crate) fn models() -> Self {
        let body = json!({"object": "list", "data": []}).to_string();
        Self { pieces: vec![whole("200 OK", &body)], pace: Pace::AtOnce }
    }

    pub(crate) fn new(wire: Wire, name: &str) -> Self {
        let model = Model::named(name);
        let events = match wire {
            Wire::Chat => {
                let body = scripts::completion(name, model.tokens).to_string();
                return Self { pieces: vec![whole("200 OK", &body)], pace: Pace::AtOnce };
            }
            Wire::ChatStream => scripts::chat(name, model.tokens),
            Wire::ResponsesStream => scripts::responses(name, model.tokens),
        };
        let mut opening = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
            Transfer-Encoding: chunked\r\n\r\n"
            .to_vec();
        opening.extend(events.opening.iter().flat_map(|event| chunk(event)));
        let mut end: Vec<u8> = events.end.iter().flat_map(|event| chunk(event)).collect();
        end.extend_from_slice(b"0\r\n\r\n");
        let tokens = events.tokens.iter().map(|event| chunk(event));
        let pieces: Vec<Vec<u8>> = [opening].into_iter().chain(tokens).chain([end]).collect();
        match model.pace {
            Pace::AtOnce => Self { pieces: vec![pieces.concat()], pace: model.pace },
            Pace::PerSecond(_) => Self { pieces, pace: model.pace },
        }
    }
}

/// An error response with OpenAI's error body.
pub(crate) fn refusal(status: &str, message: &str) -> Vec<u8> {
    let error = json!({"message": message, "type": "invalid_request_error", "param": null, "code": null});
    whole(status, &json!({"error": error}).to_string())
}

fn whole(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// An event as an HTTP chunk of its own, as servers send it that flush every event.
fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}
