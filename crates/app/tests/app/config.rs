//! The settings: their sources and precedence, what they select, and which values are refused at the start.

mod choices;
mod documents;
mod outside_issuer;
mod secrets;
mod sources;
mod tables;
mod values;

use std::collections::BTreeMap;

use omnichat::config::{Config, ConfigError};

const GOOD_SECRET: &str = "Zq3/8vQ0m1tW+eJr5uYx7cBnKp2sLdAh";

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_sources(&variables(pairs), None, None)
}

fn with(pairs: &[(&str, &str)]) -> Config {
    read(pairs).unwrap_or_else(|error| panic!("{pairs:?}: {error}"))
}

/// The configuration of a production environment with its required settings and these.
fn production(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut all =
        variables(&[("ENVIRONMENT", "production"), ("JWT_SECRET", GOOD_SECRET), ("OPENAI_API_KEY", "sk-1")]);
    all.extend(variables(pairs));
    Config::from_sources(&all, None, None)
}

fn dotenv(text: &str) -> Config {
    Config::from_sources(&BTreeMap::new(), Some(text), None).unwrap_or_else(|error| panic!("{error}"))
}

/// The error that these variables cause, which must contain `name`.
#[track_caller]
fn is_refused(pairs: &[(&str, &str)], name: &str) -> String {
    let text = match read(pairs) {
        Ok(_) => panic!("{pairs:?} is taken"),
        Err(error) => error.to_string(),
    };
    assert!(text.contains(name), "{pairs:?}: {text}");
    text
}
