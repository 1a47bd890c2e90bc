//! The names of models at each provider (C-17).

use std::borrow::Cow;

/// Returns the name at `OpenAI` and compatible servers: without the vendor `openai/`.
///
/// `openai/gpt-oss-*` keeps it, because that is the name of these open models at compatible servers.
#[must_use]
pub fn for_openai(name: &str) -> &str {
    match name.strip_prefix("openai/") {
        Some(bare) if !bare.starts_with("gpt-oss-") => bare,
        Some(_) | None => name,
    }
}

/// Returns the name at `OpenRouter`, where every name has a vendor: it is added to names of `OpenAI`'s models.
#[must_use]
pub fn for_openrouter(name: &str) -> Cow<'_, str> {
    let is_openai = name.starts_with("gpt-") || name.starts_with("chatgpt-") || is_o_series(name);
    if is_openai && !name.contains('/') {
        return Cow::Owned(format!("openai/{name}"));
    }
    Cow::Borrowed(name)
}

/// Whether the model is a reasoning model of `OpenAI`. These do not accept `max_tokens`.
pub(crate) fn is_reasoning_model(name: &str) -> bool {
    is_o_series(name) || name.starts_with("gpt-5")
}

/// `o1`, `o3-mini`, `o4-mini`, …
fn is_o_series(name: &str) -> bool {
    name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_openai_have_no_vendor() {
        assert_eq!(for_openai("openai/gpt-3.5-turbo"), "gpt-3.5-turbo");
        for name in ["gpt-4o", "openai/gpt-oss-20b", "meta/llama-3", "openai"] {
            assert_eq!(for_openai(name), name);
        }
    }

    #[test]
    fn names_at_openrouter_have_a_vendor() {
        for (name, expected) in [
            ("gpt-4o", "openai/gpt-4o"),
            ("o3-mini", "openai/o3-mini"),
            ("chatgpt-4o-latest", "openai/chatgpt-4o-latest"),
            ("openai/gpt-4o", "openai/gpt-4o"),
            ("anthropic/claude-3.5-sonnet:beta", "anthropic/claude-3.5-sonnet:beta"),
            ("olmo-7b", "olmo-7b"),
            ("gpt-x/y", "gpt-x/y"),
        ] {
            assert_eq!(for_openrouter(name), expected);
        }
    }

    #[test]
    fn reasoning_models_are_recognised_by_name() {
        for name in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.2-chat"] {
            assert!(is_reasoning_model(name), "{name}");
        }
        for name in ["gpt-4o", "olmo-2", "openai/o1", "o"] {
            assert!(!is_reasoning_model(name), "{name}");
        }
    }
}
