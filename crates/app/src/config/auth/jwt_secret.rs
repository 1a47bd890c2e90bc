//! The secret that tokens are signed with.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::super::ConfigError;

/// The secret that tokens are signed with.
#[derive(Debug, Clone)]
pub enum JwtSecret {
    /// The operator's.
    Given(SecretString),
    /// In development: a random one, made once and kept in this file.
    KeptIn(PathBuf),
}

const FILE: &str = "jwt_secret";

/// The fewest bytes of a secret: as many as HS256's hash has.
const LEAST_BYTES: usize = 32;

/// The fewest different characters; 32 random hexadecimal digits have fewer once in millions of times.
const LEAST_DIFFERENT: usize = 8;

/// Parts of secrets that stand in examples, in lower case and with `-` for `_` and spaces.
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
    // Of a well-known tutorial.
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// Why a secret is no secret; `None` for one that may be good.
pub(super) fn weakness(secret: &str) -> Option<&'static str> {
    let words = secret.to_lowercase().replace(['_', ' '], "-");
    if PLACEHOLDERS.iter().any(|known| words.contains(known)) {
        return Some("is well known: set 32 random bytes or more");
    }
    let mut different: Vec<char> = secret.chars().collect();
    different.sort_unstable();
    different.dedup();
    if secret.len() < LEAST_BYTES || different.len() < LEAST_DIFFERENT {
        return Some("is too weak: set 32 random bytes or more");
    }
    None
}

impl JwtSecret {
    pub(super) fn kept_in(data_dir: &Path) -> Self {
        Self::KeptIn(data_dir.join(FILE))
    }

    /// The secret. A kept one is made where there is none yet; of processes that try at once, all get the same.
    ///
    /// # Errors
    /// Where the file can neither be read nor made.
    pub fn read_or_make(&self) -> Result<SecretString, ConfigError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::KeptIn(path) => {
                let failed = |error| {
                    let problem = format!("cannot keep {FILE}: {error} (or set JWT_SECRET)");
                    ConfigError::new("DATA_DIR", problem)
                };
                let secret = match read(path).map_err(failed)? {
                    Some(secret) => secret,
                    None => make(path).map_err(failed)?,
                };
                if secret.expose_secret().len() < LEAST_BYTES {
                    return Err(ConfigError::new(
                        path.display().to_string(),
                        "holds no secret: delete it, and the next start makes one",
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

/// Writes the secret beside its place and links it there: nobody ever reads half of it, and the first one stays.
fn make(path: &Path) -> Result<SecretString, std::io::Error> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let secret = identity::new_secret();
    // A random name: processes in containers that share the directory may share their numbers too.
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
