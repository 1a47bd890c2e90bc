//! Matches the messages that a client posts with those that are stored (C-19). Some clients post their new message
//! alone, others post the whole conversation each time: a transcript.

mod counts;

use std::collections::HashMap;

use counts::Counts;

use crate::text::is_invisible;
use crate::{Message, MessageState, Part, Role, Seq};

/// Where posted messages belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// All of them are new. They follow what is stored.
    New,
    /// The first ones are stored already, the others are new.
    Partly {
        /// The number of the posted messages that are stored.
        stored: usize,
        /// The new ones follow the message at this position. Later ones leave the active path.
        keep_to: Seq,
    },
    /// All of them are stored. The last one, a question, is answered again. Later ones leave the active path.
    Again {
        /// The position of the question.
        question: Seq,
        /// The content of the question, as it is stored.
        parts: Vec<Part>,
    },
}

/// Matches posted messages with the stored ones, which it is given one by one.
///
/// Two messages are equal if they have the same role and the same visible text: clients trim texts, and some trim each
/// piece of a reply. A client may leave out what failed: a question without a reply, and a reply that is not complete,
/// which it may also know in part only. So there can be several ways to match; of these, the one is taken that matches
/// the most posted messages, then one that begins with the first stored message, then the newest stored messages.
///
/// A transcript begins with the first stored message, apart from what may be left out. It may also begin with a later
/// one, because a client may have edited its first question; then a reply must be equal, too, or all that is stored after
/// the equal questions may be left out.
#[derive(Debug)]
pub struct TranscriptMatcher {
    /// The authors of the posted messages.
    posted: Vec<Role>,
    /// Where each of the different posted texts is among them, from 0.
    texts: HashMap<String, Counts>,
    /// How many posted messages can be matched by now, if the first one equals the first stored one: all possibilities
    /// but the one that all are.
    from_start: Counts,
    /// The same, if the first one may equal any stored one.
    from_anywhere: Counts,
    /// The best way to match so far that begins with the first stored message.
    best_from_start: Option<Match>,
    /// The best way that begins with any stored message, and shows a transcript because a reply is equal.
    best_with_reply: Option<Match>,
    /// The best way that does so if the stored messages end here, or go on with what may be left out.
    tail: Option<Match>,
    /// The newest stored message so far. What it means depends on the one after it.
    last: Option<Message>,
    last_question: Option<Seq>,
}

/// A way to match posted messages.
#[derive(Debug)]
struct Match {
    /// The number of posted messages, from the first one on.
    posted: usize,
    /// The position of the stored message that equals the last of them.
    at: Seq,
    /// The content of that message, if it is the last one that was posted.
    parts: Option<Vec<Part>>,
    /// New messages would follow the message at this position.
    keep_to: Seq,
    /// Whether `keep_to` may still move to later messages.
    is_open: bool,
}

