//! Merges the sources, and records which source set each setting.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use figment::Figment;
use figment::error::{Error, Kind};
use figment::providers::{Format, Serialized, Yaml};
use figment::value::Value;
use serde::de::DeserializeOwned;

use super::settings::{self, Meaning, SETTINGS, Setting, YAML_NAMES};
use super::{ConfigError, Environment, Notice, dotenv};

/// The YAML files that are compiled in.
const CONFIG: &str = include_str!("../../../../config/config.yaml");
const DEVELOPMENT: &str = include_str!("../../../../config/development.yaml");
const PRODUCTION: &str = include_str!("../../../../config/production.yaml");

/// What variables set, as text.
pub(super) struct NamedVariables {
    /// Variables that decide which sources are read, by name.
    about_sources: BTreeMap<String, String>,
    /// The settings.
    pub(super) settings: Vec<VariableSetting>,
}

impl NamedVariables {
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.about_sources.get(name)
    }
}

/// A setting and the variable that sets it.
pub(super) struct VariableSetting {
    setting: &'static Setting,
    value: String,
    /// The variable's name and its source, such as `PORT (.env)`.
    origin: String,
}

/// The settings among the variables of the process and of `.env`; the process's own come first. An empty variable
/// counts as not set.
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
            Meaning::Unknown => return Err(ConfigError::new(origin, "is not a setting")),
            Meaning::AlmostOurs => notices.push(Notice::AlmostOurs { name }),
            Meaning::Foreign => {}
        }
    }
    Ok(named)
}

impl NamedVariables {
    /// Adds a setting. A setting that is set under both of its names must have the same value under both, as neither
    /// name has precedence.
    fn add(&mut self, new: VariableSetting) -> Result<(), ConfigError> {
        if let Some(other) = self.settings.iter().find(|other| other.setting == new.setting) {
            if other.value != new.value {
                let problem = format!("and {} are the same setting and differ", other.origin);
                return Err(ConfigError::new(new.origin, problem));
            }
            return Ok(());
        }
        self.settings.push(new);
        Ok(())
    }
}

/// All sources, merged.
pub(super) struct Sources {
    figment: Figment,
    /// For each setting that is set: its name in the source that set it last, and that source.
    origins: BTreeMap<String, String>,
}

impl Sources {
    /// Reads the YAML files, first those that are compiled in, then those of the directory, and then the variables.
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

    /// Converts the settings to their types.
    pub(super) fn extract<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.figment.extract().map_err(|error| {
            let (place, problem) = place_and_problem(error);
            ConfigError::new(self.origin(&place.join(".")), problem)
        })
    }

    /// A setting as an error names it: the name that the operator used and the source; if it is not set, its variable.
    pub(super) fn origin(&self, path: &str) -> String {
        let mut setting = path;
        loop {
            let known = self.origins.get(setting).cloned();
            if let Some(origin) = known.or_else(|| settings::by_path(setting).map(Setting::name)) {
                // The rest of the path is the key of an entry in a table.
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
            .map_err(|error| ConfigError::new(file, format!("is not valid YAML: {error}")))?;
        let document = match document {
            Value::Dict(_, document) => document,
            // The file is empty, or holds comments alone.
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
            // A list replaces that of an earlier source; the entries of a table are added to the earlier ones.
            self.figment = std::mem::take(&mut self.figment).merge(Serialized::default(&path, value));
        }
    }
}

/// Collects the settings in a part of a YAML file, by their paths.
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
            return Err(ConfigError::new(origin(), "is set twice, under two names, with different values"));
        }
        found.insert(path.to_owned(), value);
        return Ok(());
    }
    let inside = format!("{path}.");
    if !SETTINGS.iter().any(|setting| setting.path.starts_with(&inside)) {
        return Err(ConfigError::new(origin(), "is not a setting"));
    }
    let Value::Dict(_, entries) = value else {
        return Err(ConfigError::new(origin(), "is a section, not a setting"));
    };
    entries.into_iter().try_for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, file, found))
}

/// Where a value is wrong, as keys from the outside in, and what is wrong there, in words that do not quote it.
pub(super) fn place_and_problem(error: Error) -> (Vec<String>, String) {
    let mut place = error.path;
    // The table that holds it is wrong.
    if matches!(error.kind, Kind::UnknownField(..)) {
        place.pop();
    }
    (place, problem(error.kind))
}

fn problem(kind: Kind) -> String {
    match kind {
        Kind::Message(message) => message,
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("must be {expected}"),
        Kind::InvalidLength(_, expected) => format!("must have {expected}"),
        Kind::UnknownVariant(_, known) => format!("must be one of: {}", known.join(", ")),
        Kind::UnknownField(name, _) => format!("holds {name}, which is not a setting"),
        Kind::MissingField(name) => format!("lacks {name}"),
        Kind::DuplicateField(name) => format!("holds {name} twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        Kind::Unsupported(_) | Kind::UnsupportedKey(..) => "cannot be read".to_owned(),
    }
}
