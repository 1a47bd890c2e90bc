//! Watching and stopping a turn.

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
    OperationDoc::new("stopTurn", "Stop the answer that is being written")
        .tags([tags::TURNS])
        .description("What there is of it is kept. Also 200 where nothing runs.")
        .path_param(parameters::conversation("conv_xxx"))
        .response::<StoppedBody>(
            "What became of it",
            [("stopped", json!({"stopped": true, "turn_id": TURN, "conversation_id": "conv_xxx"}))],
        )
        .errors([ApiError::no_conversation()])
}

pub(super) fn events() -> OperationDoc {
    OperationDoc::new("watchTurn", "Watch a turn")
            .tags([tags::TURNS])
            .description(
                "Server-sent events, each a JSON object with its number: `started`, then `delta`s, then one of \
                 `completed`, `failed`, `stopped` and `interrupted`, as they come or, of a turn that has ended, as \
                 they came: a replay is the same at every age. Comments between events keep the connection alive.",
            )
            .path_param(parameters::turn())
            .query::<EventsQuery>()
            .stream("The events", "text/event-stream", EVENTS)
            .errors([
                ApiError::no_turn(),
                FieldError::whole("after: invalid digit found in string").into(),
            ])
}