impl TranscriptMatcher {
    /// Begins to match these messages, oldest first: their roles and texts.
    pub fn new<'a>(posted: impl IntoIterator<Item = (Role, &'a str)>) -> Self {
        let posted: Vec<(Role, &str)> = posted.into_iter().collect();
        let none = Counts::none(posted.len());
        let mut texts = HashMap::new();
        for (index, (role, text)) in posted.iter().enumerate() {
            texts.entry(comparable(*role, text)).or_insert_with(|| none.clone()).insert(index);
        }
        let (mut from_start, mut from_anywhere) = (none.clone(), none);
        from_start.insert(0);
        // Of a message that is posted alone, nothing shows that it is a transcript, unless nothing was answered yet.
        if posted.len() > 1 {
            from_anywhere.insert(0);
        }
        Self {
            posted: posted.into_iter().map(|(role, _)| role).collect(),
            texts,
            from_start,
            from_anywhere,
            best_from_start: None,
            best_with_reply: None,
            tail: None,
            last: None,
            last_question: None,
        }
    }

    /// Adds the next stored message of the active path. Returns whether later ones can make a difference.
    pub fn take(&mut self, message: Message) -> bool {
        if let Some(before) = self.last.take() {
            self.step(&before, Some(&message));
        }
        self.last = Some(message);
        !self.from_start.is_empty() || !self.from_anywhere.is_empty()
    }

    /// Returns where the posted messages belong.
    #[must_use]
    pub fn finish(mut self) -> Placement {
        if let Some(last) = self.last.take() {
            self.step(&last, None);
        }
        let ways = [self.best_from_start, self.best_with_reply, self.tail].into_iter().flatten();
        match ways.reduce(|best, way| if way.posted > best.posted { way } else { best }) {
            Some(found) if self.posted.len() == 1 && self.last_question != Some(found.at) => Placement::New,
            Some(Match { at, parts: Some(parts), .. }) => Placement::Again { question: at, parts },
            Some(Match { posted, keep_to, .. }) => Placement::Partly { stored: posted, keep_to },
            None => Placement::New,
        }
    }

    /// Compares a stored message; `next` is the one that follows it.
    fn step(&mut self, stored: &Message, next: Option<&Message>) {
        if stored.role == Role::User {
            self.last_question = Some(stored.seq);
        }
        let is_left_out = may_be_left_out(stored, next);
        if self.posted.len() == 1 && !is_left_out && stored.role == Role::Assistant {
            self.from_start.clear();
            self.best_from_start = None;
            return;
        }
        let equal = self.equal_to(stored);
        let from_start = self.from_start.next_of_both(&equal);
        let from_anywhere = self.from_anywhere.next_of_both(&equal);
        let stays = stays_before_new(stored, next);
        let last = from_anywhere.last();
        let has_reply = |count: &usize| self.posted.iter().take(*count).any(|role| *role == Role::Assistant);
        let with_reply = last.filter(has_reply);
        let best = (self.best_from_start.take(), self.best_with_reply.take(), self.tail.take());
        self.best_from_start = self.better(best.0, from_start.last(), stored, stays);
        self.best_with_reply = self.better(best.1, with_reply, stored, stays);
        let tail = self.better(best.2, last, stored, stays);
        self.tail = tail.filter(|tail| is_left_out || tail.at == stored.seq);
        if !is_left_out {
            self.from_start.clear();
            self.from_anywhere.clear();
        }
        self.from_start.extend(&from_start);
        self.from_anywhere.extend(&from_anywhere);
        self.from_start.remove(self.posted.len());
        self.from_anywhere.remove(self.posted.len());
        if self.posted.len() > 1 {
            self.from_anywhere.insert(0);
        }
    }

    /// The better one of a way to match and of another, which ends with this stored message.
    fn better(
        &self,
        way: Option<Match>,
        other: Option<usize>,
        stored: &Message,
        stays: bool,
    ) -> Option<Match> {
        match (way, other) {
            (Some(mut way), other) if other.is_none_or(|other| other < way.posted) => {
                way.is_open &= stays;
                if way.is_open {
                    way.keep_to = stored.seq;
                }
                Some(way)
            }
            (_, Some(posted)) => {
                let next = self.posted.get(posted);
                Some(Match {
                    posted,
                    at: stored.seq,
                    keep_to: stored.seq,
                    // A posted reply takes the place of what follows the question that it answers.
                    is_open: next.is_some_and(|role| *role == Role::User),
                    parts: next.is_none().then(|| stored.parts.clone()),
                })
            }
            (way, None) => way,
        }
    }

    /// Which posted messages a stored one equals.
    fn equal_to(&self, stored: &Message) -> Counts {
        let text = comparable(stored.role, &stored.text());
        let mut equal = Counts::none(self.posted.len());
        if is_incomplete(stored) {
            let known = self.texts.iter().filter(|(known, _)| text.starts_with(known.as_str()));
            known.for_each(|(_, indexes)| equal.extend(indexes));
        } else if let Some(indexes) = self.texts.get(&text) {
            equal.extend(indexes);
        }
        equal
    }
}

/// The role and the visible text, in a form that is equal for equal messages.
fn comparable(role: Role, text: &str) -> String {
    let mut comparable = format!("{role:?} ");
    comparable.extend(text.chars().filter(|c| !is_invisible(*c)));
    comparable
}

fn is_incomplete(message: &Message) -> bool {
    message.role == Role::Assistant && message.state != MessageState::Completed
}

/// Whether clients cannot post the message: it has no text, or a role that they do not have.
fn cannot_be_posted(message: &Message) -> bool {
    match message.role {
        Role::System | Role::Tool => true,
        Role::User | Role::Assistant => message.text().chars().all(is_invisible),
    }
}

/// Whether clients may leave the message out of a transcript. With a reply that is not complete, they may also leave out
/// its question.
fn may_be_left_out(message: &Message, next: Option<&Message>) -> bool {
    let is_answered = || next.is_some_and(|next| next.role == Role::Assistant && !is_incomplete(next));
    match message.role {
        Role::User => !is_answered() || cannot_be_posted(message),
        Role::System | Role::Assistant | Role::Tool => is_incomplete(message) || cannot_be_posted(message),
    }
}

/// Whether the message stays on the path before new messages, though the transcript does not have it. A question that has
/// a reply does not, whatever its state: the new question is an edit of it.
fn stays_before_new(message: &Message, next: Option<&Message>) -> bool {
    let is_answered = message.role == Role::User && next.is_some_and(|next| next.role == Role::Assistant);
    may_be_left_out(message, next) && !is_answered
}

#[cfg(test)]
mod tests;
