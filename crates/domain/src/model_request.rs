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
    /// newest; the first one that does not fit is cut. Returns `None` if no text fits.
    #[must_use]
    pub fn from_files(newest_first: Vec<FileText>, token_room: u32) -> Option<Self> {
        let mut room = token_room;
        let mut parts = VecDeque::new();
        for file in newest_first {
            let tokens = file.tokens();
            let fits = tokens <= room;
            let FileText { name, mut text } = file;
            if !fits {
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
        FileText { name: FileName::from_sender(name), text: text.to_owned() }
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
    fn no_files_make_no_message() {
        assert_eq!(ModelMessage::from_files(Vec::new(), 1_000), None);
    }
}
