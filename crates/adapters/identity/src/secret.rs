//! Random secrets.

use secrecy::SecretString;
use uuid::Uuid;

/// A new secret of 64 hexadecimal digits, with 244 random bits from the operating system.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "used for its random bits, not as an id")]
pub fn new_secret() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (new_secret(), new_secret());
        assert_eq!(one.expose_secret().len(), 64);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
