//! Picks the messages of the history that a request to the model includes, within the model's token limit.

use std::collections::VecDeque;

use crate::message::has_answer;
use crate::{MessageState, ModelMessage, Part, Role, Seq, TurnId};

/// A message of the history, as `begin` reads it: on the active path and not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowMessage {
    /// Its position in the conversation.
    pub seq: Seq,
    /// The turn that appended it.
    pub turn: Option<TurnId>,
    /// The author's role.
    pub role: Role,
    /// The content.
    pub parts: Vec<Part>,
    /// The state.
    pub state: MessageState,
    /// The tokens, counted or estimated.
    pub token_count: u32,
}

/// Picks complete exchanges from the history, newest first, until the limits are reached.
#[derive(Debug)]
pub struct HistoryPlanner {
    token_room: u32,
    message_room: usize,
    kept: VecDeque<WindowMessage>,
    /// The exchange that is being read, without what is left out of it.
    group: VecDeque<WindowMessage>,
    full: bool,
}

/// Tokens that each message costs in addition to its text.
const MESSAGE_OVERHEAD: u32 = 4;

impl HistoryPlanner {
    /// Creates a planner with these limits. `message_room` is `None` where the contract sets no limit.
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

    /// Adds a page of history, oldest first, that ends where the previous one began.
    /// Returns whether there is room for an older page.
    pub fn take(&mut self, page: Vec<WindowMessage>) -> bool {
        for message in page.into_iter().rev() {
            if self.full {
                break;
            }
            let begins_with_a_question = self.group.front().is_some_and(|next| next.role == Role::User);
            if begins_with_a_question && message.role != Role::User {
                self.close_group();
            }
            self.add(message);
        }
        !self.full && self.group_fits()
    }

    /// Returns the chosen messages, oldest first.
    #[must_use]
    pub fn finish(mut self) -> Vec<ModelMessage> {
        self.close_group();
        self.kept
            .into_iter()
            .map(|message| ModelMessage { role: message.role, parts: message.parts.into() })
            .collect()
    }

    /// Adds the next older message of an exchange. Questions without a reply are left out, and so are replies that answer
    /// nothing, with their questions: some providers refuse requests with blank messages. Reasoning is never sent back.
    fn add(&mut self, message: WindowMessage) {
        let is_left_out = match (message.role, self.group.front()) {
            (Role::User, None) => true,
            // A turn may have several questions before its reply. Before those of another turn, there was no reply.
            (Role::User, Some(next)) => next.role == Role::User && next.turn != message.turn,
            (Role::Assistant, _) => !has_answer(&message.parts, false),
            (Role::System | Role::Tool, _) => false,
        };
        if !is_left_out {
            self.group.push_front(message);
        }
    }

