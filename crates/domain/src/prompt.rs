//! What the model sees: the planner picks it from the history, within the model's token limit.

use std::collections::VecDeque;

use crate::usage::bytes_within;
use crate::{FileText, MessageState, ModelName, Part, Role, Sampling, Seq, TurnId};

/// A request to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The model, as it was asked for.
    pub model: ModelName,
    /// What the model is told before all.
    pub instructions: Option<String>,
    /// The messages, oldest first; the last one is the question.
    pub messages: Vec<PromptMessage>,
    /// How the model is to write.
    pub sampling: Sampling,
}

/// A message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// Who speaks.
    pub role: Role,
    /// What it says.
    pub parts: Vec<Part>,
}

/// A message of the history, as `begin` reads it: active and not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowMessage {
    /// Its place.
    pub seq: Seq,
    /// The turn it came with.
    pub turn: Option<TurnId>,
    /// Who speaks.
    pub role: Role,
    /// What it says.
    pub parts: Vec<Part>,
    /// How it ended.
    pub state: MessageState,
    /// Its tokens, counted or estimated.
    pub token_count: u32,
}

impl PromptMessage {
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
        (!parts.is_empty()).then(|| Self { role: Role::User, parts: parts.into() })
    }
}

/// Stands where a file was cut.
const CUT: &str = "\n[The rest of this file does not fit.]";

/// Picks whole exchanges from the history, newest first, while there is room.
#[derive(Debug)]
pub struct Planner {
    token_room: u32,
    message_room: usize,
    kept: VecDeque<WindowMessage>,
    group: VecDeque<WindowMessage>,
    full: bool,
}

/// Tokens that each message costs beside its text.
const MESSAGE_OVERHEAD: u32 = 4;

impl Planner {
    /// A planner with room for so many tokens and, where a contract bounds them, so many messages of history.
    #[must_use]
    pub fn new(token_room: u32, message_room: Option<usize>) -> Self {
        Self {
            token_room,
            message_room: message_room.unwrap_or(usize::MAX),
            kept: VecDeque::new(),
            group: VecDeque::new(),
            full: false,
        }
    }

    /// Takes a page of history, oldest first, that ends where the last one began.
    /// Answers whether there is room for an older page.
    pub fn take(&mut self, page: Vec<WindowMessage>) -> bool {
        for message in page.into_iter().rev() {
            if self.full {
                break;
            }
            let same_turn = self.group.front().is_none_or(|next| next.turn == message.turn);
            if !same_turn {
                self.close_group();
            }
            self.group.push_front(message);
        }
        !self.full && self.group_fits()
    }

    /// The chosen messages, oldest first.
    #[must_use]
    pub fn finish(mut self) -> Vec<PromptMessage> {
        self.close_group();
        self.kept
            .into_iter()
            .map(|message| PromptMessage { role: message.role, parts: message.parts })
            .collect()
    }

    /// A turn is kept whole or not at all; questions that got no reply are left out.
    fn close_group(&mut self) {
        while self.group.back().is_some_and(|message| message.role == Role::User) {
            self.group.pop_back();
        }
        if !self.group_fits() {
            self.full = true;
            self.group.clear();
        }
        if self.full {
            return;
        }
        self.token_room -= Self::tokens(&self.group);
        self.message_room -= self.group.len();
        while let Some(message) = self.group.pop_back() {
            self.kept.push_front(message);
        }
    }

    fn group_fits(&self) -> bool {
        Self::tokens(&self.group) <= self.token_room && self.group.len() <= self.message_room
    }

    fn tokens(messages: &VecDeque<WindowMessage>) -> u32 {
        let tokens = |message: &WindowMessage| message.token_count.saturating_add(MESSAGE_OVERHEAD);
        messages.iter().map(tokens).fold(0, u32::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::FileName;

    fn message(seq: i64, turn: u128, role: Role) -> WindowMessage {
        WindowMessage {
            seq: Seq(seq),
            turn: Some(TurnId(Uuid::from_u128(turn))),
            role,
            parts: vec![Part::Text(seq.to_string())],
            state: MessageState::Completed,
            token_count: 6,
        }
    }

    /// Three exchanges; the question of turn 3 got no reply.
    fn history() -> Vec<WindowMessage> {
        vec![
            message(1, 1, Role::User),
            message(2, 1, Role::Assistant),
            message(3, 2, Role::User),
            message(4, 2, Role::Assistant),
            message(5, 3, Role::User),
            message(6, 4, Role::User),
            message(7, 4, Role::Assistant),
        ]
    }

    fn planned(mut planner: Planner) -> Vec<String> {
        planner.take(history());
        let text = |message: PromptMessage| crate::message::text_of(&message.parts);
        planner.finish().into_iter().map(text).collect()
    }

    #[test]
    fn questions_without_a_reply_are_left_out() {
        assert_eq!(planned(Planner::new(1_000, None)), ["1", "2", "3", "4", "6", "7"]);
    }

    #[test]
    fn whole_exchanges_drop_oldest_first() {
        assert_eq!(planned(Planner::new(59, None)), ["3", "4", "6", "7"]);
        assert_eq!(planned(Planner::new(1_000, Some(3))), ["6", "7"]);
        assert_eq!(planned(Planner::new(19, None)), Vec::<String>::new());
    }

    #[test]
    fn pages_may_cut_an_exchange() {
        let mut planner = Planner::new(1_000, None);
        let mut older = history();
        let newer = older.split_off(3);
        assert!(planner.take(newer));
        assert!(planner.take(older));
        assert_eq!(planner.finish().len(), 6);
    }

    #[test]
    fn a_full_planner_asks_for_no_older_page() {
        let mut planner = Planner::new(25, None);
        assert!(!planner.take(history()));
        assert_eq!(planner.finish().len(), 2);
    }

    fn file(name: &str, text: &str) -> FileText {
        FileText { name: FileName::from_sender(name), text: text.to_owned() }
    }

    #[test]
    fn the_first_file_that_does_not_fit_is_cut_and_ends_the_list() {
        let files = || vec![file("b", "news"), file("a", &"ä".repeat(300)), file("c", "old")];
        let all = PromptMessage::of_files(files(), 1_000).unwrap();
        assert_eq!(all.parts.len(), 3);
        assert_eq!(all.parts[2], Part::File { name: "b".to_owned(), text: "news".to_owned() });
        let some = PromptMessage::of_files(files(), 60).unwrap();
        let [Part::File { name, text }, Part::File { .. }] = &some.parts[..] else { panic!("{some:?}") };
        assert!(name == "a" && text.starts_with('ä') && text.ends_with(CUT), "{text}");
        assert!(crate::message::token_count(&some.parts) <= 60, "{some:?}");
        assert_eq!(PromptMessage::of_files(files().split_off(1), 10), None, "nothing of it fits");
    }

    #[test]
    fn no_files_make_no_message() {
        assert_eq!(PromptMessage::of_files(Vec::new(), 1_000), None);
    }
}
