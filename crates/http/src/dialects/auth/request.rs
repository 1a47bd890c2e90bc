//! Requests to register and to sign in.

use domain::limits::{NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS};
use domain::text::composed;
use serde::Deserialize;
use services::Registration;
use validator::{Validate, ValidateEmail, ValidationError};

use crate::error::FieldError;
use crate::extract::text;

/// A new account: a password, and an email address, a username or both.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = Registration)]
pub(crate) struct RegisterRequest {
    /// The email address. Without it, a `username` that is an email address is used.
    #[validate(email(message = "must be an email address"))]
    #[schema(format = Email)]
    email: Option<String>,
    /// The name of the account, at most 255 characters. Without it, the email address is used.
    username: Option<String>,
    /// At least 8 characters and at most 1024 bytes.
    #[validate(custom(function = "new_password"))]
    #[schema(format = Password, min_length = 8)]
    password: String,
    full_name: Option<String>,
}

/// The credentials of an account. Clients of S4 send an email address as the username.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = Credentials, description = "A username or an email address, and the password.")]
pub(crate) struct LoginRequest {
    /// The username or the email address of the account.
    username: Option<String>,
    /// May be sent instead of `username`.
    email: Option<String>,
    #[validate(custom(function = "password"))]
    #[schema(format = Password)]
    password: String,
}

/// Limits the password before it is hashed, because hashing is expensive. Cutting it instead would accept other passwords.
/// It is measured in the form that is hashed.
fn password(password: &str) -> Result<(), ValidationError> {
    if composed(password).len() > PASSWORD_MAX_BYTES {
        return Err(invalid(format!("must have at most {PASSWORD_MAX_BYTES} bytes")));
    }
    Ok(())
}

fn new_password(new: &str) -> Result<(), ValidationError> {
    if composed(new).chars().count() < PASSWORD_MIN_CHARS {
        return Err(invalid(format!("must have at least {PASSWORD_MIN_CHARS} characters")));
    }
    password(new)
}

fn invalid(rule: String) -> ValidationError {
    ValidationError::new("password").with_message(rule.into())
}

impl TryFrom<RegisterRequest> for Registration {
    type Error = FieldError;

    fn try_from(request: RegisterRequest) -> Result<Self, FieldError> {
        let RegisterRequest { email, username, password, full_name } = request;
        let email = email.map(|email| text("email", &composed(&email), NAME_CHARS)).transpose()?;
        let username =
            username.map(|name| text("username", &composed(name.trim()), NAME_CHARS)).transpose()?;
        let full_name = full_name.map(|name| text("full_name", &name, NAME_CHARS)).transpose()?;
        let email = email.or_else(|| username.clone().filter(ValidateEmail::validate_email));
        let username = username.or_else(|| email.clone()).ok_or_else(no_name)?;
        Ok(Self { email, username, full_name, password: Some(password) })
    }
}

impl LoginRequest {
    /// The username or email address, and the password.
    pub(crate) fn credentials(self) -> Result<(String, String), FieldError> {
        let Self { username, email, password } = self;
        let (param, name) = match (username, email) {
            (Some(username), _) => ("username", username),
            (None, Some(email)) => ("email", email),
            (None, None) => return Err(no_name()),
        };
        // Its length is that of the composed form; its own form is kept, as it may tell two old accounts apart.
        text(param, &composed(name.trim()), NAME_CHARS)?;
        Ok((text(param, name.trim(), name.len())?, password))
    }
}

fn no_name() -> FieldError {
    FieldError::whole("username or email is required")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn registration(body: Value) -> Result<Registration, Option<String>> {
        let request: RegisterRequest = serde_json::from_value(body).unwrap();
        request.validate().map_err(|errors| errors.field_errors().keys().next().map(ToString::to_string))?;
        request.try_into().map_err(|error: FieldError| error.param)
    }

    #[test]
    fn a_username_that_is_an_email_address_is_both() {
        let made = registration(json!({"username": "User@example.com", "password": "password123"})).unwrap();
        assert_eq!(made.email.as_deref(), Some("User@example.com"));
        let made = registration(json!({"email": "user@example.com", "password": "password123"})).unwrap();
        assert_eq!(made.username, "user@example.com");
        let made = registration(json!({"username": "bob", "password": "password123"})).unwrap();
        assert_eq!((made.username.as_str(), made.email), ("bob", None));
    }

    #[test]
    fn invalid_registrations_are_refused() {
        let cases = [
            (json!({"password": "password123"}), None),
            (json!({"username": " ", "password": "password123"}), Some("username")),
            (json!({"username": "bob", "password": "passwor"}), Some("password")),
            (json!({"username": "bob", "password": "passwo\u{308}r"}), Some("password")),
            (json!({"username": "bob", "password": "x".repeat(1025)}), Some("password")),
            (json!({"email": "bob", "password": "password123"}), Some("email")),
            (json!({"username": "a\0b", "password": "password123"}), Some("username")),
        ];
        for (body, param) in cases {
            assert_eq!(registration(body.clone()).unwrap_err().as_deref(), param, "{body}");
        }
    }

    #[test]
    fn sign_in_takes_a_username_or_an_email_address() {
        let read = |body: Value| serde_json::from_value::<LoginRequest>(body).unwrap().credentials();
        let name = |body: Value| read(body).unwrap().0;
        assert_eq!(name(json!({"username": " user@example.com ", "password": "p"})), "user@example.com");
        assert_eq!(name(json!({"email": "user@example.com", "password": "p"})), "user@example.com");
        assert!(read(json!({"password": "p"})).is_err());
    }

    #[test]
    fn a_name_is_as_long_as_its_composed_form() {
        let login = |name: &str| {
            serde_json::from_value::<LoginRequest>(json!({"username": name, "password": "p"}))
                .unwrap()
                .credentials()
        };
        for (count, is_good) in [(255, true), (256, false)] {
            for letter in ["o\u{308}", "\u{f6}"] {
                let name = letter.repeat(count);
                let made = registration(json!({"username": name, "password": "password123"}));
                assert_eq!((made.is_ok(), login(&name).is_ok()), (is_good, is_good), "{count} {letter}");
            }
        }
    }
}
