//! The request to watch a turn.

use serde::Deserialize;
use validator::Validate;

/// `GET /turns/{id}/events`
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct EventsQuery {
    /// The number of the last event that the client already has. Without it, all events are sent.
    after: Option<u64>,
}

impl EventsQuery {
    /// The number of the last event that the client already has.
    pub(crate) fn after(&self) -> Option<usize> {
        self.after.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }
}
