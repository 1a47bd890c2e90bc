//! Settings that are tables: prices, windows, tiers. An error names the entry and its key.

use std::collections::BTreeMap;
use std::fs;

use domain::{ModelName, NanoDollars};
use omnichat::config::Config;

use super::{is_refused, with};

const PRICES: &str = "OMNICHAT_MODELS__PRICES";
const WINDOWS: &str = "OMNICHAT_MODELS__WINDOWS";
const TIERS: &str = "RATE_LIMIT_TIERS";

/// The error that this text in `config.yaml` causes.
fn yaml_error(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.yaml"), text).unwrap();
    match Config::from_sources(&BTreeMap::new(), None, Some(directory.path())) {
        Ok(_) => panic!("{text} is taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_entry_that_is_wrong_is_named_with_its_key() {
    for (name, value, problem) in [
        (PRICES, "{gpt-x: {input_per_1k: 1}}", "at gpt-x, lacks output_per_1k"),
        (PRICES, "{gpt-x: {output_per_1k: 1}}", "at gpt-x, lacks input_per_1k"),
        (PRICES, "{gpt-3.5-x: {}}", "at gpt-3.5-x, lacks input_per_1k"),
        (PRICES, "gpt-x={input_per_1k: 1}", "at gpt-x, lacks output_per_1k"),
        (PRICES, "@cf/x={input_per_1k: 1}", "at @cf/x, lacks output_per_1k"),
        (PRICES, "{gpt-x: {input_per_1k: 1, output_per_1m: 2}}", "at gpt-x, holds output_per_1m"),
        (PRICES, "{gpt-x: {input_per_1k: one, output_per_1k: 2}}", "at gpt-x.input_per_1k, must be a number"),
        (
            PRICES,
            "{gpt-x: {input_per_1k: -1, output_per_1k: 2}}",
            "at gpt-x.input_per_1k, must not be negative",
        ),
        (PRICES, "{gpt-x: 5}", "at gpt-x, must be a table with input_per_1k and output_per_1k"),
        (PRICES, "gpt-x=5", "at gpt-x, must be a table with input_per_1k and output_per_1k"),
        (PRICES, "5", "must be a table"),
        (PRICES, "{@cf/x: {input_per_1k: 1, output_per_1k: 2}}", "needs quotes"),
        (WINDOWS, "gpt-x=many", "at gpt-x, must be a whole number"),
        (WINDOWS, "gpt-x=10", "at gpt-x, must be at least 1024"),
        (WINDOWS, "{gpt-x: {tokens: 5}}", "at gpt-x, must be a single value"),
        (TIERS, "free=some", "at free, must be a whole number"),
        (TIERS, "free=0", "at free, must be at least 1"),
        (TIERS, "gold=5", "at gold, is no tier"),
        ("OMNICHAT_MODELS__PRICING__OUTPUT_PER_1K", "much", "must be a number"),
    ] {
        let told = is_refused(&[(name, value)], name);
        assert!(told.contains(problem), "{name}={value}: {told}");
    }
    for (text, place, problem) in [
        ("models: {prices: {gpt-x: {input_per_1k: 1}}}", "models.prices", "at gpt-x, lacks output_per_1k"),
        (
            "models: {prices: {gpt-3.5-x: {input_per_1k: 1}}}",
            "models.prices",
            "at gpt-3.5-x, lacks output_per_1k",
        ),
        ("models: {prices: {'@cf/x': {output_per_1k: 1}}}", "models.prices", "at @cf/x, lacks input_per_1k"),
        ("models: {prices: {gpt-x: {input: 1}}}", "models.prices", "at gpt-x, holds input"),
        ("models: {prices: {gpt-x: [1]}}", "models.prices", "at gpt-x, must have a table with input_per_1k"),
        ("models: {prices: {gpt-x: }}", "models.prices", "at gpt-x, must be a table with input_per_1k"),
        ("models: {prices: [1]}", "models.prices", "must be a table"),
        ("models: {windows: {gpt-x: many}}", "models.windows", "at gpt-x, must be a whole number"),
        ("pricing: {input_per_1k: much}", "models.pricing.input_per_1k", "must be a number"),
        ("pricing: 5", "models.pricing", "is a section"),
        (
            "limits: {rate_limit_tiers: {free: some}}",
            "limits.rate_limit_tiers",
            "at free, must be a whole number",
        ),
    ] {
        let told = yaml_error(text);
        assert!(
            told.contains(place) && told.contains(problem) && told.contains("config.yaml"),
            "{text}: {told}"
        );
    }
}

/// S1-24
#[test]
fn names_of_models_may_begin_with_an_at_sign() {
    const LLAMA: &str = "@cf/meta/llama-3.1-8b-instruct";
    let model = ModelName::parse(LLAMA).unwrap();
    for windows in
        [format!("{LLAMA}=9000"), format!("gpt-x=2000, {LLAMA} = 9000,"), format!("{{'{LLAMA}': 9000}}")]
    {
        for prices in [
            format!("{LLAMA}={{input_per_1k: 1, output_per_1k: 2}}"),
            format!("{{\"{LLAMA}\": {{input_per_1k: 1, output_per_1k: 2}}}}"),
        ] {
            let models = with(&[
                ("OMNICHAT_MODELS__DEFAULT", LLAMA),
                ("LLM_MODEL", LLAMA),
                ("OPENAI_MODEL", LLAMA),
                ("OMNICHAT_MODELS__TITLE", LLAMA),
                ("OMNICHAT_MODELS__ALLOW", &format!("gpt-4o,{LLAMA}")),
                (WINDOWS, &windows),
                (PRICES, &prices),
            ])
            .models;
            let defaults =
                [models.defaults.llm_chat, models.defaults.chat_service, models.defaults.persona_chat];
            assert!(defaults.iter().chain([&models.title]).all(|name| *name == model));
            assert_eq!(models.facts.window(&model), 9_000, "{windows}");
            assert_eq!(models.facts.price(&model).output_per_1k, NanoDollars(2_000_000_000), "{prices}");
            assert!(models.facts.offers(&model));
        }
    }
}
