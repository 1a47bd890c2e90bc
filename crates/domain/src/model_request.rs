//! A request to a model: what it is told, what was said, and how it is to write.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::message::token_count;
use crate::usage::{bytes_within, estimate_tokens};
use crate::{FileText, ModelName, Part, Role, Sampling};

/// A request to a model. It is shared by all that ask a provider, and never copied: an image has its size many times.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// The model, by the name that the caller used.
    pub model: ModelName,
    /// The system instructions, which stand before all messages.
    pub instructions: Option<String>,
    /// The messages, oldest first; the last one is the question.
    pub messages: Vec<ModelMessage>,
    /// How the model is to write.
    pub options: Arc<RequestOptions>,
}

/// How a model is to write.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RequestOptions {
    /// How it picks its words, and how many it may write.
    pub sampling: Sampling,
}

/// A message of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMessage {
    /// The author's role.
    pub role: Role,
    /// The content, shared with the store, which keeps it meanwhile.
    pub parts: Arc<[Part]>,
}

impl ModelRequest {
    /// An estimate of the tokens that the model will read.
    #[must_use]
    pub fn token_count(&self) -> u32 {
        let instructions = self.instructions.as_ref().map_or(0, |text| estimate_tokens(text.len()));
        instructions.saturating_add(ModelMessage::token_count_of(&self.messages))
    }
}

impl ModelMessage {
    /// A message of the user.
    #[must_use]
    pub fn of_user(parts: Vec<Part>) -> Self {
        Self { role: Role::User, parts: parts.into() }
    }

    /// An estimate of the tokens of these messages.
    #[must_use]
    pub fn token_count_of(messages: &[Self]) -> u32 {
        messages.iter().map(|message| token_count(&message.parts)).fold(0, u32::saturating_add)
    }

    /// What the files of a conversation say, as the user's words: the oldest first. They are given the newest first, as
    /// many as fit into so many tokens; the first that does not fit is cut. `None` where nothing is left to say.
    #[must_use]
    pub fn of_files(newest_first: Vec<FileText>, token_room: u32) -> Option<Self> {
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
        (!parts.is_empty()).then(|| Self::of_user(parts.into()))
    }
}

/// Stands where a file was cut.
const CUT: &str = "\n[The rest of this file does not fit.]";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileName;

    fn file(name: &str, text: &str) -> FileText {
        FileText { name: FileName::from_sender(name), text: text.to_owned() }
    }

    #[test]
    fn the_first_file_that_does_not_fit_is_cut_and_ends_the_list() {
        let files = || vec![file("b", "news"), file("a", &"ä".repeat(300)), file("c", "old")];
        let all = ModelMessage::of_files(files(), 1_000).unwrap();
        assert_eq!(all.parts.len(), 3);
        assert_eq!(all.parts[2], Part::File { name: "b".to_owned(), text: "news".to_owned() });
        let some = ModelMessage::of_files(files(), 60).unwrap();
        let [Part::File { name, text }, Part::File { .. }] = &some.parts[..] else { panic!("{some:?}") };
        assert!(name == "a" && text.starts_with('ä') && text.ends_with(CUT), "{text}");
        assert!(crate::message::token_count(&some.parts) <= 60, "{some:?}");
        assert_eq!(ModelMessage::of_files(files().split_off(1), 10), None, "nothing of it fits");
    }

    #[test]
    fn no_files_make_no_message() {
        assert_eq!(ModelMessage::of_files(Vec::new(), 1_000), None);
    }
}
