//! Descriptions of the endpoints for turns.

use serde_json::json;

use super::request::EventsQuery;
use super::response::StoppedBody;
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, parameters, tags};

const TURN: &str = "01934a5b-6c7d-7e8f-9012-3456789abcde";

/// The events of a short turn.
const EVENTS: &str = r#"data: {"event":0,"type":"started","turn_id":"01934a5b-6c7d-7e8f-9012-3456789abcde","conversation_id":"conv_01934a5b6c7d7e8f90123456789abcde"}

data: {"event":1,"type":"delta","delta":{"type":"text","text":"Once"}}

data: {"event":2,"type":"completed","finish_reason":"stop","message_id":"msg_01934a5b6c7d7e8f90123456789abcdf","usage":{"input_tokens":10,"output_tokens":15,"total_tokens":25},"cost":0.000175,"ended_at":"2024-01-16T12:00:00.000000Z"}
"#;

pub(super) fn stop() -> OperationDoc {
    OperationDoc::new("stopTurn", "Stop the running turn of a conversation")
        .tags([tags::TURNS])
        .description("The text that the model has already written is kept. The status is 200 even if no turn is running.")
        .path_param(parameters::conversation("conv_xxx"))
        .response::<StoppedBody>(
            "Whether a turn was stopped",
            [("stopped", json!({"stopped": true, "turn_id": TURN, "conversation_id": "conv_xxx"}))],
        )
        .errors([ApiError::no_conversation()])
}

pub(super) fn events() -> OperationDoc {
    OperationDoc::new("watchTurn", "Watch a turn")
        .tags([tags::TURNS])
        .description(
            "Sends the events of a turn as server-sent events. Each is a JSON object with its number: first `started`, then \
             any number of `delta`, and last `completed`, `failed`, `stopped` or `interrupted`. The events of a running turn \
             are sent as they occur, those of an ended turn at once; their numbers and contents are the same every time, \
             except that reasoning is not kept if nothing else came. \
             Comments between events keep the connection alive. If the body ends without one of the last events, the state \
             of the turn is unknown; watch it again.",
        )
        .path_param(parameters::turn())
        .query::<EventsQuery>()
        .stream("The events", "text/event-stream", EVENTS)
        .errors([ApiError::no_turn(), FieldError::whole("after: invalid digit found in string").into()])
}
