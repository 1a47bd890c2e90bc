//! Clients that resend the whole conversation, in random sequences of turns that end in all ways (C-19): on both stores,
//! no message is doubled on the path, and none is lost.

mod processes;

use std::collections::HashMap;

use domain::{Message, MessageId, MessageState, Role};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::setting;
use processes::{Fate, Processes};

/// How a client treats what failed, in what it resends.
#[derive(Debug, Clone)]
struct Habits {
    incomplete: Incomplete,
    drops_unanswered_questions: bool,
    /// It removes white space, like the Python client of the contract's document.
    strips: bool,
}

/// What a client does with replies that are not complete.
#[derive(Debug, Clone, Copy)]
enum Incomplete {
    Keep,
    Drop,
    Shorten,
}

/// What a user does next, and how the turn ends.
#[derive(Debug, Clone)]
struct Step {
    action: Action,
    fate: Fate,
    /// How many pieces of the reply the client sees.
    pieces: usize,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    /// A new question, with all that was said before.
    Ask,
    /// A new question alone.
    AskAlone,
    /// Another question in the place of an earlier one: the last one, the one before it, …
    Edit(usize),
    /// An earlier question again.
    Again(usize),
}

fn habits() -> impl Strategy<Value = Habits> {
    let incomplete = prop::sample::select(vec![Incomplete::Keep, Incomplete::Drop, Incomplete::Shorten]);
    (incomplete, any::<bool>(), any::<bool>()).prop_map(|(incomplete, drops_unanswered_questions, strips)| {
        Habits { incomplete, drops_unanswered_questions, strips }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        4 => Just(Action::Ask),
        1 => Just(Action::AskAlone),
        2 => (0..3_usize).prop_map(Action::Edit),
        2 => (0..3_usize).prop_map(Action::Again),
    ];
    let fate = prop_oneof![
        2 => Just(Fate::Completed),
        1 => Just(Fate::Failed),
        1 => Just(Fate::Stopped),
        2 => (0..4_usize, any::<bool>()).prop_map(|(stored, is_noticed)| Fate::Killed { stored, is_noticed }),
    ];
    (action, fate, 0..4_usize).prop_map(|(action, fate, pieces)| match fate {
        Fate::Completed => Step { action, fate, pieces: 3 },
        Fate::Killed { stored, is_noticed } => {
            Step { action, fate: Fate::Killed { stored: stored.min(pieces), is_noticed }, pieces }
        }
        Fate::Failed | Fate::Stopped => Step { action, fate, pieces },
    })
}

/// A message as the client knows it. Each has a mark of its own, up to the first full stop.
#[derive(Debug, Clone)]
struct Said {
    role: Role,
    text: String,
    is_complete: bool,
}

fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

fn mark(text: &str) -> String {
    text.split('.').next().unwrap_or_default().trim().to_owned()
}

impl Habits {
    /// What the client posts of these messages.
    fn posted(&self, said: &[Said]) -> Vec<(Role, String)> {
        let mut posted = Vec::new();
        for (index, one) in said.iter().enumerate() {
            let is_unanswered =
                one.role == Role::User && said.get(index + 1).is_none_or(|next| next.role == Role::User);
            if is_unanswered && self.drops_unanswered_questions {
                continue;
            }
            match self.incomplete {
                Incomplete::Drop if !one.is_complete => {}
                Incomplete::Shorten if !one.is_complete => {
                    let length = (one.text.len() / 2).max(mark(&one.text).len() + 1);
                    posted.push((one.role, self.written(&one.text[..length])));
                }
                Incomplete::Keep | Incomplete::Drop | Incomplete::Shorten => {
                    posted.push((one.role, self.written(&one.text)));
                }
            }
        }
        posted
    }

    fn written(&self, text: &str) -> String {
        if self.strips { bare(text) } else { text.to_owned() }
    }
}

/// A message of the active path.
#[derive(Debug)]
struct OnPath {
    role: Role,
    mark: String,
    /// The text without white space.
    text: String,
    is_complete: bool,
}

/// A client, its session, and what it knows.
struct Client<'a> {
    processes: &'a Processes,
    habits: &'a Habits,
    session: Option<domain::ConversationId>,
    said: Vec<Said>,
    path: Vec<OnPath>,
    /// All stored messages that were ever seen, by their marks.
    seen: HashMap<String, MessageId>,
    next: usize,
}

