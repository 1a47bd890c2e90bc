//! Finds out which of the messages to send are stored already: some clients post the whole conversation each time
//! (C-19, `docs/decisions/009-transcripts.md`).

use domain::message::text_of;
use domain::{MessagePage, ModelMessage, Part, Placement, Role, Seq, TranscriptMatcher, UserId};
use ports::{Branch, MessageBatch};

use super::send::{SendMessage, SendTarget};
use super::{Inner, SendError};

/// How many stored messages are read at once for a message that is posted alone.
const ROWS_FOR_ONE: u32 = 8;

/// The messages of a turn, without those that are stored already.
pub(super) struct Placed {
    /// Where they branch off; `None` appends them to the end of the active path.
    pub(super) branch: Option<Branch>,
    /// Messages to append before the question, oldest first.
    pub(super) earlier: Vec<ModelMessage>,
    pub(super) question: ModelMessage,
    /// Whether the question is stored already, and answered again.
    is_stored: bool,
}

impl Placed {
    /// All messages are new.
    fn all_new(message: &SendMessage) -> Self {
        let (earlier, question) = (message.earlier.clone(), message.question.clone());
        Self { branch: None, earlier, question, is_stored: false }
    }

    /// The messages to append, oldest first.
    pub(super) fn new_messages(&self) -> impl Iterator<Item = &ModelMessage> {
        let question = (!self.is_stored).then_some(&self.question);
        self.earlier.iter().chain(question)
    }
}

impl Inner {
    /// Compares the messages with those that are stored, if they may be among them.
    pub(super) async fn place(&self, caller: UserId, message: &SendMessage) -> Result<Placed, SendError> {
        let mut placed = Placed::all_new(message);
        let key = match &message.target {
            SendTarget::Existing(key) | SendTarget::WithPersona(key) if message.may_repeat => key,
            SendTarget::Existing(_) | SendTarget::WithPersona(_) | SendTarget::New(_) => return Ok(placed),
        };
        let store = &self.setup.conversations;
        // Read before the messages: if some are added meanwhile, the begin notices it.
        let found = store.find(caller, key.clone()).await?;
        let expect_last = found.or(SendError::Foreign, SendError::NotFound)?.last_seq;

        let texts: Vec<(Role, String)> =
            placed.new_messages().map(|message| (message.role, text_of(&message.parts))).collect();
        let mut matcher = TranscriptMatcher::new(texts.iter().map(|(role, text)| (*role, text.as_str())));
        // A message that is posted alone is mostly compared with the first exchange only.
        let limit = (texts.len() == 1).then_some(ROWS_FOR_ONE);
        let mut page = Some(MessagePage { limit, ..MessagePage::default() });
        while let Some(asked) = page {
            let found = store.messages(caller, key.clone(), asked).await?;
            let MessageBatch { messages, rest, has_more } =
                found.or(SendError::Foreign, SendError::NotFound)?;
            let last = messages.last().map(|message| message.seq);
            let goes_on = messages.into_iter().all(|message| matcher.take(message));
            let next = last.filter(|_| has_more).map(|last| MessagePage { after: Some(last), ..asked });
            page = rest.or(next).filter(|_| goes_on);
        }
        match matcher.finish() {
            Placement::New => {}
            Placement::Partly { stored, keep_to } => {
                placed.branch = Some(Branch { expect_last, keep_to });
                placed.earlier.drain(..stored.min(placed.earlier.len()));
            }
            Placement::Again { question, parts } => placed.answer_again(expect_last, question, parts),
        }
        Ok(placed)
    }
}

impl Placed {
    fn answer_again(&mut self, expect_last: Seq, question: Seq, parts: Vec<Part>) {
        self.branch = Some(Branch { expect_last, keep_to: question });
        self.earlier.clear();
        (self.question, self.is_stored) = (ModelMessage::from_user(parts), true);
    }
}
