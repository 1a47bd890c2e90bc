//! The reasons for the end of an answer, by the many names that servers have for them.

use domain::FinishReason;
use ports::ModelError;

use crate::json::Json;
use crate::provider_error::{broken, unavailable};

/// What a name says about the end of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// The answer ended.
    End(FinishReason),
    /// The provider gave up.
    Failure {
        /// The name, for the log.
        name: String,
        /// Whether another attempt may succeed, if nothing of the answer was received.
        is_overload: bool,
    },
}

impl Named {
    /// Returns the reason; a failure becomes an error. `began` says whether a delta was received.
    pub(crate) fn or_error(self, began: bool) -> Result<FinishReason, ModelError> {
        match self {
            Self::End(reason) => Ok(reason),
            Self::Failure { name, is_overload } => {
                let words = format!("the finish reason is a failure: {name}");
                Err(if is_overload && !began { unavailable(&words) } else { broken(&words) })
            }
        }
    }
}

/// Reads the value of `finish_reason`, which is a string. `SGLang` may send an object with the name in `type`. `None` for
/// anything that names no reason.
pub(crate) fn read(value: Json<'_>) -> Option<Named> {
    let name = value.string().or_else(|| value.get("type")?.string())?;
    from_name(&name)
}

/// Reads a name, in any letter case; `None` if it names no reason. Unknown names stay as they are.
///
/// The names are those of `OpenAI`, Mistral, Gemini, xAI, `DeepSeek`, Moonshot, Zhipu, Cohere, Anthropic, Bedrock, vLLM,
/// `SGLang`, llama.cpp, `Ollama`, LM Studio, TGI and Together, which proxies pass on.
pub(crate) fn from_name(name: &str) -> Option<Named> {
    let reason = match &*plain(name) {
        // Qwen's servers send "null" while the answer goes on; Gemini's first value is "unspecified".
        "" | "null" | "none" | "unspecified" => return None,
        "stop" | "stopped" | "stop_sequence" | "stop_token" | "stop_word" | "stop_string_found" | "eos"
        | "eog" | "eot" | "eos_token" | "eos_found" | "end" | "end_turn" | "end_of_turn" | "end_of_text"
        | "end_of_sequence" | "endoftext" | "complete" | "completed" | "finish" | "finished" | "done"
        | "normal" | "success" => FinishReason::Stop,
        "length"
        | "max_tokens"
        | "max_token"
        | "max_length"
        | "max_output_tokens"
        | "max_completion_tokens"
        | "max_new_tokens"
        | "max_predicted_tokens_reached"
        | "model_length"
        | "token_limit"
        | "limit"
        | "context_length"
        | "context_length_reached"
        | "context_length_exceeded"
        | "model_context_window_exceeded"
        | "max_tokens_reached"
        | "length_limit" => FinishReason::Length,
        "content_filter"
        | "content_filtered"
        | "safety"
        | "image_safety"
        | "image_prohibited_content"
        | "image_recitation"
        | "blocked"
        | "model_armor"
        | "recitation"
        | "language"
        | "blocklist"
        | "blacklist"
        | "prohibited_content"
        | "spii"
        | "sensitive"
        | "moderation"
        | "content_policy"
        | "content_policy_violation"
        | "guardrail_intervened"
        | "refusal" => FinishReason::ContentFilter,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" | "function_calls" => {
            FinishReason::ToolCalls
        }
        failure if is_failure(failure) => {
            let is_overload = OVERLOADS.iter().any(|word| failure.contains(word));
            return Some(Named::Failure { name: failure.chars().take(NAME_CHARS).collect(), is_overload });
        }
        _ => FinishReason::Other(name.trim().chars().take(NAME_CHARS).collect()),
    };
    Some(Named::End(reason))
}

/// The longest name that is shown.
const NAME_CHARS: usize = 64;
/// Words of names for a failure that another attempt may not meet, such as `insufficient_system_resource`.
const OVERLOADS: [&str; 7] =
    ["insufficient", "overload", "unavailable", "network", "capacity", "throttl", "busy"];
/// Words of names for other failures, such as `abort`, `MALFORMED_FUNCTION_CALL`, `USER_CANCEL` and `not_finished`.
const FAILURES: [&str; 36] = [
    "abort",
    "broken",
    "cancel",
    "closed",
    "connection",
    "crash",
    "deadline",
    "disconnect",
    "error",
    "evict",
    "exception",
    "expired",
    "fail",
    "internal",
    "interrupt",
    "invalid",
    "kill",
    "malformed",
    "missing",
    "not_complete",
    "not_finished",
    "out_of_memory",
    "panic",
    "preempt",
    "quota",
    "rate_limit",
    "reject",
    "shutdown",
    "terminated",
    "time_limit",
    "timed_out",
    "timeout",
    "too_many",
    "unexpected",
    "unload",
    "user_stop",
];

fn is_failure(name: &str) -> bool {
    OVERLOADS.iter().chain(&FAILURES).any(|word| name.contains(word))
}

