//! A request to a model: instructions, messages and options.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::message::token_count;
use crate::usage::{bytes_within, estimate_tokens};
use crate::{FileText, ModelName, Part, Role, Sampling, Temperature};

/// A request to a model. It is shared behind `Arc` and never copied, because an image may have many megabytes.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// The model, by the name that the caller used.
    pub model: ModelName,
    /// The system instructions, if any.
    pub instructions: Option<String>,
    /// The messages, oldest first; the last one is the question.
    pub messages: Vec<ModelMessage>,
    /// The options.
    pub options: Arc<RequestOptions>,
}

/// The options of a request to a model.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RequestOptions {
    /// The sampling parameters and the limit of output tokens. They are sent as they are.
    pub sampling: Sampling,
    /// The temperature if `sampling` has none. The caller has not asked for it, so it is left out for models that refuse
    /// a temperature.
    pub default_temperature: Option<Temperature>,
}

/// A message of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMessage {
    /// The author's role.
    pub role: Role,
    /// The content, shared with the store that writes it at the same time.
    pub parts: Arc<[Part]>,
}

impl ModelRequest {
    /// Estimates the input tokens.
    #[must_use]
    pub fn token_count(&self) -> u32 {
        let instructions = self.instructions.as_ref().map_or(0, |text| estimate_tokens(text.len()));
        instructions.saturating_add(ModelMessage::token_count_of(&self.messages))
    }
}

impl ModelMessage {
    /// Makes a message of the user.
    #[must_use]
    pub fn from_user(parts: Vec<Part>) -> Self {
        Self { role: Role::User, parts: parts.into() }
    }

    /// Estimates the tokens of these messages.
    #[must_use]
    pub fn token_count_of(messages: &[Self]) -> u32 {
        messages.iter().map(|message| token_count(&message.parts)).fold(0, u32::saturating_add)
    }

    /// Makes a message of the user from the text of files, oldest first. As many files as fit are taken, beginning with the
    /// newest; the first one that does not fit is cut. A file whose text is not that of all its pages has a note that says
    /// so. Files without text take at most a quarter of the room: those beyond it are left out, so that many scans do not
    /// displace what could be read. Returns `None` if no text fits.
    #[must_use]
    pub fn from_files(newest_first: Vec<FileText>, token_room: u32) -> Option<Self> {
        let mut room = token_room;
        let mut room_without_text = token_room / 4;
        let mut parts = VecDeque::new();
        for file in newest_first {
            let (has_text, note) = (file.has_text(), file.note().unwrap_or_default());
            let FileText { name, mut text, .. } = file;
            let tokens = estimate_tokens(name.as_str().len() + text.len() + note.len());
            if !has_text {
                let Some(left) = room_without_text.checked_sub(tokens) else { continue };
                room_without_text = left;
            }
            let fits = tokens <= room;
            if fits {
                text.push_str(&note);
            } else {
                let left = bytes_within(room).saturating_sub(name.as_str().len() + CUT.len());
                text.truncate(text.floor_char_boundary(left));
                if text.is_empty() {
                    break;
                }
                text.push_str(CUT);
            }
            parts.push_front(Part::File { name: name.to_string(), text });
            if !fits {
                break;
            }
            room -= tokens;
        }
        (!parts.is_empty()).then(|| Self::from_user(parts.into()))
    }
}

/// Marks the end of a file that was cut.
const CUT: &str = "\n[The rest of this file does not fit.]";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileName;

    fn file(name: &str, text: &str) -> FileText {
        FileText { name: FileName::from_sender(name), pages: 1, pages_read: 1, text: text.to_owned() }
    }

    #[test]
    fn the_first_file_that_does_not_fit_is_cut_and_older_ones_are_left_out() {
        let files = || vec![file("b", "news"), file("a", &"ä".repeat(300)), file("c", "old")];
        let all = ModelMessage::from_files(files(), 1_000).unwrap();
        assert_eq!(all.parts.len(), 3);
        assert_eq!(all.parts[2], Part::File { name: "b".to_owned(), text: "news".to_owned() });
        let some = ModelMessage::from_files(files(), 60).unwrap();
        let [Part::File { name, text }, Part::File { .. }] = &some.parts[..] else { panic!("{some:?}") };
        assert!(name == "a" && text.starts_with('ä') && text.ends_with(CUT), "{text}");
        assert!(crate::message::token_count(&some.parts) <= 60, "{some:?}");
        assert_eq!(ModelMessage::from_files(files().split_off(1), 10), None, "nothing of it fits");
    }

    #[test]
    fn a_file_that_was_not_read_or_only_in_part_is_said_to_be_so() {
        let long = FileText { pages: 501, pages_read: 500, ..file("long", &"text ".repeat(20)) };
        let files = || vec![file("scan", ""), long.clone()];
        let said = ModelMessage::from_files(files(), 1_000).unwrap();
        let [Part::File { text: beginning, .. }, Part::File { name, text: nothing }] = &said.parts[..] else {
            panic!("{said:?}")
        };
        assert!(beginning.ends_with("text \n[Only the beginning of this file was read. It has 501 pages.]"));
        assert_eq!((name.as_str(), nothing.as_str()), ("scan", "[No text could be read from this file.]"));
        let enough = token_count(&said.parts);
        assert_eq!(ModelMessage::from_files(files(), enough).unwrap(), said);
        let some = ModelMessage::from_files(files(), enough - 1).unwrap();
        assert!(token_count(&some.parts) < enough, "{some:?}");
    }

    #[test]
    fn many_files_without_text_leave_room_for_text() {
        let scans = (0..100).map(|number| file(&format!("scan {number}"), ""));
        let files = scans.chain([file("report", &"words ".repeat(100))]).collect();
        let said = ModelMessage::from_files(files, 400).unwrap();
        let named = |part: &Part| matches!(part, Part::File { name, .. } if name.starts_with("scan"));
        assert!(matches!(&said.parts[0], Part::File { name, text } if name == "report" && text.len() == 600));
        assert!(said.parts.len() > 5 && said.parts[1..].iter().all(named), "{said:?}");
        assert!(token_count(&said.parts) <= 400);
    }

    #[test]
    fn no_files_make_no_message() {
        assert_eq!(ModelMessage::from_files(Vec::new(), 1_000), None);
    }
}
