//! The words that both stores keep for enums.

use std::time::Duration;

use domain::{Contract, EndState, Failure, FailureKind, FinishReason, MessageState, Purpose};
use serde::Serialize;

use crate::StoredError;

const PURPOSES: [Purpose; 4] = [Purpose::Turn, Purpose::Title, Purpose::Summary, Purpose::Preview];

/// The word for a contract.
#[must_use]
pub fn contract_name(contract: Contract) -> &'static str {
    match contract {
        Contract::LlmChat => "llm_chat",
        Contract::ChatApi => "chat_api",
        Contract::ChatService => "chat_service",
        Contract::ChatAi => "chat_ai",
        Contract::PersonaChat => "persona_chat",
        Contract::OpenAi => "open_ai",
    }
}

/// The words for contracts.
#[must_use]
pub fn contract_names(contracts: &[Contract]) -> Vec<&'static str> {
    contracts.iter().copied().map(contract_name).collect()
}

/// Reads the word for a contract.
///
/// # Errors
/// [`StoredError::Word`] where it stands for no contract.
pub fn contract_from(word: &str) -> Result<Contract, StoredError> {
    let found = Contract::ALL.into_iter().find(|contract| contract_name(*contract) == word);
    found.ok_or_else(|| unknown("contract", word))
}

/// The word for the purpose of a model call.
#[must_use]
pub fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Turn => "turn",
        Purpose::Title => "title",
        Purpose::Summary => "summary",
        Purpose::Preview => "preview",
    }
}

/// Reads the word for the purpose of a model call.
///
/// # Errors
/// [`StoredError::Word`] where it stands for no purpose.
pub fn purpose_from(word: &str) -> Result<Purpose, StoredError> {
    let found = PURPOSES.into_iter().find(|purpose| purpose_name(*purpose) == word);
    found.ok_or_else(|| unknown("purpose", word))
}

/// How a turn ended, as four columns of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StoredEnd<'a> {
    /// `completed`, `failed`, `stopped` or `interrupted`.
    pub state: &'a str,
    /// Why the model stopped writing, for completed turns.
    pub finish_reason: Option<&'a str>,
    /// The code of the failure, for failed turns.
    pub failure: Option<&'a str>,
    /// After how many milliseconds to try again, for some failed turns.
    pub retry_after_ms: Option<i64>,
}

impl<'a> From<&'a EndState> for StoredEnd<'a> {
    fn from(end: &'a EndState) -> Self {
        let state = end.message_state().as_str();
        let plain = Self { state, finish_reason: None, failure: None, retry_after_ms: None };
        match end {
            EndState::Completed(reason) => Self { finish_reason: Some(reason.as_str()), ..plain },
            EndState::Failed(failure) => {
                let milliseconds = |pause: Duration| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                Self {
                    failure: Some(failure.kind.code().as_str()),
                    retry_after_ms: failure.retry_after.map(milliseconds),
                    ..plain
                }
            }
            EndState::Stopped | EndState::Interrupted => plain,
        }
    }
}

impl TryFrom<StoredEnd<'_>> for EndState {
    type Error = StoredError;

    fn try_from(stored: StoredEnd<'_>) -> Result<Self, StoredError> {
        let state = MessageState::parse(stored.state).ok_or_else(|| unknown("state", stored.state))?;
        Ok(match state {
            MessageState::Completed => {
                let reason = stored.finish_reason.ok_or_else(|| unknown("finish reason", ""))?;
                Self::Completed(FinishReason::from_name(reason))
            }
            MessageState::Failed => {
                let code = stored.failure.unwrap_or_default();
                let kind = FailureKind::parse(code).ok_or_else(|| unknown("failure", code))?;
                let pause = stored.retry_after_ms.and_then(|pause| u64::try_from(pause).ok());
                Self::Failed(Failure { kind, retry_after: pause.map(Duration::from_millis) })
            }
            MessageState::Stopped => Self::Stopped,
            MessageState::Interrupted => Self::Interrupted,
        })
    }
}

pub(crate) fn unknown(what: &'static str, word: &str) -> StoredError {
    StoredError::Word { what, word: word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_comes_back() {
        let words = Contract::ALL.map(contract_name);
        assert_eq!(words, ["llm_chat", "chat_api", "chat_service", "chat_ai", "persona_chat", "open_ai"]);
        assert_eq!(words.map(|word| contract_from(word).unwrap()), Contract::ALL);
    }

    #[test]
    fn every_purpose_comes_back() {
        let words = PURPOSES.map(purpose_name);
        assert_eq!(words, ["turn", "title", "summary", "preview"]);
        assert_eq!(words.map(|word| purpose_from(word).unwrap()), PURPOSES);
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        assert!(matches!(contract_from("llmchat"), Err(StoredError::Word { what: "contract", .. })));
        assert!(matches!(purpose_from(""), Err(StoredError::Word { what: "purpose", .. })));
    }

    #[test]
    fn every_end_comes_back() {
        let busy =
            Failure { kind: FailureKind::RateLimited, retry_after: Some(Duration::from_millis(1_500)) };
        for end in [
            EndState::Completed(FinishReason::Stop),
            EndState::Completed(FinishReason::Other("tired".into())),
            EndState::Failed(busy),
            EndState::Failed(FailureKind::Internal.into()),
            EndState::Stopped,
            EndState::Interrupted,
        ] {
            assert_eq!(EndState::try_from(StoredEnd::from(&end)).unwrap(), end);
        }
    }

    #[test]
    fn an_end_that_lacks_what_its_state_needs_is_an_error() {
        let plain = StoredEnd { state: "stopped", finish_reason: None, failure: None, retry_after_ms: None };
        for state in ["running", "completed", "failed", ""] {
            assert!(EndState::try_from(StoredEnd { state, ..plain }).is_err(), "{state}");
        }
        let unknown = StoredEnd { state: "failed", failure: Some("upstream_bored"), ..plain };
        assert!(EndState::try_from(unknown).is_err());
    }
}
