//! Matches the messages that a client posts with those that are stored (C-19). Some clients post their new message
//! alone, others post the whole conversation each time: a transcript.

use std::collections::{HashMap, HashSet};

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
/// the most posted messages, and the newest stored ones.
///
/// A transcript begins with the first stored message, apart from what may be left out. It may also begin with a later
/// one, because a client may have edited its first question; then a reply must be equal, too, or all that is stored after
/// the equal questions may be left out.
#[derive(Debug)]
pub struct TranscriptMatcher {
    posted: Vec<Posted>,
    /// The different posted texts, each with its index, which equal messages share.
    texts: HashMap<String, usize>,
    /// How many posted messages can be matched by now, if the first one equals the first stored one: all possibilities, in
    /// rising order, but for the one that all are.
    from_start: Vec<usize>,
    /// The same, if the first one may equal any stored one.
    from_anywhere: Vec<usize>,
    /// The best way to match so far that shows a transcript.
    best: Option<Match>,
    /// The best way that does so if the stored messages end here, or go on with what may be left out.
    tail: Option<Match>,
    /// The newest stored message so far. What it means depends on the one after it.
    last: Option<Message>,
    last_question: Option<Seq>,
}

#[derive(Debug)]
struct Posted {
    role: Role,
    /// The index of its text.
    text: usize,
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
        let mut texts = HashMap::new();
        let posted = posted.into_iter().map(|(role, text)| {
            let next = texts.len();
            Posted { role, text: *texts.entry(comparable(role, text)).or_insert(next) }
        });
        let posted: Vec<Posted> = posted.collect();
        // Of a message that is posted alone, nothing shows that it is a transcript, unless nothing was answered yet.
        let from_anywhere = if posted.len() > 1 { vec![0] } else { Vec::new() };
        Self {
            posted,
            texts,
            from_start: vec![0],
            from_anywhere,
            best: None,
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
        let is_more = |tail: &Match| self.best.as_ref().is_none_or(|best| tail.posted > best.posted);
        let found = self.tail.take_if(|tail| is_more(tail)).or(self.best);
        match found {
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
            self.best = None;
            return;
        }
        let equal = self.equal_texts(stored);
        let from_start = self.advance(&self.from_start, &equal);
        let from_anywhere = self.advance(&self.from_anywhere, &equal);
        let is_shown = |count: &usize| self.posted.iter().take(*count).any(|one| one.role == Role::Assistant);
        let shown = from_anywhere.last().copied().filter(is_shown).max(from_start.last().copied());
        let last = from_anywhere.last().copied();
        let stays = stays_before_new(stored, next);
        let (best, tail) = (self.best.take(), self.tail.take());
        self.best = self.better(best, shown, stored, stays);
        let tail = self.better(tail, last, stored, stays);
        self.tail = tail.filter(|tail| is_left_out || tail.at == stored.seq);
        let before = (std::mem::take(&mut self.from_start), std::mem::take(&mut self.from_anywhere));
        self.from_start = self.reachable(before.0, from_start, is_left_out);
        self.from_anywhere = self.reachable(before.1, from_anywhere, is_left_out);
        if self.posted.len() > 1 && !is_left_out {
            self.from_anywhere.insert(0, 0);
            self.from_anywhere.dedup();
        }
    }

    /// How many posted messages are matched with a stored one that equals these texts, for each number before it where
    /// the next one is equal.
    fn advance(&self, before: &[usize], equal: &HashSet<usize>) -> Vec<usize> {
        let is_equal = |count: &&usize| self.posted.get(**count).is_some_and(|one| equal.contains(&one.text));
        before.iter().filter(is_equal).map(|count| count + 1).collect()
    }

    /// The possibilities after a stored message: those where it was matched, and the earlier ones if it may be left out.
    fn reachable(&self, before: Vec<usize>, advanced: Vec<usize>, is_left_out: bool) -> Vec<usize> {
        let mut reachable = if is_left_out { before } else { Vec::new() };
        reachable.extend(advanced);
        reachable.sort_unstable();
        reachable.dedup();
        reachable.retain(|count| *count < self.posted.len());
        reachable
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
                    is_open: next.is_some_and(|next| next.role == Role::User),
                    parts: next.is_none().then(|| stored.parts.clone()),
                })
            }
            (way, None) => way,
        }
    }

    /// The posted texts that a stored message equals, by their indices.
    fn equal_texts(&self, stored: &Message) -> HashSet<usize> {
        let text = comparable(stored.role, &stored.text());
        if is_incomplete(stored) {
            let known = self.texts.iter().filter(|(known, _)| text.starts_with(known.as_str()));
            return known.map(|(_, index)| *index).collect();
        }
        self.texts.get(&text).copied().into_iter().collect()
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
