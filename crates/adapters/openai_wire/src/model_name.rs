//! Models' names, as each provider calls them (C-17).

use std::borrow::Cow;

/// The name at `OpenAI` and at servers that speak its wire: without the vendor `openai/`.
///
/// `openai/gpt-oss-*` stays whole, for it is what compatible servers call these open models.
#[must_use]
pub fn for_openai(name: &str) -> &str {
    match name.strip_prefix("openai/") {
        Some(bare) if !bare.starts_with("gpt-oss-") => bare,
        Some(_) | None => name,
    }
}

/// The name at `OpenRouter`, where every model has a vendor: bare names of `OpenAI`'s models get theirs.
#[must_use]
pub fn for_openrouter(name: &str) -> Cow<'_, str> {
    let is_openai = name.starts_with("gpt-") || name.starts_with("chatgpt-") || is_o_series(name);
    if is_openai && !name.contains('/') {
        return Cow::Owned(format!("openai/{name}"));
    }
    Cow::Borrowed(name)
}

/// Whether the model is one of `OpenAI`'s own that think first; they refuse `max_tokens`.
pub(crate) fn thinks_first(name: &str) -> bool {
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
    fn openai_knows_its_models_without_a_vendor() {
        assert_eq!(for_openai("openai/gpt-3.5-turbo"), "gpt-3.5-turbo");
        for name in ["gpt-4o", "openai/gpt-oss-20b", "meta/llama-3", "openai"] {
            assert_eq!(for_openai(name), name);
        }
    }

    #[test]
    fn openrouter_wants_a_vendor() {
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
    fn models_that_think_first_are_known_by_name() {
        for name in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.2-chat"] {
            assert!(thinks_first(name), "{name}");
        }
        for name in ["gpt-4o", "olmo-2", "openai/o1", "o"] {
            assert!(!thinks_first(name), "{name}");
        }
    }
}
