//! The events of the Responses API.

mod calls;
mod event;
mod items;

use domain::{Delta, FinishReason, NanoDollars, ReportedUsage, ResponseId};
use ports::{ModelError, ModelEvent};

use self::calls::Calls;
use self::event::{OrdinaryDelta, kind_of_delta, pieces_of, response_id, status};
use self::items::{Items, Place, whole_of};
use crate::content::{Kind, Pieces, read_field, whole};
use crate::decoder::{Decoder, is_done, lines_of};
use crate::finish_reason::{self, Named};
use crate::json::{Json, Text};
use crate::provider_error::{broken, error_of_event, unreadable};
use crate::written::Differs;
use crate::{Redaction, usage};

/// Decodes a stream of the Responses API.
///
/// Its last event is `response.completed`, `.incomplete`, `.failed` or `.cancelled`, or `error`; the status of the response in it
/// counts as well. `[DONE]` ends it only after a complete item. A server that does not stream may send the complete response as
/// one event.
///
/// Text counts wherever it stands: in deltas, or in one of the events that repeat it as a whole. An event is read as far as
/// it can be: what is not needed may be missing or have any type. Only where the answer itself cannot be read, or a complete
/// text is not the one of its deltas, does it end with an error.
#[derive(Debug, Default)]
pub struct ResponsesDecoder {
    redaction: Redaction,
    items: Items,
    calls: Calls,
    usage: ReportedUsage,
    cost: Option<NanoDollars>,
    /// Whether everything that began is complete.
    is_complete: bool,
    began: bool,
    over: bool,
}

impl ResponsesDecoder {
    /// Creates a decoder for a new stream.
    #[must_use]
    pub fn new(redaction: Redaction) -> Self {
        Self { redaction, ..Self::default() }
    }

    fn read(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(OrdinaryDelta { kind, place, text }) = event::ordinary(data) {
            if let Some(kind) = kind {
                self.add(&place, kind, Text::from(text), events);
            }
            return Ok(());
        }
        match Json::parse(data) {
            Ok(json) if json.is_list() => {
                json.items().into_iter().try_for_each(|item| self.read_event(item, events))
            }
            Ok(json) => self.read_event(json, events),
            Err(_) if data.contains('\n') => lines_of(data).try_for_each(|line| self.push(line, events)),
            Err(error) => Err(unreadable(data, &error, self.began, &self.redaction)),
        }
    }

