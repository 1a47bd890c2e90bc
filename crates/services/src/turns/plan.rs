//! Plans the prompt of a turn: instructions, what files say, the history that fits, the question.

use domain::message::token_count;
use domain::usage::{bytes_within, estimate_tokens};
use domain::{Persona, Planner, Prompt, PromptMessage};
use ports::{Begun, StoreError};

use super::Inner;
use super::send::{Opened, SendMessage};

/// A prompt and an estimate of its size.
pub(super) struct Planned {
    pub(super) prompt: Prompt,
    pub(super) tokens: u32,
}

/// Tokens that are left to the reply where nobody bounds it.
const REPLY_ROOM: u32 = 4_096;

impl Inner {
    pub(super) async fn plan(&self, opened: &Opened, message: &SendMessage) -> Result<Planned, StoreError> {
        let begun = &opened.begun;
        let persona = begun.persona.as_ref().map(Persona::instructions);
        let told: Vec<String> = persona.into_iter().chain(message.instructions.clone()).collect();
        let instructions = (!told.is_empty()).then(|| told.join("\n\n"));
        let window = self.settings.models.window(&begun.model);
        let fixed = Self::fixed_tokens(instructions.as_deref(), &message.messages);
        let reply_room = message.sampling.max_tokens.unwrap_or(REPLY_ROOM).min(window / 2);
        let room = window.saturating_sub(reply_room).saturating_sub(fixed);

        let files = self.files_message(begun, room / 2).await?;
        let file_tokens = files.as_ref().map_or(0, |files| token_count(&files.parts));
        let mut planner = Planner::new(room.saturating_sub(file_tokens), message.history_limit);
        let mut page = begun.window.clone();
        loop {
            let oldest = page.messages.first().map(|message| message.seq);
            let has_room = planner.take(page.messages);
            let Some(before) = oldest.filter(|_| has_room && page.has_older) else { break };
            page = self.store.earlier(begun.conversation.id, before).await?;
        }
        // What changes least stands first, so that providers find it in their caches.
        let mut messages: Vec<_> = files.into_iter().chain(planner.finish()).collect();
        let earlier_tokens: u32 = messages.iter().map(|message| token_count(&message.parts)).sum();
        messages.extend(message.messages.iter().cloned());
        let prompt =
            Prompt { model: begun.model.clone(), instructions, messages, sampling: message.sampling };
        Ok(Planned { prompt, tokens: fixed.saturating_add(earlier_tokens) })
    }

    /// What the conversation's files say, within so many tokens.
    async fn files_message(&self, begun: &Begun, room: u32) -> Result<Option<PromptMessage>, StoreError> {
        if !begun.has_files {
            return Ok(None);
        }
        let bytes = bytes_within(room) as u64;
        let newest_first = self.files.texts(begun.conversation.id, bytes).await?;
        Ok(PromptMessage::of_files(newest_first, room))
    }

    fn fixed_tokens(instructions: Option<&str>, question: &[PromptMessage]) -> u32 {
        let instructions = instructions.map_or(0, |text| estimate_tokens(text.len()));
        question.iter().map(|message| token_count(&message.parts)).fold(instructions, u32::saturating_add)
    }
}
