//! What became of a stop.

use serde::Serialize;
use services::Stopped;

/// `POST /conversations/{id}/stop`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoppedTurn)]
pub(crate) struct StoppedBody {
    /// False where nothing ran.
    stopped: bool,
    #[schema(format = Uuid)]
    turn_id: Option<String>,
    conversation_id: String,
}

impl StoppedBody {
    pub(crate) fn new(stopped: Stopped, conversation_id: String) -> Self {
        let Stopped { turn } = stopped;
        Self { stopped: turn.is_some(), turn_id: turn.map(|turn| turn.to_string()), conversation_id }
    }
}
