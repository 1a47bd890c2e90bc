//! The section `limits`: rate limits and size limits.

use std::collections::{BTreeMap, HashMap};

use domain::Tier;
use serde::Deserialize;
use services::LimitSettings;

use super::lenient::{self, Whole};
use super::{Checking, ConfigError};

/// Rate limits and size limits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many calls may pass in any 60 seconds.
    pub rates: LimitSettings,
    /// The limit of a user's text, in characters.
    pub max_input_length: usize,
    /// The limit of an image, in MiB.
    pub max_file_size_mb: u32,
    /// The limit of a PDF, in MiB.
    pub max_pdf_size_mb: u32,
    /// How many messages of history S4 sends to a model at most.
    pub history_limit: usize,
}

/// The default rate of each tier: calls in any 60 seconds.
const TIERS: &[(Tier, u32)] = &[(Tier::Free, 60), (Tier::Pro, 300), (Tier::Enterprise, 1_200)];

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::whole")]
    rate_limit_per_minute: u32,
    #[serde(deserialize_with = "lenient::table")]
    rate_limit_tiers: BTreeMap<String, Whole>,
    #[serde(deserialize_with = "lenient::whole")]
    auth_rate_limit_per_minute: u32,
    #[serde(deserialize_with = "lenient::whole")]
    max_input_length: u32,
    #[serde(deserialize_with = "lenient::whole")]
    max_file_size_mb: u32,
    #[serde(deserialize_with = "lenient::whole")]
    max_pdf_size_mb: u32,
    #[serde(deserialize_with = "lenient::whole")]
    history_limit: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            rate_limit_per_minute: 10,
            rate_limit_tiers: BTreeMap::new(),
            auth_rate_limit_per_minute: 20,
            max_input_length: 10_000,
            max_file_size_mb: 20,
            max_pdf_size_mb: 10,
            history_limit: 20,
        }
    }
}

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<Limits, ConfigError> {
        for (path, number, most) in [
            ("limits.rate_limit_per_minute", self.rate_limit_per_minute, u32::MAX),
            ("limits.auth_rate_limit_per_minute", self.auth_rate_limit_per_minute, u32::MAX),
            ("limits.max_input_length", self.max_input_length, 10_000_000),
            ("limits.max_file_size_mb", self.max_file_size_mb, 1_024),
            ("limits.max_pdf_size_mb", self.max_pdf_size_mb, domain::limits::PDF_MB),
            ("limits.history_limit", self.history_limit, 10_000),
        ] {
            if !(1..=most).contains(&number) {
                return Err(checking.error(path, format!("must be from 1 to {most}")));
            }
        }
        let mut tiers: HashMap<Tier, u32> = TIERS.iter().copied().collect();
        for (name, Whole(limit)) in &self.rate_limit_tiers {
            let path = format!("limits.rate_limit_tiers.{name}");
            let tier = Tier::parse(name).ok_or_else(|| {
                checking.error(&path, "is no tier; an example of all is free=60,pro=300,enterprise=1200")
            })?;
            if *limit == 0 {
                return Err(checking.error(&path, "must be at least 1"));
            }
            tiers.insert(tier, *limit);
        }
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Limits {
            rates: LimitSettings {
                chat: self.rate_limit_per_minute,
                tiers,
                sign_in: self.auth_rate_limit_per_minute,
            },
            max_input_length: size(self.max_input_length),
            max_file_size_mb: self.max_file_size_mb,
            max_pdf_size_mb: self.max_pdf_size_mb,
            history_limit: size(self.history_limit),
        })
    }
}
