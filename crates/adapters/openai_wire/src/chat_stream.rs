//! The events of Chat Completions.

mod event;
mod tool_calls;

use domain::{FinishReason, NanoDollars, ReportedUsage};
use ports::{ModelError, ModelEvent};

use self::event::{Choice, OrdinaryDelta};
use self::tool_calls::ToolCalls;
use crate::content::{Kind, Pieces, whole};
use crate::decoder::{Decoder, is_done, lines_of};
use crate::finish_reason::{Named, stronger};
use crate::json::{Json, Text};
use crate::provider_error::{broken, error_of_event, unreadable};
use crate::written::{Differs, Written};
use crate::{Redaction, usage};

pub(crate) use self::tool_calls::tool_call;

/// Decodes a stream of Chat Completions.
///
/// The answer ends with `[DONE]`, or with a clean end of the stream after a finish reason, because the usage follows the
/// reason. Many servers never send a reason; with them `[DONE]` is the end. A server that does not stream may send the complete
/// answer as one event.
///
/// An event is read as far as it can be: what is not needed may be missing or have any type. Only where the answer itself cannot
/// be read does it end with an error.
#[derive(Debug, Default)]
pub struct ChatDecoder {
    redaction: Redaction,
    reason: Option<FinishReason>,
    usage: ReportedUsage,
    cost: Option<NanoDollars>,
    text: Written,
    refusal: Written,
    reasoning: Written,
    calls: ToolCalls,
    began: bool,
    over: bool,
}

impl ChatDecoder {
    /// Creates a decoder for a new stream.
    #[must_use]
    pub fn new(redaction: Redaction) -> Self {
        Self { redaction, ..Self::default() }
    }