    fn read_event(&mut self, event: Json<'_>, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if !event.is_object() || self.over {
            return Ok(());
        }
        let response = event.all("response").into_iter().rfind(|response| response.is_object());
        self.read_usage(event, response, events);
        let kind = event.get("type").and_then(Json::string).unwrap_or_default();
        if let Some(error) = error_of_event(event, !kind.is_empty()) {
            return Err(error.classify(self.began, &self.redaction));
        }
        if let Some(kind) = kind_of_delta(&kind) {
            return self.read_delta(kind, event, events);
        }
        match &*kind {
            "response.output_text.done" => self.complete_part(event, "text", Kind::Text, events),
            "response.refusal.done" => self.complete_part(event, "refusal", Kind::Refusal, events),
            "response.reasoning_text.done"
            | "response.reasoning.done"
            | "response.reasoning_summary_text.done" => {
                self.complete_part(event, "text", Kind::Reasoning, events)
            }
            "response.content_part.done" => {
                self.complete_part(event, "part", self.kind_of_part(event), events)
            }
            "response.reasoning_summary_part.done" => {
                self.complete_part(event, "part", Kind::Reasoning, events)
            }
            "response.output_item.added" => {
                self.is_complete = false;
                Ok(())
            }
            "response.output_item.done" => self.complete_item(event, events),
            "response.completed"
            | "response.done"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.canceled" => self.finish(&kind, response, events),
            "response.error" => {
                let error = error_of_event(response.unwrap_or(event), false);
                Err(error
                    .map_or_else(|| broken("an error"), |error| error.classify(self.began, &self.redaction)))
            }
            "" => self.read_untyped(event, response, events),
            // Unknown events are passed over.
            _ => Ok(()),
        }
    }

    /// Reads an event without a type: the complete response of a server that does not stream, or the last event of one that
    /// leaves out the type.
    fn read_untyped(
        &mut self,
        event: Json<'_>,
        response: Option<Json<'_>>,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        let is_whole = event.get("object").and_then(Json::string).as_deref() == Some("response");
        let response = if is_whole { Some(event) } else { response };
        match response.map(status) {
            // A whole response may lack its status. One that goes on has another.
            Some("") if is_whole && event.get("status").is_none() && event.get("output").is_some() => {
                self.finish("response.completed", response, events)
            }
            Some(status @ ("completed" | "incomplete" | "failed" | "cancelled")) => {
                self.finish(&format!("response.{status}"), response, events)
            }
            _ if event.get("delta").is_some_and(|delta| !delta.is_empty()) => {
                Err(broken("a delta without a type cannot be read"))
            }
            _ => Ok(()),
        }
    }

    /// Reads the usage, which stands in the response at its end.
    fn read_usage(&mut self, event: Json<'_>, response: Option<Json<'_>>, events: &mut Vec<ModelEvent>) {
        let Some(body) = response.and_then(|response| response.get("usage")).or_else(|| event.get("usage"))
        else {
            return;
        };
        let (usage, cost) = (usage::usage(body), usage::cost(body));
        if usage.is_none() && cost.is_none() {
            return;
        }
        self.usage = usage.map_or(self.usage, |usage| usage::merged(self.usage, usage));
        self.cost = cost.map_or(self.cost, |cost| usage::merged_cost(self.cost, cost));
        events.push(ModelEvent::Usage { usage: self.usage, cost: self.cost });
    }

    fn read_delta(
        &mut self,
        kind: Kind,
        event: Json<'_>,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        let mut pieces = Pieces::new();
        read_field(event, "delta", kind, &mut pieces)?;
        let place = Place::of(event);
        for (kind, piece) in pieces {
            self.add(&place, kind, piece, events);
        }
        Ok(())
    }

    fn add(&mut self, place: &Place<'_>, kind: Kind, piece: Text, events: &mut Vec<ModelEvent>) {
        if !piece.is_empty() {
            self.is_complete = false;
            let text = self.items.add(place, kind, piece);
            self.pass_on(kind, text, events);
        }
    }

    fn pass_on(&mut self, kind: Kind, text: String, events: &mut Vec<ModelEvent>) {
        if !text.is_empty() {
            self.pass_on_delta(kind.delta(text), events);
        }
    }

    fn pass_on_delta(&mut self, delta: Delta, events: &mut Vec<ModelEvent>) {
        self.began = true;
        events.push(ModelEvent::Delta(delta));
    }

    /// Reads the complete text of a part.
    fn complete_part(
        &mut self,
        event: Json<'_>,
        field: &str,
        kind: Kind,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        let mut pieces = Pieces::new();
        let read = read_field(event, field, kind, &mut pieces);
        self.unless_repeated(read)?;
        let place = Place::of(event);
        for kind in Kind::ALL {
            let complete = whole(&pieces, kind);
            if !complete.is_empty() {
                let missing = self.items.complete_part(&place, kind, complete);
                self.pass_on_missing(kind, missing, events)?;
                self.is_complete = true;
            }
        }
        Ok(())
    }

    /// Returns the kind of a part that does not name it: that of the text that was passed on in the same item. A part with
    /// thoughts must not become text.
    fn kind_of_part(&self, event: Json<'_>) -> Kind {
        if self.items.has_thoughts_alone(&Place::of(event)) { Kind::Reasoning } else { Kind::Text }
    }

    /// Reads a complete item.
    fn complete_item(&mut self, event: Json<'_>, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let place = Place::of(event);
        let Some(item) = event.get("item").filter(|item| item.is_object()) else {
            self.items.end_item(&place, Kind::Text);
            return Ok(());
        };
        let read = pieces_of(item);
        let pieces = self.unless_repeated(read)?.unwrap_or_default();
        let mut main_kind = Kind::Text;
        for kind in Kind::ALL {
            let complete = whole(&pieces, kind);
            if !complete.is_empty() {
                main_kind = kind;
                let missing = self.items.complete_item(&place, kind, complete);
                self.pass_on_missing(kind, missing, events)?;
            }
        }
        if let Some(call) = self.calls.take(item)? {
            self.pass_on_delta(call, events);
        }
        self.items.end_item(&place, main_kind);
        self.is_complete = !matches!(status(item), "incomplete" | "in_progress");
        Ok(())
    }

    /// Takes the complete response.
    fn complete(&mut self, response: Json<'_>, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let items = response.get("output").map(Json::items).unwrap_or_default();
        let read = items.iter().map(|item| pieces_of(*item)).collect::<Result<Vec<_>, _>>();
        let mut pieces = self.unless_repeated(read)?.unwrap_or_default();
        if Kind::ALL.into_iter().all(|kind| whole_of(&pieces, kind).is_empty()) {
            // The sum of all texts, which some servers send.
            let mut text = Pieces::new();
            let read = read_field(response, "output_text", Kind::Text, &mut text);
            self.unless_repeated(read)?;
            pieces.push(text);
        }
        let complete = Kind::ALL.map(|kind| (kind, whole_of(&pieces, kind)));
        let repeats_answer = complete.iter().any(|(kind, text)| kind.is_visible() && !text.is_empty());
        for (kind, text) in complete {
            // A response that does not repeat the answer says nothing about it.
            if repeats_answer || !kind.is_visible() {
                let missing = self.items.complete(kind, &text);
                self.pass_on_missing(kind, missing, events)?;
            }
        }
        for call in self.calls.take_missing(&items)? {
            self.pass_on_delta(call, events);
        }
        Ok(())
    }

    /// A text that repeats others need not be readable.
    fn unless_repeated<T>(&self, read: Result<T, ModelError>) -> Result<Option<T>, ModelError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(_) if self.items.has_visible_text() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn pass_on_missing(
        &mut self,
        kind: Kind,
        missing: Result<String, Differs>,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        match missing {
            Ok(text) => self.pass_on(kind, text, events),
            Err(Differs) if kind.is_visible() => {
                return Err(broken("a complete text differs from its deltas"));
            }
            Err(Differs) => {}
        }
        Ok(())
    }

    fn finish(
        &mut self,
        kind: &str,
        response: Option<Json<'_>>,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        let status = response.map_or("", status);
        if let Some(error) = response.and_then(|response| error_of_event(response, true)) {
            return Err(error.classify(self.began, &self.redaction));
        }
        if kind == "response.failed" || status == "failed" {
            return Err(broken("the response failed and does not say why"));
        }
        if matches!(kind, "response.cancelled" | "response.canceled") || status == "cancelled" {
            return Err(broken("the response was cancelled"));
        }
        if let Some(response) = response {
            self.complete(response, events)?;
        }
        let details = response.and_then(|response| response.get("incomplete_details"));
        let cause = details.and_then(|details| details.string().or_else(|| details.get("reason")?.string()));
        let reason = match cause.filter(|cause| !cause.trim().is_empty()) {
            Some(cause) => self.reason_of_cut(&cause)?,
            None if kind == "response.incomplete" || status == "incomplete" => {
                FinishReason::Other("incomplete".to_owned())
            }
            None => self.reason_of_end(),
        };
        self.end_with(response.and_then(response_id), reason, events);
        Ok(())
    }

    fn reason_of_cut(&self, cause: &str) -> Result<FinishReason, ModelError> {
        match finish_reason::from_name(cause) {
            Some(Named::End(reason @ (FinishReason::Length | FinishReason::ContentFilter))) => Ok(reason),
            Some(failure @ Named::Failure { .. }) => failure.or_error(self.began),
            Some(Named::End(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_)))
            | None => Ok(FinishReason::Other(cause.to_owned())),
        }
    }

    fn reason_of_end(&self) -> FinishReason {
        if self.calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls }
    }

    fn end_with(&mut self, response: Option<ResponseId>, reason: FinishReason, events: &mut Vec<ModelEvent>) {
        for (kind, half) in self.items.end() {
            self.pass_on(kind, half, events);
        }
        events.push(ModelEvent::Finished { response, reason });
        self.over = true;
    }
}

impl Decoder for ResponsesDecoder {
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = data.trim();
        if self.over || data.is_empty() {
            return Ok(());
        }
        if !is_done(data) {
            let read = self.read(data, events);
            self.over |= read.is_err();
            return read;
        }
        if !self.is_complete {
            self.over = true;
            return Err(ModelError::Truncated);
        }
        self.end_with(None, self.reason_of_end(), events);
        Ok(())
    }

    fn end(&mut self, _events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        self.over = true;
        Err(ModelError::Truncated)
    }

    fn began(&self) -> bool {
        self.began
    }

    fn is_over(&self) -> bool {
        self.over
    }
}
