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

/// Whether the model is a reasoning model of `OpenAI`, by its name at any provider: `o3`, `openai/o3-mini`,
/// `azure/gpt-5`. These do not accept `max_tokens`.
///
/// A deployment may have any name, such as `team-gpt-5-mini`. `o1` in the middle of a name proves nothing
/// (`marco-o1`): whether such a model accepts a field shows when it refuses it.
pub(crate) fn is_reasoning_model(name: &str) -> bool {
    let name = without_vendor(name);
    is_o_series(&name) || ["gpt-5", "gpt5", "codex-mini"].iter().any(|known| contains_name(&name, known))
}

/// Whether the model is known to refuse a temperature. Others ignore it (`deepseek-reasoner`), or accept it.
///
/// Sources: `OpenAI`'s guide to reasoning models; the guide of Anthropic to migrate to Claude Opus 4.7, and issues
/// about later ones (RooCodeInc/Roo-Code#12162, The-PR-Agent/pr-agent#2456); issues about Moonshot's Kimi K2.5
/// and K2.6, which accept the value 1 alone (lobehub/lobehub#14122, NoFxAiOS/nofx#1415).
#[must_use]
pub fn refuses_temperature(name: &str) -> bool {
    let others = ["claude-opus-4-7", "claude-opus-4-8", "kimi-k2-5", "kimi-k2-6"];
    let dashed = without_vendor(name).replace('.', "-");
    is_reasoning_model(name) || others.iter().any(|known| contains_name(&dashed, known))
}

/// Returns the last part of a name, in lower case.
fn without_vendor(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase()
}

/// Whether this name stands in a longer one with no letter or digit before and after it.
fn contains_name(name: &str, known: &str) -> bool {
    name.match_indices(known).any(|(at, _)| {
        let before = name.get(..at).and_then(|text| text.chars().next_back());
        let after = name.get(at + known.len()..).and_then(|text| text.chars().next());
        [before, after].into_iter().flatten().all(|c| !c.is_ascii_alphanumeric())
    })
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
        for name in [
            "o1",
            "o3-mini",
            "o4-mini-2025-04-16",
            "gpt-5",
            "gpt-5.2-chat",
            "openai/o1",
            "openai/o3:floor",
            "azure/openai/gpt-5-mini",
            "OpenAI/GPT-5",
            "team-gpt-5-mini",
            "my_gpt5",
        ] {
            assert!(is_reasoning_model(name) && refuses_temperature(name), "{name}");
        }
        for name in
            ["gpt-4o", "olmo-2", "openai/gpt-oss-20b", "AIDC-AI/Marco-o1", "gpt-50", "gpt-4.5", "o", ""]
        {
            assert!(!is_reasoning_model(name) && !refuses_temperature(name), "{name}");
        }
    }

    #[test]
    fn other_models_that_refuse_a_temperature_are_known() {
        for name in
            ["kimi-k2.5", "moonshotai/kimi-k2.6", "anthropic/claude-opus-4.7", "claude-opus-4-8-20260601"]
        {
            assert!(refuses_temperature(name) && !is_reasoning_model(name), "{name}");
        }
        for name in ["kimi-k2", "kimi-k2-0905", "anthropic/claude-opus-4.5", "deepseek-reasoner"] {
            assert!(!refuses_temperature(name), "{name}");
        }
    }
}
