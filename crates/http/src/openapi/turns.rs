//! Watching and stopping a turn.

use actix_web::http::Method;
use serde_json::json;

use super::operation::Described;
use super::{TURNS, parameters};
use crate::dialects::turns::request::EventsQuery;
use crate::dialects::turns::response::StoppedBody;
use crate::error::ApiError;
use crate::extract::FieldError;

const TURN: &str = "01934a5b-6c7d-7e8f-9012-3456789abcde";

/// The events of a short turn.
const EVENTS: &str = r#"data: {"event":0,"type":"started","turn_id":"01934a5b-6c7d-7e8f-9012-3456789abcde","conversation_id":"conv_01934a5b6c7d7e8f90123456789abcde"}

data: {"event":1,"type":"delta","delta":{"type":"text","text":"Once"}}

data: {"event":2,"type":"completed","finish_reason":"stop","message_id":"msg_01934a5b6c7d7e8f90123456789abcdf","usage":{"input_tokens":10,"output_tokens":15,"total_tokens":25},"cost":0.000175,"ended_at":"2024-01-16T12:00:00.000000Z"}
"#;

pub(super) fn operations() -> Vec<Described> {
    vec![
        Described::new(Method::POST, "/conversations/{id}/stop", "stopTurn", "Stop the answer that is being written")
            .of([TURNS])
            .tells("What there is of it is kept. Also 200 where nothing runs.")
            .at(parameters::conversation("conv_xxx"))
            .answers::<StoppedBody>(
                "What became of it",
                [("stopped", json!({"stopped": true, "turn_id": TURN, "conversation_id": "conv_xxx"}))],
            )
            .refuses([ApiError::no_conversation()]),
        Described::new(Method::GET, "/turns/{id}/events", "watchTurn", "Watch a turn")
            .of([TURNS])
            .tells(
                "Server-sent events, each a JSON object with its number: `started`, then `delta`s, then one of \
                 `completed`, `failed`, `stopped` and `interrupted`, as they come or, of a turn that has ended, as \
                 they came: a replay is the same at every age. Comments between events keep the connection alive.",
            )
            .at(parameters::turn())
            .asks::<EventsQuery>()
            .streams("The events", "text/event-stream", EVENTS)
            .refuses([
                ApiError::no_turn(),
                FieldError::whole("after: invalid digit found in string").into(),
            ]),
    ]
}
