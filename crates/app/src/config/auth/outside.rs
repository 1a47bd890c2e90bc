//! An outside token issuer, which signs with its own keys.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use identity::{OutsideKeys, PublicKey};
use reqwest::Url;

use super::super::{Checking, ConfigError};

pub(super) const URL: &str = "auth.jwt_jwks_url";
pub(super) const FILE: &str = "auth.jwt_public_key_file";

/// The limit of a key file, far above the length of any key.
const FILE_BYTES: u64 = 64 * 1024;

/// Keys at an address. An attacker who could change them on the way could sign in as any user, so the address must use
/// TLS, except for a server on this machine in development.
pub(super) fn published(text: &str, checking: &Checking) -> Result<OutsideKeys, ConfigError> {
    let wrong = || checking.error(URL, "must be an address such as https://issuer.example/jwks.json");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !is_plain || !url.has_host() {
        return Err(wrong());
    }
    match url.scheme() {
        "https" => Ok(OutsideKeys::Published(url)),
        "http" if checking.environment.is_development() && is_this_machine(&url) => {
            Ok(OutsideKeys::Published(url))
        }
        "http" => {
            Err(checking.error(URL, "must begin with https://, except for this machine in development"))
        }
        _ => Err(wrong()),
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The public key in a PEM file.
pub(super) fn of_file(path: &Path, checking: &Checking) -> Result<OutsideKeys, ConfigError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES).read_to_string(&mut text))
        .map_err(|error| checking.error(FILE, format!("names a file that cannot be read: {error}")))?;
    let key = PublicKey::from_pem(&text).map_err(|error| checking.error(FILE, error.to_string()))?;
    Ok(OutsideKeys::Fixed(key))
}
