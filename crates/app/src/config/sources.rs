//! Puts the sources one over the other, and remembers where each setting was set.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use figment::error::Kind;
use figment::providers::{Format, Yaml};
use figment::util::nest;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

use super::settings::{self, Meaning, SETTINGS, Setting, YAML_NAMES};
use super::{ConfigError, Environment, Notice, dotenv};

/// The files that are built in.
const CONFIG: &str = include_str!("../../../../config/config.yaml");
const DEVELOPMENT: &str = include_str!("../../../../config/development.yaml");
const PRODUCTION: &str = include_str!("../../../../config/production.yaml");

/// Settings as text, by their variables.
pub(super) struct NamedVariables {
    /// Those about the sources themselves.
    about_sources: BTreeMap<String, String>,
    /// The settings.
    pub(super) settings: Vec<VariableSetting>,
}

impl NamedVariables {
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.about_sources.get(name)
    }
}

/// A setting that a variable holds.
pub(super) struct VariableSetting {
    setting: &'static Setting,
    value: String,
    /// The variable's name, and the source that holds it.
    origin: String,
}

/// The variables that are settings: those of the environment, and those of `.env` that it does not hold. An empty
/// one counts as not set.
pub(super) fn named_variables(
    environment: &BTreeMap<String, String>,
    dotenv: Option<&str>,
    notices: &mut Vec<Notice>,
) -> Result<NamedVariables, ConfigError> {
    let mut all: BTreeMap<String, (String, &'static str)> = BTreeMap::new();
    for (name, value) in dotenv::parse(dotenv.unwrap_or_default())? {
        if settings::meaning(&name) == Meaning::Foreign {
            notices.push(Notice::UnknownInDotenv { name });
            continue;
        }
        let before = all.insert(name.clone(), (value.clone(), ".env"));
        if before.is_some_and(|(before, _)| before != value) {
            notices.push(Notice::TwiceInDotenv { name });
        }
    }
    all.retain(|_, (value, _)| !value.trim().is_empty());
    for (name, value) in environment.iter().filter(|(_, value)| !value.trim().is_empty()) {
        all.insert(name.clone(), (value.clone(), "environment"));
    }

    let mut named = NamedVariables { about_sources: BTreeMap::new(), settings: Vec::new() };
    for (name, (value, source)) in all {
        let origin = format!("{name} ({source})");
        let value = value.trim().to_owned();
        match settings::meaning(&name) {
            Meaning::Value(setting) => named.add(VariableSetting { setting, value, origin })?,
            Meaning::File(setting) => {
                let read = fs::read_to_string(&value).map_err(|error| {
                    ConfigError::new(origin.clone(), format!("names a file that cannot be read: {error}"))
                })?;
                if !read.trim().is_empty() {
                    named.add(VariableSetting { setting, value: read.trim().to_owned(), origin })?;
                }
            }
            Meaning::AboutSources => {
                named.about_sources.insert(name, value);
            }
            Meaning::Unknown => return Err(ConfigError::new(origin, "is no setting")),
            Meaning::AlmostOurs => notices.push(Notice::AlmostOurs { name }),
            Meaning::Foreign => {}
        }
    }
    Ok(named)
}

impl NamedVariables {
    /// Adds a setting. Two names of one setting must not disagree: nobody could tell which one counts.
    fn add(&mut self, new: VariableSetting) -> Result<(), ConfigError> {
        if let Some(other) = self.settings.iter().find(|other| other.setting == new.setting) {
            if other.value != new.value {
                let problem = format!("and {} are one setting and differ", other.origin);
                return Err(ConfigError::new(new.origin, problem));
            }
            return Ok(());
        }
        self.settings.push(new);
        Ok(())
    }
}

/// All sources together.
pub(super) struct Sources {
    figment: Figment,
    /// The origin of each setting that is set: its name there, and the source that set it last.
    origins: BTreeMap<String, String>,
}

impl Sources {
    /// Reads the yaml files, built in and in the directory, and puts the variables over them.
    pub(super) fn read(
        environment: &Environment,
        variables: Vec<VariableSetting>,
        directory: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self { figment: Figment::new(), origins: BTreeMap::new() };
        sources.add_yaml("config.yaml", Some(CONFIG), directory)?;
        if environment.is_development() {
            sources.add_yaml("development.yaml", Some(DEVELOPMENT), directory)?;
        } else {
            sources.add_yaml("production.yaml", Some(PRODUCTION), directory)?;
            if environment.name() != "production" {
                sources.add_yaml(&format!("{}.yaml", environment.name()), None, directory)?;
            }
        }
        for VariableSetting { setting, value, origin } in variables {
            sources
                .merge(BTreeMap::from([(setting.path.to_owned(), Value::from(value))]), |_| origin.clone());
        }
        Ok(sources)
    }

    /// The settings, typed.
    pub(super) fn extract<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.figment
            .extract()
            .map_err(|error| ConfigError::new(self.origin(&error.path.join(".")), problem(error.kind)))
    }

    /// A setting by the name that the operator gave it, and where; where it is not set, by its documented name.
    pub(super) fn origin(&self, path: &str) -> String {
        let mut setting = path;
        loop {
            let known = self.origins.get(setting).cloned();
            if let Some(origin) = known.or_else(|| settings::by_path(setting).map(Setting::name)) {
                // What is left is the key of a table's entry.
                let inside = path.strip_prefix(setting).unwrap_or_default().trim_start_matches('.');
                return if inside.is_empty() { origin } else { format!("{origin}, at {inside},") };
            }
            let Some((shorter, _)) = setting.rsplit_once('.') else { return path.to_owned() };
            setting = shorter;
        }
    }

    fn add_yaml(
        &mut self,
        name: &str,
        built_in: Option<&str>,
        directory: Option<&Path>,
    ) -> Result<(), ConfigError> {
        if let Some(text) = built_in {
            self.merge_yaml(text, &format!("{name}, built in"))?;
        }
        let Some(path) = directory.map(|directory| directory.join(name)) else { return Ok(()) };
        match fs::read_to_string(&path) {
            Ok(text) => self.merge_yaml(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                Err(ConfigError::new(path.display().to_string(), format!("cannot be read: {error}")))
            }
        }
    }

    fn merge_yaml(&mut self, text: &str, file: &str) -> Result<(), ConfigError> {
        let document: Value = Yaml::from_str(text)
            .map_err(|error| ConfigError::new(file, format!("is no valid yaml: {error}")))?;
        let document = match document {
            Value::Dict(_, document) => document,
            // A file of comments.
            Value::Empty(..) => return Ok(()),
            Value::String(..) | Value::Char(..) | Value::Bool(..) | Value::Num(..) | Value::Array(..) => {
                return Err(ConfigError::new(file, "holds no settings"));
            }
        };
        let mut found = BTreeMap::new();
        for (key, value) in document {
            let path =
                YAML_NAMES.iter().find(|(name, _)| *name == key).map_or(key.as_str(), |(_, path)| path);
            flatten(path, value, file, &mut found)?;
        }
        self.merge(found, |path| format!("{path} ({file})"));
        Ok(())
    }

    fn merge(&mut self, settings: BTreeMap<String, Value>, origin: impl Fn(&str) -> String) {
        for (path, value) in settings {
            self.origins.insert(path.clone(), origin(&path));
            // A list replaces the one below it; a table adds to it.
            self.figment = std::mem::take(&mut self.figment).merge(Layer(nest(&path, value)));
        }
    }
}

