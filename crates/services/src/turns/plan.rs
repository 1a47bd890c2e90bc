//! Plans the request of a turn: instructions, the text of files, the history that fits, and the question.

use domain::message::token_count;
use domain::usage::{bytes_within, estimate_tokens};
use domain::{HistoryPlanner, MessageState, ModelMessage, ModelRequest, Persona, WindowMessage};
use ports::{Begun, StoreError};

use super::Inner;
use super::send::TurnInput;

/// Tokens that are reserved for the reply if the request sets no limit.
const REPLY_ROOM: u32 = 4_096;

impl Inner {
    pub(super) async fn plan(&self, begun: &Begun, input: TurnInput) -> Result<ModelRequest, StoreError> {
        let TurnInput { earlier, question, window, instructions, options, history_limit, .. } = input;
        let persona = begun.persona.as_ref().map(Persona::instructions);
        let texts: Vec<String> = persona.into_iter().chain(instructions).collect();
        let instructions = (!texts.is_empty()).then(|| texts.join("\n\n"));
        let model_window = self.setup.settings.models.window(&begun.model);
        let fixed = instructions.as_ref().map_or(0, |text| estimate_tokens(text.len()));
        let fixed = fixed.saturating_add(token_count(&question.parts));
        let reply_room = options.sampling.max_tokens.map_or(REPLY_ROOM, u32::from).min(model_window / 2);
        let room = model_window.saturating_sub(reply_room).saturating_sub(fixed);

        let files = self.files_message(begun, room / 2).await?;
        let file_tokens = files.as_ref().map_or(0, |files| token_count(&files.parts));
        let mut planner = HistoryPlanner::new(room.saturating_sub(file_tokens), history_limit);
        let mut has_room = planner.take(appended_before(begun, earlier));
        let mut page = window;
        while has_room {
            let oldest = page.messages.first().map(|message| message.seq);
            has_room = planner.take(page.messages);
            let Some(before) = oldest.filter(|_| has_room && page.has_older) else { break };
            page = self.setup.turns.earlier(begun.conversation.id, before).await?;
        }
        // The parts that change least come first, so that providers find them in their caches.
        let messages = files.into_iter().chain(planner.finish()).chain([question]).collect();
        Ok(ModelRequest { model: begun.model.clone(), instructions, messages, options })
    }

    /// Makes a message of the conversation's files, within this number of tokens.
    async fn files_message(&self, begun: &Begun, room: u32) -> Result<Option<ModelMessage>, StoreError> {
        if !begun.has_files {
            return Ok(None);
        }
        let bytes = bytes_within(room) as u64;
        let newest_first = self.setup.files.texts(begun.conversation.id, bytes).await?;
        Ok(ModelMessage::from_files(newest_first, room))
    }
}

/// The messages that were appended before the question, in the form of history: as much of them is sent as fits.
fn appended_before(begun: &Begun, earlier: Vec<ModelMessage>) -> Vec<WindowMessage> {
    let rows = begun.appended.iter().zip(earlier);
    rows.map(|(row, message)| WindowMessage {
        seq: row.seq,
        turn: begun.conversation.running,
        role: message.role,
        token_count: token_count(&message.parts),
        parts: message.parts.to_vec(),
        state: MessageState::Completed,
    })
    .collect()
}
