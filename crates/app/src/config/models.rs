//! The section `models`: default models, their windows and prices.

mod known;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::limits::MAX_TOKENS;
use domain::{DefaultModels, ModelName, NanoDollars, Price};
use serde::Deserialize;
use services::ModelSettings;

use super::lenient::{self, Whole};
use super::{Checking, ConfigError};

/// Default models, their windows and prices.
#[derive(Debug, Clone)]
pub struct Models {
    /// The models that are used if neither the request nor the conversation names one (C-17).
    pub defaults: DefaultModels,
    /// The model for titles.
    pub title: ModelName,
    /// The longest reply of S4's sends, in tokens (S4-27).
    pub persona_chat_max_tokens: u32,
    /// The temperature of S4's sends, from 0 to 1 (S4-27).
    pub persona_chat_temperature: f64,
    /// Models that refuse a temperature, beside the known ones.
    pub without_temperature: BTreeSet<String>,
    /// The model for summaries.
    pub summary: ModelName,
    /// The model for previews of prompts.
    pub preview: ModelName,
    /// Which models are allowed, their windows and prices.
    pub facts: ModelSettings,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::text")]
    default: String,
    #[serde(deserialize_with = "lenient::text")]
    chat_service: String,
    #[serde(deserialize_with = "lenient::text")]
    persona_chat: String,
    #[serde(deserialize_with = "lenient::whole")]
    persona_chat_max_tokens: u32,
    #[serde(deserialize_with = "lenient::decimal")]
    persona_chat_temperature: f64,
    #[serde(deserialize_with = "lenient::list")]
    without_temperature: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    title: String,
    #[serde(deserialize_with = "lenient::text")]
    summary: String,
    #[serde(deserialize_with = "lenient::text")]
    preview: String,
    #[serde(deserialize_with = "lenient::some_list")]
    allow: Option<Vec<String>>,
    pricing: PriceSection,
    #[serde(deserialize_with = "lenient::table")]
    prices: BTreeMap<String, PriceSection>,
    #[serde(deserialize_with = "lenient::table")]
    windows: BTreeMap<String, Whole>,
    #[serde(deserialize_with = "lenient::whole")]
    default_window: u32,
}

/// US dollars per thousand tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with input_per_1k and output_per_1k")]
#[expect(clippy::struct_field_names, reason = "the documented keys")]
struct PriceSection {
    #[serde(deserialize_with = "lenient::decimal")]
    input_per_1k: f64,
    /// The default is `input_per_1k`.
    #[serde(default, deserialize_with = "lenient::some_decimal")]
    cached_input_per_1k: Option<f64>,
    #[serde(deserialize_with = "lenient::decimal")]
    output_per_1k: f64,
}

/// The least window, in tokens. No model has a smaller one, and the planner needs room.
const MIN_WINDOW: u32 = 1_024;

impl Default for Section {
    fn default() -> Self {
        Self {
            default: "gpt-4o".to_owned(),
            chat_service: "openai/gpt-3.5-turbo".to_owned(),
            persona_chat: "gpt-3.5-turbo".to_owned(),
            persona_chat_max_tokens: 1_000,
            persona_chat_temperature: 0.7,
            without_temperature: Vec::new(),
            title: "gpt-4o-mini".to_owned(),
            summary: "gpt-4o-mini".to_owned(),
            preview: "gpt-3.5-turbo".to_owned(),
            allow: None,
            pricing: PriceSection::default(),
            prices: BTreeMap::new(),
            windows: BTreeMap::new(),
            default_window: 128_000,
        }
    }
}

impl Default for PriceSection {
    fn default() -> Self {
        Self { input_per_1k: 0.0025, cached_input_per_1k: None, output_per_1k: 0.01 }
    }
}

impl PriceSection {
    fn price(self, path: &str, checking: &Checking) -> Result<Price, ConfigError> {
        let amount = |dollars: f64, key: &str| {
            let amount = NanoDollars::from_dollars(dollars).filter(|amount| amount.0 >= 0);
            amount.ok_or_else(|| {
                checking.error(&format!("{path}.{key}"), "must not be negative, nor too large")
            })
        };
        let cached = self.cached_input_per_1k.unwrap_or(self.input_per_1k);
        Ok(Price {
            input_per_1k: amount(self.input_per_1k, "input_per_1k")?,
            cached_input_per_1k: amount(cached, "cached_input_per_1k")?,
            output_per_1k: amount(self.output_per_1k, "output_per_1k")?,
        })
    }
}

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<Models, ConfigError> {
        let name = |text: &str, path: &str| {
            ModelName::parse(text).map_err(|_| checking.error(path, "is not the name of a model"))
        };
        if !(1..=MAX_TOKENS).contains(&self.persona_chat_max_tokens) {
            let problem = format!("must be from 1 to {MAX_TOKENS}");
            return Err(checking.error("models.persona_chat_max_tokens", problem));
        }
        if !(0.0..=1.0).contains(&self.persona_chat_temperature) {
            return Err(checking.error("models.persona_chat_temperature", "must be from 0 to 1"));
        }
        if self.default_window < MIN_WINDOW {
            return Err(checking.error("models.default_window", "must be at least 1024 tokens"));
        }
        let default = name(&self.default, "models.default")?;
        let names = |texts: &[String], path: &str| -> Result<Vec<String>, ConfigError> {
            texts.iter().map(|text| Ok(name(text, path)?.as_str().to_owned())).collect()
        };
        let allow = match &self.allow {
            Some(texts) => Some(names(texts, "models.allow")?.into_iter().collect()),
            None => None,
        };
        let facts = ModelSettings {
            allow,
            windows: self.windows(checking)?,
            default_window: self.default_window,
            prices: self.prices(&default, checking)?,
            default_price: self.pricing.price("models.pricing", checking)?,
        };
        Ok(Models {
            defaults: DefaultModels {
                llm_chat: default,
                chat_service: name(&self.chat_service, "models.chat_service")?,
                persona_chat: name(&self.persona_chat, "models.persona_chat")?,
            },
            title: name(&self.title, "models.title")?,
            persona_chat_max_tokens: self.persona_chat_max_tokens,
            persona_chat_temperature: self.persona_chat_temperature,
            without_temperature: names(&self.without_temperature, "models.without_temperature")?
                .into_iter()
                .collect(),
            summary: name(&self.summary, "models.summary")?,
            preview: name(&self.preview, "models.preview")?,
            facts,
        })
    }

    fn windows(&self, checking: &Checking) -> Result<HashMap<String, u32>, ConfigError> {
        let mut windows: HashMap<String, u32> =
            known::WINDOWS.iter().map(|(name, window)| ((*name).to_owned(), *window)).collect();
        for (name, Whole(window)) in &self.windows {
            if *window < MIN_WINDOW {
                let path = format!("models.windows.{name}");
                return Err(checking.error(&path, "must be at least 1024 tokens"));
            }
            windows.insert(name.clone(), *window);
        }
        Ok(windows)
    }

    fn prices(
        &self,
        default: &ModelName,
        checking: &Checking,
    ) -> Result<HashMap<String, Price>, ConfigError> {
        let mut prices = known::prices();
        // `pricing` is the price of the default model: if the operator changed it, it overrides the built-in list.
        if self.pricing != PriceSection::default() {
            prices.remove(default.as_str());
            prices.remove(default.as_str().rsplit('/').next().unwrap_or_default());
        }
        for (name, section) in &self.prices {
            prices.insert(name.clone(), section.price(&format!("models.prices.{name}"), checking)?);
        }
        Ok(prices)
    }
}
