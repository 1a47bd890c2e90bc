//! The JSON of an event.

use std::borrow::Cow;

use domain::ResponseId;
use ports::ModelError;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::items::Place;
use crate::content::{Kind, Pieces, read_field};
use crate::json::Json;

/// A delta as it nearly always is.
pub(super) struct OrdinaryDelta<'a> {
    /// The kind of its text; `None` for deltas that are not needed.
    pub(super) kind: Option<Kind>,
    pub(super) place: Place<'a>,
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Ordinary<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    delta: String,
    output_index: Option<u64>,
    item_id: Option<&'a str>,
    content_index: Option<u64>,
    summary_index: Option<u64>,
    error: Option<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

/// Reads an ordinary delta; `None` if it is another event.
pub(super) fn ordinary(data: &str) -> Option<OrdinaryDelta<'_>> {
    let event: Ordinary<'_> = serde_json::from_str(data).ok()?;
    let is_delta = event.kind.rsplit('.').next() == Some("delta");
    if event.error.is_some() || event.usage.is_some() || !is_delta {
        return None;
    }
    let item_id = event.item_id.filter(|id| !id.is_empty()).map(Cow::from);
    let part = event.content_index.or(event.summary_index);
    let place = Place { output_index: event.output_index, item_id, part };
    Some(OrdinaryDelta { kind: kind_of_delta(event.kind), place, text: event.delta })
}

/// Returns the kind of the text in a delta; `None` for all other events.
pub(super) fn kind_of_delta(name: &str) -> Option<Kind> {
    match name {
        "response.output_text.delta" => Some(Kind::Text),
        "response.refusal.delta" => Some(Kind::Refusal),
        // The second name is that of the Open Responses specification.
        "response.reasoning_text.delta"
        | "response.reasoning.delta"
        | "response.reasoning_summary_text.delta" => Some(Kind::Reasoning),
        _ => None,
    }
}

/// Reads the text of an item: a message, or reasoning. Items of other types have none, and those without a type are messages.
pub(super) fn pieces_of(item: Json<'_>) -> Result<Pieces, ModelError> {
    let mut pieces = Pieces::new();
    match item.get("type").and_then(Json::string).as_deref() {
        Some("message") => read_field(item, "content", Kind::Text, &mut pieces)?,
        // Only reasoning has a summary.
        None if item.get("summary").is_none() => read_field(item, "content", Kind::Text, &mut pieces)?,
        Some("reasoning") => {
            for name in ["summary", "content"] {
                read_field(item, name, Kind::Reasoning, &mut pieces)?;
            }
        }
        Some(_) | None => {}
    }
    Ok(pieces)
}

/// Returns the status of a response or an item; empty if it has none.
pub(super) fn status(object: Json<'_>) -> &'static str {
    match object.get("status").and_then(Json::string).as_deref() {
        Some("completed") => "completed",
        Some("incomplete") => "incomplete",
        Some("in_progress") => "in_progress",
        Some("failed") => "failed",
        Some("cancelled" | "canceled") => "cancelled",
        Some(_) | None => "",
    }
}

pub(super) fn response_id(response: Json<'_>) -> Option<ResponseId> {
    response.get("id").and_then(Json::string).and_then(ResponseId::parse)
}