    /// Adds the messages of one exchange if all of them fit.
    fn close_group(&mut self) {
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

    /// An exchange is one of a question and a reply, whatever their turns.
    #[test]
    fn a_reply_of_another_turn_answers_its_question() {
        let again = [(1, Role::User), (2, Role::Assistant), (3, Role::User), (5, Role::Assistant)];
        let history: Vec<_> = (1..).zip(again).map(|(seq, (turn, role))| message(seq, turn, role)).collect();
        for (room, kept) in [(1_000, 4), (29, 2)] {
            let mut planner = HistoryPlanner::new(room, None);
            planner.take(history.clone());
            assert_eq!(planner.finish().len(), kept, "{room}");
        }
    }

    /// The messages of a transcript are stored by one turn. They are dropped one exchange at a time.
    #[test]
    fn exchanges_of_one_turn_are_dropped_one_by_one() {
        let turn = [Role::User, Role::Assistant, Role::User, Role::User, Role::Assistant];
        let history: Vec<_> = (1..).zip(turn).map(|(seq, role)| message(seq, 1, role)).collect();
        for (room, kept) in [(1_000, 5), (49, 3), (29, 0)] {
            let mut planner = HistoryPlanner::new(room, None);
            planner.take(history.clone());
            assert_eq!(planner.finish().len(), kept, "{room}");
        }
    }

    /// Three exchanges, and the question of turn 3, which has no reply.
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

    fn planned(mut planner: HistoryPlanner) -> Vec<String> {
        planner.take(history());
        let text = |message: ModelMessage| crate::message::text_of(&message.parts);
        planner.finish().into_iter().map(text).collect()
    }

    #[test]
    fn questions_without_a_reply_are_left_out() {
        assert_eq!(planned(HistoryPlanner::new(1_000, None)), ["1", "2", "3", "4", "6", "7"]);
    }

    /// What is planned of this history, whose messages are all of one turn, or each exchange of its own.
    fn planned_of(messages: &[(u128, Role, Part)]) -> Vec<String> {
        let message = |(seq, (turn, role, part)): (i64, &(u128, Role, Part))| WindowMessage {
            parts: vec![part.clone()],
            ..message(seq, *turn, *role)
        };
        let mut planner = HistoryPlanner::new(1_000, None);
        planner.take((1..).zip(messages).map(message).collect());
        planner.finish().into_iter().map(|message| crate::message::text_of(&message.parts)).collect()
    }

    #[test]
    fn blank_replies_are_left_out_with_their_questions() {
        let text = |text: &str| Part::Text(text.to_owned());
        let (user, assistant) = (Role::User, Role::Assistant);
        for blank in [
            text(" \n"),
            text("\u{200b}\u{a0}\u{feff}"),
            Part::Refusal(" ".into()),
            Part::Reasoning("hm".into()),
        ] {
            for turns in [[1, 2, 3], [1, 1, 1]] {
                let history = [
                    (turns[0], user, text("one")),
                    (turns[0], assistant, text("first")),
                    (turns[1], user, text("two")),
                    (turns[1], assistant, blank.clone()),
                    (turns[2], user, text("three")),
                    (turns[2], assistant, text("third")),
                ];
                assert_eq!(planned_of(&history), ["one", "first", "three", "third"], "{blank:?} {turns:?}");
                assert_eq!(planned_of(&history[..4]), ["one", "first"], "{blank:?} {turns:?}");
                assert_eq!(planned_of(&history[2..]), ["three", "third"], "{blank:?} {turns:?}");
            }
            // A blank message before the reply proper.
            let history =
                [(1, user, text("one")), (1, assistant, blank.clone()), (1, assistant, text("first"))];
            assert_eq!(planned_of(&history), ["one", "first"], "{blank:?}");
        }
    }

    #[test]
    fn a_blank_reply_takes_no_room() {
        let mut planner = HistoryPlanner::new(59, None);
        let mut blank = WindowMessage { token_count: 50_000, ..message(7, 4, Role::Assistant) };
        blank.parts = vec![Part::Text("\n".into())];
        assert!(planner.take(vec![message(6, 4, Role::User), blank]));
        planner.take(history().drain(..4).collect());
        assert_eq!(planner.finish().len(), 4);
    }

    #[test]
    fn the_oldest_exchanges_are_dropped_as_a_whole() {
        assert_eq!(planned(HistoryPlanner::new(59, None)), ["3", "4", "6", "7"]);
        assert_eq!(planned(HistoryPlanner::new(1_000, Some(3))), ["6", "7"]);
        assert_eq!(planned(HistoryPlanner::new(19, None)), Vec::<String>::new());
    }

    #[test]
    fn an_exchange_may_span_two_pages() {
        let mut planner = HistoryPlanner::new(1_000, None);
        let mut older = history();
        let newer = older.split_off(3);
        assert!(planner.take(newer));
        assert!(planner.take(older));
        assert_eq!(planner.finish().len(), 6);
    }

    #[test]
    fn a_full_planner_needs_no_older_page() {
        let mut planner = HistoryPlanner::new(25, None);
        assert!(!planner.take(history()));
        assert_eq!(planner.finish().len(), 2);
    }
}
