//! Decodes the lines of a stream of events.

use std::collections::VecDeque;
use std::time::Duration;

use crate::{EVENT_BYTES, Event, Framing};

/// The fields of an event.
const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];

/// A line or an event is larger than [`EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Takes chunks of bytes, which may begin and end anywhere in a line.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) last_id: String,
    /// The beginning of an unfinished line.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed after it belongs to the same line end.
    after_return: bool,
    after_first_line: bool,
    /// The data of the event so far, each line with a line feed.
    data: String,
    event: String,
    retry: Option<Duration>,
}

impl Decoder {
    /// Decodes a chunk and appends the events that end in it.
    pub(crate) fn push(&mut self, chunk: &[u8], events: &mut VecDeque<Event>) -> Result<(), TooLarge> {
        let mut rest = chunk;
        while let [first, after_first @ ..] = rest {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                rest = after_first;
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, ended) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + piece.len() + self.data.len() > EVENT_BYTES {
                return Err(TooLarge);
            }
            match ended {
                [] => {
                    self.line.extend_from_slice(piece);
                    rest = ended;
                }
                [terminator, after_line @ ..] => {
                    self.after_return = *terminator == b'\r';
                    self.end_line(piece, events);
                    rest = after_line;
                }
            }
        }
        Ok(())
    }

    /// Ends the stream. Appends what it holds back: a last line without its end, and an event without its blank line.
    pub(crate) fn end(&mut self, events: &mut VecDeque<Event>) {
        let is_cut_field = FIELDS.iter().any(|field| field.as_bytes().starts_with(&self.line));
        if !self.line.is_empty() && !is_cut_field {
            self.end_line(&[], events);
        }
        self.dispatch(Framing::WithoutEnd, events);
    }

    fn end_line(&mut self, piece: &[u8], events: &mut VecDeque<Event>) {
        let mut begun = std::mem::take(&mut self.line);
        let line = if begun.is_empty() {
            piece
        } else {
            begun.extend_from_slice(piece);
            &begun
        };
        let is_first = !std::mem::replace(&mut self.after_first_line, true);
        let line = if is_first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        self.read_line(&String::from_utf8_lossy(line), events);
    }

    fn read_line(&mut self, line: &str, events: &mut VecDeque<Event>) {
        if line.is_empty() {
            self.dispatch(Framing::Event, events);
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.keep_alive(events),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_id),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            "id" | "retry" => {}
            _ => {
                // JSON may be a part of the answer as well: it must not overtake an event that lacks its blank line.
                if !self.data.is_empty() && line.contains('{') {
                    self.dispatch(Framing::Event, events);
                }
                self.stray_line(line, events);
            }
        }
    }

    fn dispatch(&mut self, framing: Framing, events: &mut VecDeque<Event>) {
        let mut data = std::mem::take(&mut self.data);
        let mut event = std::mem::take(&mut self.event);
        let retry = self.retry.take();
        // An event without data is not dispatched.
        if data.pop().is_none() {
            return;
        }
        if event.is_empty() {
            "message".clone_into(&mut event);
        }
        events.push_back(Event { event, data, id: self.last_id.clone(), retry, framing });
    }

    /// Reports a line that is no field. Lines in a row are one event, so that many short ones need little memory.
    fn stray_line(&self, line: &str, events: &mut VecDeque<Event>) {
        if let Some(last) = events.back_mut()
            && last.framing == Framing::StrayLines
        {
            last.data.push('\n');
            last.data.push_str(line);
            return;
        }
        let (data, id) = (line.to_owned(), self.last_id.clone());
        events.push_back(Event { data, id, framing: Framing::StrayLines, ..Event::default() });
    }

    /// Reports comments as an empty event, at most one in a row.
    fn keep_alive(&self, events: &mut VecDeque<Event>) {
        if events.is_empty() {
            events.push_back(Event { id: self.last_id.clone(), ..Event::default() });
        }
    }
}