fn marks(path: &[OnPath]) -> Vec<String> {
    path.iter().map(|message| message.mark.clone()).collect()
}

impl Client<'_> {
    /// What to post for an action: the messages, what the client still shows before the question, and which marks may
    /// leave the path.
    fn plan(&self, action: Action) -> (Vec<(Role, String)>, usize, Vec<String>) {
        let new = format!("q{}. what  then\n?", self.next);
        let questions: Vec<usize> =
            (0..self.said.len()).filter(|index| self.said[*index].role == Role::User).collect();
        let chosen = |back: usize| questions.iter().rev().nth(back % questions.len().max(1)).copied();
        let (before, question, replaced) = match action {
            Action::Ask => (self.said.len(), new.clone(), None),
            Action::AskAlone => return (vec![(Role::User, new)], self.said.len(), Vec::new()),
            Action::Edit(back) => match chosen(back) {
                Some(index) => (index, new.clone(), Some((index, 0))),
                None => (0, new.clone(), None),
            },
            Action::Again(back) => match chosen(back) {
                Some(index) => (index, self.said[index].text.clone(), Some((index, 1))),
                None => (0, new.clone(), None),
            },
        };
        let mut posted = self.habits.posted(&self.said[..before]);
        posted.push((Role::User, self.habits.written(&question)));
        let marks = marks(&self.path);
        let gone = replaced.map_or(Vec::new(), |(index, skipped)| {
            let edited = mark(&self.said[index].text);
            let on_path = marks.iter().skip_while(|mark| **mark != edited).skip(skipped).cloned();
            // What the client shows after it goes as well, also if the question itself has left the path before.
            on_path.chain(self.said[index..].iter().map(|said| mark(&said.text))).collect()
        });
        if replaced.is_some() && !self.is_recognisable(&posted) {
            return self.plan(Action::Ask);
        }
        if self.begins_with_an_unknown_reply(&posted) {
            return self.plan(Action::AskAlone);
        }
        (posted, before, gone)
    }

    /// Whether the rule can tell that these messages repeat stored ones. If not, they are appended, as they must be.
    fn is_recognisable(&self, posted: &[(Role, String)]) -> bool {
        let is_reply = |message: &OnPath| message.role == Role::Assistant && message.is_complete;
        let marks = marks(&self.path);
        let first = marks.iter().position(|known| *known == mark(&posted[0].1));
        let Some(first) = first else { return true };
        let has_reply_before = self.path[..first].iter().any(is_reply);
        if posted.len() == 1 {
            let last = self.path.iter().rposition(|message| message.role == Role::User);
            return !self.path.iter().any(is_reply) && last == Some(first);
        }
        !has_reply_before || posted.iter().any(|(role, _)| *role == Role::Assistant)
    }

    /// Whether messages begin in the middle of the path, with a reply of which less was stored than the client has seen,
    /// and others were stored after it. Nothing shows then that they repeat stored ones, either.
    fn begins_with_an_unknown_reply(&self, posted: &[(Role, String)]) -> bool {
        let is_reply = |message: &OnPath| message.role == Role::Assistant && message.is_complete;
        let first = self.path.iter().position(|known| known.mark == mark(&posted[0].1)).unwrap_or(0);
        let (before, after) = self.path.split_at(first);
        let reply = posted.iter().find(|(role, _)| *role == Role::Assistant).map(|(_, text)| bare(text));
        let is_known = |text: String| after.iter().any(|known| known.text.starts_with(&text));
        before.iter().any(is_reply) && after.iter().any(is_reply) && reply.is_some_and(|text| !is_known(text))
    }

    /// The questions without a reply that leave the path because the client leaves them out, and has seen more of an
    /// earlier reply than was stored before its process was killed: that reply comes in their place.
    fn replaced_with_a_reply(&self, posted: &[(Role, String)]) -> Vec<String> {
        let is_stored =
            |text: &str| self.path.iter().any(|known| known.mark == mark(text) && known.is_complete);
        if posted.iter().all(|(role, text)| *role == Role::User || is_stored(text)) {
            return Vec::new();
        }
        let with_next = self.path.iter().zip(self.path.iter().skip(1).map(Some).chain([None]));
        let unanswered = with_next
            .filter(|(one, next)| one.role == Role::User && next.is_none_or(|next| next.role == Role::User));
        unanswered.map(|(one, _)| one.mark.clone()).collect()
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (posted, before, gone) = self.plan(step.action);
        self.said.truncate(before);
        let number = self.next;
        self.next += 1;
        let all = [format!("r{number}. one"), " two".to_owned(), "\nthree".to_owned()];
        let pieces = &all[..step.pieces];
        self.session = Some(self.processes.post(self.session, &posted, pieces, step.fate).await);
        let question = posted.last().unwrap().1.clone();
        self.said.push(Said { role: Role::User, text: question.clone(), is_complete: true });
        if !pieces.is_empty() {
            let is_complete = step.fate == Fate::Completed;
            self.said.push(Said { role: Role::Assistant, text: pieces.concat(), is_complete });
        }
        let (stored, is_noticed) = match step.fate {
            Fate::Killed { stored, is_noticed } => (stored, is_noticed),
            Fate::Completed | Fate::Failed | Fate::Stopped => (step.pieces, true),
        };
        let (text, is_stored) = (bare(&pieces[..stored].concat()), stored > 0);
        let reply = OnPath { role: Role::Assistant, mark: format!("r{number}"), text, is_complete: false };
        let last = if is_stored { reply.mark.clone() } else { mark(&question) };
        if is_noticed {
            self.processes.notice_killed().await;
        }
        // Otherwise the partial reply comes on the path with the next message.
        self.check(&posted, &gone, &last, (is_stored && !is_noticed).then_some(reply)).await
    }

    async fn check(
        &mut self,
        posted: &[(Role, String)],
        gone: &[String],
        last: &str,
        expected: Option<OnPath>,
    ) -> Result<(), TestCaseError> {
        let session = self.session.unwrap();
        let unanswered = self.replaced_with_a_reply(posted);
        let before = marks(&std::mem::take(&mut self.path));
        let path = self.processes.path(session).await;
        self.seen.extend(path.iter().map(|message| (mark(&message.text()), message.id)));
        let on_path = |message: &Message| {
            let is_complete = message.state == MessageState::Completed;
            let text = message.text();
            OnPath { role: message.role, mark: mark(&text), text: bare(&text), is_complete }
        };
        self.path = path.iter().map(on_path).chain(expected).collect();
        let now = marks(&self.path);
        let shown = format!("{}: {posted:?} after {before:?} became {now:?}", self.processes.name());
        let mut once = now.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), now.len(), "a message is doubled: {}", shown);
        let mut rest = now.iter();
        for (_, text) in posted {
            prop_assert!(
                rest.any(|known| *known == mark(text)),
                "a message is lost, or out of order: {}",
                shown
            );
        }
        for lost in before.iter().filter(|known| !now.contains(known)) {
            let may_go = gone.contains(lost) || unanswered.contains(lost);
            prop_assert!(may_go, "{} is lost: {}", lost, shown);
        }
        prop_assert_eq!(now.last().map(String::as_str), Some(last), "{}", shown);
        for (mark, id) in &self.seen {
            prop_assert!(self.processes.has(session, *id).await, "{} left the tree: {}", mark, shown);
        }
        Ok(())
    }
}

async fn run(processes: &Processes, habits: &Habits, steps: &[Step]) -> Result<(), TestCaseError> {
    let (said, path, seen) = (Vec::new(), Vec::new(), HashMap::new());
    let mut client = Client { processes, habits, session: None, said, path, seen, next: 0 };
    for step in steps {
        client.take(step).await?;
    }
    Ok(())
}

/// Runs random cases: 60 of them, or as many as the environment asks for.
fn check(start: impl AsyncFnOnce() -> Processes) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let processes = runtime.block_on(start());
    let config = ProptestConfig {
        cases: setting("OMNICHAT_TEST_TRANSCRIPTS", 60),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let cases = (habits(), vec(step(), 1..9));
    let result = TestRunner::new(config)
        .run(&cases, |(habits, steps)| runtime.block_on(run(&processes, &habits, &steps)));
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// S1-8, C-19, C-39
#[test]
fn a_client_that_resends_everything_loses_and_doubles_nothing_on_sqlite() {
    check(Processes::on_sqlite);
}

/// S1-8, C-19, C-39
#[test]
fn a_client_that_resends_everything_loses_and_doubles_nothing_on_postgres() {
    check(Processes::on_postgres);
}
