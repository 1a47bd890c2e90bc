//! The secret that signs tokens.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::super::ConfigError;

/// The secret that signs tokens.
#[derive(Debug, Clone)]
pub enum JwtSecret {
    /// Set by the operator.
    Given(SecretString),
    /// In development without a secret: a random one, created once and kept in this file.
    KeptIn(PathBuf),
}

const FILE: &str = "jwt_secret";

/// The least length of a secret: that of the hash in HS256.
const MIN_BYTES: usize = 32;

/// The least number of different characters. 32 random hexadecimal digits have fewer once in millions of times.
const MIN_DIFFERENT: usize = 8;

/// Parts of secrets that are used in examples, in lower case and with `-` for `_` and spaces.
const PLACEHOLDERS: &[&str] = &[
    "your-secret",
    "your-jwt",
    "your-256-bit",
    "my-secret",
    "changeme",
    "change-me",
    "change-this",
    "change-in-prod",
    "replace-me",
    "replace-this",
    "super-secret",
    "supersecret",
    "example",
    "placeholder",
    "insecure",
    "password",
    "a-string-secret-at-least-256-bits-long",
    // From a well-known tutorial.
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// Why a secret is not safe; `None` if nothing speaks against it.
pub(super) fn weakness(secret: &str) -> Option<&'static str> {
    let words = secret.to_lowercase().replace(['_', ' '], "-");
    if PLACEHOLDERS.iter().any(|known| words.contains(known)) {
        return Some("is well known: set 32 random bytes or more");
    }
    let mut different: Vec<char> = secret.chars().collect();
    different.sort_unstable();
    different.dedup();
    if secret.len() < MIN_BYTES || different.len() < MIN_DIFFERENT {
        return Some("is too weak: set 32 random bytes or more");
    }
    None
}

impl JwtSecret {
    pub(super) fn kept_in(data_dir: &Path) -> Self {
        Self::KeptIn(data_dir.join(FILE))
    }

    /// The secret. The file is created if there is none yet; processes that do so at the same time get the same secret.
    ///
    /// # Errors
    /// If the file can neither be read nor created, or holds too short a secret.
    pub fn read_or_make(&self) -> Result<SecretString, ConfigError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::KeptIn(path) => {
                let failed = |error| {
                    let problem = format!("{FILE} cannot be kept there: {error} (or set JWT_SECRET)");
                    ConfigError::new("DATA_DIR", problem)
                };
                let secret = match read(path).map_err(failed)? {
                    Some(secret) => secret,
                    None => make(path).map_err(failed)?,
                };
                if secret.expose_secret().len() < MIN_BYTES {
                    return Err(ConfigError::new(
                        path.display().to_string(),
                        "holds no secret: delete it, and the next start creates one",
                    ));
                }
                Ok(secret)
            }
        }
    }
}

fn read(path: &Path) -> Result<Option<SecretString>, std::io::Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates the secret in a file of another name and links it to `path`. So no process ever reads half of it, and if two
/// processes create one at the same time, the first one stays.
fn make(path: &Path) -> Result<SecretString, std::io::Error> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let secret = identity::new_secret();
    // The name is random, not the process id: processes in different containers may have the same id.
    let beside = path.with_extension(format!("new-{}", identity::new_secret().expose_secret()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| std::io::Error::from(ErrorKind::NotFound))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_and_short_secrets_are_weak() {
        for weak in [
            "secret",
            "changeme",
            "your-secret-key",
            "your_secret_key",
            "Your Secret Key, which should be changed in production",
            "please-change-me-before-this-goes-to-production",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "a-string-secret-at-least-256-bits-long",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabcabcabcabcabcabcabc",
            "0123456789012345678901234567890",
            "",
        ] {
            assert!(weakness(weak).is_some(), "{weak}");
        }
    }

    #[test]
    fn random_secrets_are_not_weak() {
        for _ in 0..10_000 {
            let secret = identity::new_secret();
            assert_eq!(weakness(secret.expose_secret()), None);
            let half = secret.expose_secret().get(..32).unwrap();
            assert_eq!(weakness(half), None, "{half}");
        }
        assert_eq!(weakness("Zq3/8vQ0m1tW+eJr5uYx7cBnKp2sLdAh"), None);
    }
}