/// Finds the settings of a part of a file.
fn flatten(
    path: &str,
    value: Value,
    file: &str,
    found: &mut BTreeMap<String, Value>,
) -> Result<(), ConfigError> {
    let origin = || format!("{path} ({file})");
    if matches!(value, Value::Empty(..)) {
        return Ok(());
    }
    if settings::by_path(path).is_some() {
        let differs = found.get(path).is_some_and(|before| *before != value);
        if differs {
            return Err(ConfigError::new(origin(), "stands there twice, under two names, and differs"));
        }
        found.insert(path.to_owned(), value);
        return Ok(());
    }
    let inside = format!("{path}.");
    if !SETTINGS.iter().any(|setting| setting.path.starts_with(&inside)) {
        return Err(ConfigError::new(origin(), "is no setting"));
    }
    let Value::Dict(_, entries) = value else {
        return Err(ConfigError::new(origin(), "is a section, not a setting"));
    };
    entries.into_iter().try_for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, file, found))
}

/// What is wrong with a value, without the value.
fn problem(kind: Kind) -> String {
    match kind {
        Kind::Message(message) => message,
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("must be {expected}"),
        Kind::InvalidLength(_, expected) => format!("must have {expected}"),
        Kind::UnknownVariant(_, known) => format!("must be one of: {}", known.join(", ")),
        Kind::UnknownField(name, _) => format!("holds {name}, which is no setting"),
        Kind::MissingField(name) => format!("lacks {name}"),
        Kind::DuplicateField(name) => format!("holds {name} twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        Kind::Unsupported(_) | Kind::UnsupportedKey(..) => "cannot be read".to_owned(),
    }
}

struct Layer(Value);

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("setting")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone().into_dict().unwrap_or_default()))
    }
}
