//! The claims of a token, and the checks on them.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::Error;
use ports::TokenError;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{Rejection, invalid};

/// The allowed difference between clocks.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The longest subject, in characters.
const SUBJECT_CHARS: usize = 255;

/// Kinds of tokens that are not access tokens, in any of the claims that issuers use for the kind.
const OTHER_KINDS: &[&str] = &["refresh", "id"];

/// The claims that are read; others, such as `iat`, may have any value.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    exp: NumericDate,
    nbf: Option<NumericDate>,
    sub: SubjectClaim,
    iss: Option<String>,
    aud: Option<Value>,
    application_id: Option<Value>,
    typ: Option<Value>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    token_type: Option<Value>,
    token_use: Option<Value>,
}

/// The claims of our own tokens.
#[derive(Debug, Serialize)]
pub(super) struct OwnClaims<'a> {
    pub(super) iss: &'static str,
    pub(super) sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aud: Option<&'a str>,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SubjectClaim {
    Text(String),
    Number(i64),
    LargeNumber(u64),
}

/// A time in seconds since 1970-01-01, with or without a fraction (RFC 7519, section 2: `NumericDate`). In JSON,
/// 1764000600, 1764000600.0 and 1.7640006e9 are one number. A fraction counts, and is not rounded away.
#[derive(Debug, Clone, Copy)]
struct NumericDate(Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumericDateVisitor)
    }
}

struct NumericDateVisitor;

impl Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number of seconds since 1970")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        time.map(NumericDate).ok_or_else(|| E::custom("is not a time"))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        let since_1970 = Duration::try_from_secs_f64(seconds).ok();
        let time = since_1970
            .and_then(|time| DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::from_std(time).ok()?));
        time.map(NumericDate).ok_or_else(|| E::custom("is not a time"))
    }
}

/// The issuer that a token names. The token is not verified.
pub(super) fn claimed_issuer(token: &str) -> Result<Option<String>, Error> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: Option<String>,
    }
    insecure_decode_claims::<Claimed>(token).map(|claimed| claimed.iss)
}

impl Claims {
    pub(super) fn issuer(&self) -> Option<&str> {
        self.iss.as_deref()
    }

    pub(super) fn application(&self) -> Option<i64> {
        self.application_id.as_ref().and_then(Value::as_i64)
    }

    /// Checks that no claim says that this is another kind of token than an access token.
    pub(super) fn check_kind(&self) -> Result<(), Rejection> {
        let kinds = [&self.typ, &self.kind, &self.token_type, &self.token_use];
        let other = kinds
            .into_iter()
            .filter_map(|kind| kind.as_ref()?.as_str())
            .any(|kind| OTHER_KINDS.iter().any(|other| kind.eq_ignore_ascii_case(other)));
        if other { Err("is not an access token") } else { Ok(()) }
    }

    /// Checks that our audience is the token's, or among them.
    pub(super) fn check_audience(&self, ours: &str) -> Result<(), Rejection> {
        let meant = match &self.aud {
            Some(Value::String(one)) => one == ours,
            Some(Value::Array(several)) => several.iter().any(|one| one == ours),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
        };
        if meant { Ok(()) } else { Err("is for another audience") }
    }

    /// Checks that the token is valid now; returns when it expires.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<Timestamp, TokenError> {
        let NumericDate(expires_at) = self.exp;
        if expires_at <= now - LEEWAY {
            return Err(TokenError::Expired);
        }
        if self.nbf.is_some_and(|NumericDate(from)| from > now + LEEWAY) {
            return Err(invalid("is not valid yet"));
        }
        Ok(expires_at)
    }

    /// The subject as a text: 1 to 255 characters, none of them control characters.
    pub(super) fn into_subject(self) -> Result<String, Rejection> {
        let subject = match self.sub {
            SubjectClaim::Text(text) => text,
            SubjectClaim::Number(number) => number.to_string(),
            SubjectClaim::LargeNumber(number) => number.to_string(),
        };
        if subject.trim().is_empty() {
            return Err("has no subject");
        }
        if subject.chars().count() > SUBJECT_CHARS {
            return Err("has too long a subject");
        }
        // One of them is U+0000, which PostgreSQL cannot store.
        if subject.chars().any(char::is_control) {
            return Err("has a subject with control characters");
        }
        Ok(subject)
    }
}