/// Returns the name in lower case with underscores, without the name of its type: `FinishReason.MAX_TOKENS`,
/// `FINISH_REASON_MAX_TOKENS`, `maxTokens` and `max-tokens` are `max_tokens`.
fn plain(name: &str) -> String {
    let name = name.trim();
    let name = name.rsplit_once('.').map_or(name, |(_, variant)| variant);
    let mut plain = String::with_capacity(name.len());
    let mut after_lower = false;
    for character in name.chars() {
        if after_lower && character.is_ascii_uppercase() {
            plain.push('_');
        }
        after_lower = character.is_ascii_lowercase();
        plain.push(if matches!(character, '-' | ' ') { '_' } else { character.to_ascii_lowercase() });
    }
    match plain.strip_prefix("finish_reason_") {
        Some(rest) => rest.to_owned(),
        None => plain,
    }
}

/// Of two reasons, returns the one that says more: an answer that was cut off is never called complete.
pub(crate) fn stronger(first: FinishReason, second: FinishReason) -> FinishReason {
    let strength = |reason: &FinishReason| match reason {
        FinishReason::Other(_) => 0,
        FinishReason::Stop => 1,
        FinishReason::ToolCalls => 2,
        FinishReason::ContentFilter => 3,
        FinishReason::Length => 4,
    };
    if strength(&second) > strength(&first) { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_any_form() {
        for (names, reason) in [
            (
                &[
                    "stop",
                    "STOP",
                    " Stop ",
                    "eos",
                    "eos_token",
                    "end_turn",
                    "END_TURN",
                    "endTurn",
                    "stop_sequence",
                ][..],
                FinishReason::Stop,
            ),
            (&["COMPLETE", "FinishReason.STOP", "FINISH_REASON_STOP", "eosFound"], FinishReason::Stop),
            (
                &["length", "max_tokens", "MAX_TOKENS", "model_length", "max-output-tokens", "maxTokens"],
                FinishReason::Length,
            ),
            (&["FinishReason.MAX_TOKENS", "model_context_window_exceeded"], FinishReason::Length),
            (
                &["content_filter", "SAFETY", "RECITATION", "sensitive", "refusal", "blocked", "MODEL_ARMOR"],
                FinishReason::ContentFilter,
            ),
            (
                &["tool_calls", "TOOL_CALL", "tool_use", "function_call", "tool-calls"],
                FinishReason::ToolCalls,
            ),
            (&["OTHER"], FinishReason::Other("OTHER".into())),
            (&[" pause_turn "], FinishReason::Other("pause_turn".into())),
        ] {
            for name in names {
                assert_eq!(from_name(name), Some(Named::End(reason.clone())), "{name}");
            }
        }
        for name in ["", "  ", "\n", "null", "None", "FINISH_REASON_UNSPECIFIED"] {
            assert_eq!(from_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_of_failures_are_failures() {
        for (name, overload) in [
            ("error", false),
            ("ERROR_TOXIC", false),
            ("abort", false),
            ("aborted", false),
            ("failed", false),
            ("failure", false),
            ("timeout", false),
            ("cancelled", false),
            ("USER_CANCEL", false),
            ("MALFORMED_FUNCTION_CALL", false),
            ("UNEXPECTED_TOOL_CALL", false),
            ("time_limit", false),
            ("deadline_exceeded", false),
            ("connection_reset", false),
            ("out_of_memory", false),
            ("TOO_MANY_TOOL_CALLS", false),
            ("terminated", false),
            ("userStopped", false),
            ("modelUnloaded", false),
            ("server_busy", true),
            ("network_error", true),
            ("insufficient_system_resource", true),
            ("engine_overloaded", true),
        ] {
            let found = from_name(name);
            assert!(
                matches!(found, Some(Named::Failure { is_overload, .. }) if is_overload == overload),
                "{name}"
            );
            let found = from_name(name).unwrap();
            assert!(matches!(found.clone().or_error(true), Err(ModelError::Broken(_))), "{name}");
            let before = found.or_error(false);
            assert_eq!(matches!(before, Err(ModelError::Unavailable(_))), overload, "{name}");
        }
    }

    #[test]
    fn a_reason_of_another_type_is_read_if_it_has_a_name() {
        let reason = |json: &str| read(Json::parse(json).unwrap());
        assert_eq!(reason(r#"{"type":"length","length":9}"#), Some(Named::End(FinishReason::Length)));
        for other in ["null", "7", "true", "[]", "{}", r#"["stop"]"#, r#"{"type":7}"#] {
            assert_eq!(reason(other), None, "{other}");
        }
    }

    #[test]
    fn a_cut_is_stronger_than_a_stop() {
        let other = || FinishReason::Other("x".into());
        for (first, second, expected) in [
            (FinishReason::Stop, FinishReason::Length, FinishReason::Length),
            (FinishReason::Length, FinishReason::Stop, FinishReason::Length),
            (FinishReason::ToolCalls, FinishReason::Stop, FinishReason::ToolCalls),
            (other(), FinishReason::Stop, FinishReason::Stop),
            (other(), FinishReason::Other("y".into()), other()),
        ] {
            assert_eq!(stronger(first, second), expected);
        }
    }
}
