//! Previews a prompt: a model answers its text. Nothing of it is kept but the row of the ledger, and the usage count of the
//! prompt.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use domain::limits::{PROMPT_CONTENT_CHARS, REPLY_BYTES};
use domain::prompt_template::expand;
use domain::text::is_blank;
use domain::{
    Caller, FailureKind, FinishReason, ModelMessage, ModelName, ModelRequest, Part, PromptId, Purpose, Reply,
    RequestOptions, UserId, chain,
};
use ports::ModelError;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Prompts, PromptsError};
use crate::model_call::{CallEnd, EndedCall, ModelCall, failure};

/// A preview to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRequest {
    /// The template.
    pub source: PreviewSource,
    /// The values of its variables, by name.
    pub values: BTreeMap<String, String>,
}

/// The template of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewSource {
    /// A prompt that the caller sees.
    Prompt {
        /// The prompt.
        id: PromptId,
        /// Its version; `None` is the current one.
        version: Option<u32>,
    },
    /// A template in the request itself.
    Content(String),
}

impl PreviewSource {
    /// The template that a request names: the prompt if it names both.
    ///
    /// # Errors
    /// [`PromptsError::NothingToPreview`] if it names none.
    pub fn of(
        prompt: Option<PromptId>,
        version: Option<u32>,
        content: Option<String>,
    ) -> Result<Self, PromptsError> {
        match (prompt, content) {
            (Some(id), _) => Ok(Self::Prompt { id, version }),
            (None, Some(content)) => Ok(Self::Content(content)),
            (None, None) => Err(PromptsError::NothingToPreview),
        }
    }
}

/// A preview whose text is ready to be sent to the model.
#[derive(Debug)]
pub struct PreparedPreview {
    user: UserId,
    text: String,
    /// The prompt whose usage is counted.
    prompt: Option<PromptId>,
}

/// The answer of a model to a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The text of the answer.
    pub text: String,
    /// The input and output tokens together.
    pub tokens: u64,
    /// The model that answered.
    pub model: ModelName,
}

/// A preview that a model is answering. Dropping it ends the call of the model.
#[derive(Debug)]
pub struct RunningPreview {
    result: oneshot::Receiver<Result<Preview, PromptsError>>,
    _left: DropGuard,
}

impl RunningPreview {
    /// Waits for the answer.
    ///
    /// # Errors
    /// If the call of the model fails, or the service shuts down.
    pub async fn answer(self) -> Result<Preview, PromptsError> {
        // The task answers before it ends, unless it panics.
        self.result.await.unwrap_or(Err(PromptsError::Failed(FailureKind::Internal.into())))
    }
}

impl Prompts {
    /// Puts the values in for the variables of a template.
    ///
    /// # Errors
    /// If the caller does not see the prompt, if it has no such version, or if the text becomes blank or too long.
    pub async fn prepare_preview(
        &self,
        caller: &Caller,
        request: PreviewRequest,
    ) -> Result<PreparedPreview, PromptsError> {
        let PreviewRequest { source, values } = request;
        let (prompt, content) = match source {
            PreviewSource::Prompt { id, version } => (Some(id), self.content_of(caller, id, version).await?),
            PreviewSource::Content(content) => (None, content),
        };
        let text = expand(&content, &values, PROMPT_CONTENT_CHARS)?;
        if is_blank(&text) {
            return Err(PromptsError::Blank);
        }
        Ok(PreparedPreview { user: caller.user, text, prompt })
    }

    async fn content_of(
        &self,
        caller: &Caller,
        id: PromptId,
        version: Option<u32>,
    ) -> Result<String, PromptsError> {
        let Some(version) = version else { return Ok(self.find(caller, id).await?.fields.content) };
        if let Some(found) = self.setup.store.version(caller.user, id, version).await? {
            return Ok(found.fields.content);
        }
        self.find(caller, id).await?;
        Err(PromptsError::NoVersion { prompt: id, version })
    }

