//! What a watcher asks for.

use serde::Deserialize;
use validator::Validate;

/// `GET /turns/{id}/events`
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct EventsQuery {
    /// The number of the last event that the watcher has; without it, all events come.
    after: Option<u64>,
}

impl EventsQuery {
    /// The number of the last event that the watcher has.
    pub(crate) fn after(&self) -> Option<usize> {
        self.after.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }
}