    fn read(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(OrdinaryDelta { reasoning, content, finish_reason }) = event::ordinary(data) {
            self.add(Kind::Reasoning, Text::from(reasoning), events);
            self.add(Kind::Text, Text::from(content), events);
            return finish_reason.map_or(Ok(()), |named| self.take_reason(named));
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
        if !event.is_object() {
            return Ok(());
        }
        self.read_usage(event, events);
        let has_choices = event.get("choices").is_some_and(|choices| !choices.says_nothing());
        let object = event.get("object").and_then(Json::string).unwrap_or_default();
        let is_part = has_choices || object.starts_with("chat.completion");
        if let Some(error) = error_of_event(event, is_part) {
            return Err(error.classify(self.began, &self.redaction));
        }
        for choice in event::choices(event)? {
            // `OpenRouter` puts errors of the provider behind it into the choice, too.
            if let Some(error) = error_of_event(choice, true) {
                return Err(error.classify(self.began, &self.redaction));
            }
            let choice = Choice::read(choice)?;
            self.read_choice(&choice, events)?;
            // Some servers call each chunk so.
            let is_whole = object == "chat.completion" && choice.message.is_some() && choice.delta.is_none();
            if is_whole && self.reason.is_none() {
                self.reason = Some(FinishReason::Stop);
            }
        }
        Ok(())
    }

    /// Reads the usage, which stands in the event, at Moonshot in its choice, and at Groq in `x_groq`.
    fn read_usage(&mut self, event: Json<'_>, events: &mut Vec<ModelEvent>) {
        let choices = event.get("choices").map(Json::items).unwrap_or_default();
        let choices = choices.into_iter().filter(|choice| choice.is_object()).collect();
        let choice = event::of_first(choices).pop();
        let places = [choice, event.get("x_groq"), Some(event)];
        let mut is_new = false;
        for body in places.into_iter().flatten().filter_map(|place| place.get("usage")) {
            if let Some(usage) = usage::usage(body) {
                self.usage = usage::merged(self.usage, usage);
                is_new = true;
            }
            if let Some(cost) = usage::cost(body) {
                self.cost = usage::merged_cost(self.cost, cost);
                is_new = true;
            }
        }
        if is_new {
            events.push(ModelEvent::Usage { usage: self.usage, cost: self.cost });
        }
    }

    fn read_choice(&mut self, choice: &Choice<'_>, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let mut has_text = false;
        if let Some(delta) = choice.delta {
            for (kind, piece) in event::pieces(delta)? {
                has_text |= kind.is_visible() && !piece.is_empty();
                self.add(kind, piece, events);
            }
            self.add_calls(delta)?;
        }
        if let Some(message) = choice.message.filter(|_| !has_text) {
            let pieces = event::pieces(message)?;
            self.complete(&pieces, events)
                .map_err(|Differs| broken("the complete answer differs from its deltas"))?;
            if self.calls.is_empty() {
                self.add_calls(message)?;
            }
        }
        choice.finish_reason().map_or(Ok(()), |named| self.take_reason(named))
    }

    fn take_reason(&mut self, named: Named) -> Result<(), ModelError> {
        let reason = named.or_error(self.began)?;
        self.reason = Some(match self.reason.take() {
            Some(earlier) => stronger(earlier, reason),
            None => reason,
        });
        Ok(())
    }

    fn written(&mut self, kind: Kind) -> &mut Written {
        match kind {
            Kind::Text => &mut self.text,
            Kind::Refusal => &mut self.refusal,
            Kind::Reasoning => &mut self.reasoning,
        }
    }

    fn add(&mut self, kind: Kind, piece: Text, events: &mut Vec<ModelEvent>) {
        if !piece.is_empty() {
            let text = self.written(kind).add(piece);
            self.pass_on(kind, text, events);
        }
    }

    fn pass_on(&mut self, kind: Kind, text: String, events: &mut Vec<ModelEvent>) {
        if !text.is_empty() {
            self.began = true;
            events.push(ModelEvent::Delta(kind.delta(text)));
        }
    }

    /// Takes the text of a complete answer, of which some may have been passed on.
    fn complete(&mut self, pieces: &Pieces, events: &mut Vec<ModelEvent>) -> Result<(), Differs> {
        for kind in Kind::ALL {
            match self.written(kind).complete(whole(pieces, kind)) {
                Ok(missing) => self.pass_on(kind, missing, events),
                Err(Differs) if kind.is_visible() => return Err(Differs),
                Err(Differs) => {}
            }
        }
        Ok(())
    }

    fn add_calls(&mut self, delta: Json<'_>) -> Result<(), ModelError> {
        if let Some(calls) = event::sole(delta, "tool_calls")? {
            self.calls.add(calls)?;
        } else if let Some(function) = event::sole(delta, "function_call")? {
            self.calls.add_function(function);
        }
        self.began |= !self.calls.is_empty();
        Ok(())
    }

    fn finish(&mut self, is_done: bool, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let reason = match self.reason.take() {
            Some(reason) => reason,
            None if !is_done => return Err(ModelError::Truncated),
            None if self.calls.is_empty() => FinishReason::Stop,
            None => FinishReason::ToolCalls,
        };
        for kind in Kind::ALL {
            let half = self.written(kind).end_part(None);
            self.pass_on(kind, half, events);
        }
        let was_cut_off = matches!(reason, FinishReason::Length | FinishReason::ContentFilter);
        events.extend(self.calls.finish(was_cut_off)?.into_iter().map(ModelEvent::Delta));
        events.push(ModelEvent::Finished { response: None, reason });
        Ok(())
    }
}

impl Decoder for ChatDecoder {
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = data.trim();
        if self.over || data.is_empty() {
            return Ok(());
        }
        let is_done = is_done(data);
        let read = if is_done { self.finish(true, events) } else { self.read(data, events) };
        self.over |= is_done || read.is_err();
        read
    }

    fn end(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        self.over = true;
        self.finish(false, events)
    }

    fn began(&self) -> bool {
        self.began
    }

    fn is_over(&self) -> bool {
        self.over
    }
}
