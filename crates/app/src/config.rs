//! The configuration. Its sources, each of which overrides those before it: defaults in code, `config.yaml`,
//! `{environment}.yaml`, `.env`, the variables of the process.
//!
//! Each setting has one path, `section.key`, and the variable `OMNICHAT_SECTION__KEY`. Documented settings have a
//! documented variable as well. The YAML files are compiled in, so the binary needs no file beside it.

pub mod auth;
pub mod context_management;
pub mod database;
mod dotenv;
mod environment;
mod error;
mod lenient;
pub mod limits;
pub mod models;
mod notice;
pub mod provider;
pub mod server;
pub mod settings;
mod sources;
pub mod storage;
pub mod telemetry;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use auth::{Auth, JwtSecret};
pub use context_management::{ContextManagement, ContextMode};
pub use database::{Database, DatabaseChoice};
pub use environment::Environment;
pub use error::ConfigError;
pub use limits::Limits;
pub use models::Models;
pub use notice::Notice;
pub use provider::{Provider, ProviderChoice};
pub use server::{Listen, Server};
pub use storage::Storage;
pub use telemetry::{LogFormat, Telemetry};

use sources::Sources;

/// All settings, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// Addresses, ports, proxies, time limits of HTTP.
    pub server: Server,
    /// The store of conversations.
    pub database: Database,
    /// Keys and rules of sign-in.
    pub auth: Auth,
    /// The model providers, and the time limits of calls.
    pub provider: Provider,
    /// Default models, windows and prices.
    pub models: Models,
    /// How much of a conversation is sent to a model.
    pub context_management: ContextManagement,
    /// Rate limits and size limits.
    pub limits: Limits,
    /// The storage of uploaded files.
    pub storage: Storage,
    /// Level and format of the log.
    pub telemetry: Telemetry,
    /// Warnings about the configuration, to be logged at the start.
    pub notices: Vec<Notice>,
}

/// The variable that names the directory of the YAML files; the default is `config`.
pub(crate) const DIRECTORY_VARIABLE: &str = "OMNICHAT_CONFIG_DIR";

const DIRECTORY: &str = "config";
const DOTENV: &str = ".env";

/// The settings as the sources give them, before they are checked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sections {
    server: server::Section,
    database: database::Section,
    auth: auth::Section,
    provider: provider::Section,
    models: models::Section,
    context_management: context_management::Section,
    limits: limits::Section,
    storage: storage::Section,
    telemetry: telemetry::Section,
}

/// What the checks of all sections share.
struct Checking {
    environment: Environment,
    sources: Sources,
    notices: Vec<Notice>,
}

impl Checking {
    /// An error about a setting, which names the setting as the operator wrote it.
    fn error(&self, path: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::new(self.sources.origin(path), problem)
    }

    /// Refuses settings, named by their paths, that are zero.
    fn at_least_one(&self, numbers: &[(&str, u32)]) -> Result<(), ConfigError> {
        match numbers.iter().find(|(_, number)| *number == 0) {
            Some((path, _)) => Err(self.error(path, "must be at least 1")),
            None => Ok(()),
        }
    }
}

impl Config {
    /// Reads the variables of the process and, in the working directory, `.env` and `config/`.
    ///
    /// # Errors
    /// If a source cannot be read, or a setting is unknown, missing or wrong; the error names it.
    pub fn load() -> Result<Self, ConfigError> {
        let variables = process_variables()?;
        let dotenv = read_dotenv(Path::new(DOTENV))?;
        let directory = directory(&variables)?;
        Self::from_sources(&variables, dotenv.as_deref(), directory.as_deref())
    }

    /// Reads the given sources: variables, the text of a `.env` file, a directory with YAML files.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(
        variables: &BTreeMap<String, String>,
        dotenv: Option<&str>,
        directory: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut notices = Vec::new();
        let named = sources::named_variables(variables, dotenv, &mut notices)?;
        let environment = Environment::parse(named.get(Environment::VARIABLE).map(String::as_str))?;
        let sources = Sources::read(&environment, named.settings, directory)?;
        let sections: Sections = sources.extract()?;
        Self::check(sections, Checking { environment, sources, notices })
    }

    fn check(sections: Sections, mut checking: Checking) -> Result<Self, ConfigError> {
        let Sections {
            server,
            database,
            auth,
            provider,
            models,
            context_management,
            limits,
            storage,
            telemetry,
        } = sections;
        let checking_mut = &mut checking;
        let storage = storage.check(checking_mut)?;
        let models = models.check(checking_mut)?;
        Ok(Self {
            server: server.check(checking_mut)?,
            database: database.check(checking_mut, &storage.data_dir)?,
            auth: auth.check(checking_mut, &storage.data_dir)?,
            provider: provider.check(checking_mut, &models.without_temperature)?,
            models,
            context_management: context_management.check(checking_mut)?,
            limits: limits.check(checking_mut)?,
            telemetry: telemetry.check(checking_mut)?,
            storage,
            environment: checking.environment,
            notices: checking.notices,
        })
    }
}

/// The variables of the process. Nothing else in the service reads them.
fn process_variables() -> Result<BTreeMap<String, String>, ConfigError> {
    let mut variables = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) if settings::is_ours(&name) => {
                return Err(ConfigError::new(format!("{name} (environment)"), "is not valid UTF-8"));
            }
            Err(_) => {}
        }
    }
    Ok(variables)
}

fn read_dotenv(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::new(DOTENV, format!("cannot be read: {error}"))),
    }
}

fn directory(variables: &BTreeMap<String, String>) -> Result<Option<PathBuf>, ConfigError> {
    match variables.get(DIRECTORY_VARIABLE).map(|name| name.trim()).filter(|name| !name.is_empty()) {
        Some(name) if Path::new(name).is_dir() => Ok(Some(name.into())),
        Some(_) => Err(ConfigError::new(DIRECTORY_VARIABLE, "names no directory")),
        None => Ok(Some(PathBuf::from(DIRECTORY)).filter(|directory| directory.is_dir())),
    }
}
