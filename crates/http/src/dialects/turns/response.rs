//! The response to a stop.

use domain::TurnId;
use serde::Serialize;

/// Whether a turn was stopped, and which.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoppedTurn)]
pub(crate) struct StoppedBody {
    /// `false` if no turn was running.
    stopped: bool,
    /// The stopped turn.
    #[schema(format = Uuid)]
    turn_id: Option<String>,
    /// The id as written in the request.
    conversation_id: String,
}

impl StoppedBody {
    pub(crate) fn new(turn: Option<TurnId>, conversation_id: String) -> Self {
        Self { stopped: turn.is_some(), turn_id: turn.map(|turn| turn.to_string()), conversation_id }
    }
}