    /// Starts the call of the model, in a task of its own, so that it is always counted.
    ///
    /// # Errors
    /// If the service is shutting down.
    pub fn start_preview(&self, prepared: PreparedPreview) -> Result<RunningPreview, PromptsError> {
        if self.setup.tasks.closing().is_cancelled() {
            return Err(PromptsError::ShuttingDown);
        }
        let (answer, result) = oneshot::channel();
        let left = CancellationToken::new();
        let (prompts, caller_left) = (self.clone(), left.clone());
        self.setup.tasks.spawn(async move {
            // If the caller is gone, nobody waits for the result.
            let _ = answer.send(prompts.preview(prepared, caller_left).await);
        });
        Ok(RunningPreview { result, _left: left.drop_guard() })
    }

    async fn preview(
        &self,
        prepared: PreparedPreview,
        caller_left: CancellationToken,
    ) -> Result<Preview, PromptsError> {
        let PreparedPreview { user, text, prompt } = prepared;
        let model = self.setup.settings.preview_model.clone();
        let request = ModelRequest {
            model: model.clone(),
            instructions: None,
            messages: vec![ModelMessage::from_user(vec![Part::Text(text)])],
            options: Arc::new(RequestOptions::default()),
        };
        let mut reply = Reply::default();
        let mut call = ModelCall::new(self.setup.model.provider(), &request);
        let take = |deltas| {
            for delta in deltas {
                reply.push(delta);
            }
            if reply.bytes() > REPLY_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended = tokio::select! {
            biased;
            () = caller_left.cancelled() => None,
            () = self.setup.tasks.closing().cancelled() => None,
            ended = call.run(self.setup.model.as_ref(), request, take) => Some(ended),
        };
        if ended.is_none() {
            call.break_off();
        }
        let call = call.end(reply.bytes(), &self.setup.settings.models);
        self.count_call(user, &call).await;
        check(ended, &reply)?;
        if let Some(prompt) = prompt {
            self.count_use(user, prompt).await;
        }
        Ok(Preview { text: reply.text(), tokens: call.usage.total(), model })
    }

    async fn count_call(&self, user: UserId, call: &EndedCall) {
        let now = self.setup.clock.now();
        if let Some(entry) = call.ledger_entry(Purpose::Preview, user, None, None, now)
            && let Err(error) = self.setup.ledger.append(entry).await
        {
            tracing::error!(user.id = %user, error = %chain(&error), "a preview of user {user} is missing in the ledger");
        }
    }

    async fn count_use(&self, user: UserId, prompt: PromptId) {
        if let Err(error) = self.setup.store.count_use(user, prompt).await {
            tracing::error!(prompt.id = %prompt, error = %chain(&error), "a use of prompt {prompt} is not counted");
        }
    }
}

/// Whether the call of a model gave an answer; `ended` is `None` if the call was broken off. As in a turn, a reply that
/// answers nothing is a failure, unless a content filter explains it.
fn check(ended: Option<Result<CallEnd, ModelError>>, reply: &Reply) -> Result<(), PromptsError> {
    match ended {
        // A caller that has left does not see it.
        None => Err(PromptsError::ShuttingDown),
        Some(Err(error)) => {
            tracing::warn!(error = %chain(&error), "the model call of a preview failed");
            Err(PromptsError::Failed(failure(&error)))
        }
        Some(Ok(CallEnd::CutOff)) => {
            tracing::warn!("the answer to a preview is too long");
            Err(PromptsError::Failed(FailureKind::Broken.into()))
        }
        Some(Ok(CallEnd::Finished(reason))) => {
            if reply.has_answer(false) || reason == FinishReason::ContentFilter {
                return Ok(());
            }
            tracing::warn!("the answer to a preview is empty");
            Err(PromptsError::Failed(FailureKind::Empty.into()))
        }
    }
}
