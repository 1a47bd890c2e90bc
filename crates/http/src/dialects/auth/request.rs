//! Registration and sign-in, as clients send them.

use domain::limits::{NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS};
use serde::Deserialize;
use services::Registration;
use validator::{Validate, ValidateEmail, ValidationError};

use crate::error::FieldError;
use crate::extract::text;

/// `POST /auth/register`: an email address or a name, and a password.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = Registration)]
pub(crate) struct RegisterRequest {
    /// The email address; without it, `username` is one if it looks like one.
    #[validate(email(message = "must be an email address"))]
    #[schema(format = Email)]
    email: Option<String>,
    /// The name; without it, the email address.
    username: Option<String>,
    /// At least 8 characters.
    #[validate(custom(function = "new_password"))]
    #[schema(format = Password, min_length = 8)]
    password: String,
    full_name: Option<String>,
}

/// `POST /auth/login`: clients of contract S4 send an email address as the name.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = Credentials, description = "A name or an email address, and the password.")]
pub(crate) struct LoginRequest {
    /// The name or the email address.
    username: Option<String>,
    /// The same, under another key.
    email: Option<String>,
    #[validate(custom(function = "password"))]
    #[schema(format = Password)]
    password: String,
}

/// Refused before it is hashed: hashing costs, and cutting it would let others in.
fn password(password: &str) -> Result<(), ValidationError> {
    if password.len() > PASSWORD_MAX_BYTES {
        return Err(broken(format!("must have at most {PASSWORD_MAX_BYTES} bytes")));
    }
    Ok(())
}

fn new_password(new: &str) -> Result<(), ValidationError> {
    if new.chars().count() < PASSWORD_MIN_CHARS {
        return Err(broken(format!("must have at least {PASSWORD_MIN_CHARS} characters")));
    }
    password(new)
}

fn broken(rule: String) -> ValidationError {
    ValidationError::new("password").with_message(rule.into())
}

impl TryFrom<RegisterRequest> for Registration {
    type Error = FieldError;

    fn try_from(request: RegisterRequest) -> Result<Self, FieldError> {
        let RegisterRequest { email, username, password, full_name } = request;
        let email = email.map(|email| text("email", &email, NAME_CHARS)).transpose()?;
        let username = username.map(|name| text("username", name.trim(), NAME_CHARS)).transpose()?;
        let full_name = full_name.map(|name| text("full_name", &name, NAME_CHARS)).transpose()?;
        let email = email.or_else(|| username.clone().filter(ValidateEmail::validate_email));
        let username = username.or_else(|| email.clone()).ok_or_else(nobody)?;
        Ok(Self { email, username, full_name, password: Some(password) })
    }
}

impl LoginRequest {
    /// The name, and the password.
    pub(crate) fn credentials(self) -> Result<(String, String), FieldError> {
        let Self { username, email, password } = self;
        let (param, name) = match (username, email) {
            (Some(username), _) => ("username", username),
            (None, Some(email)) => ("email", email),
            (None, None) => return Err(nobody()),
        };
        Ok((text(param, name.trim(), NAME_CHARS)?, password))
    }
}

fn nobody() -> FieldError {
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
    fn a_name_that_is_an_email_address_is_both() {
        let made = registration(json!({"username": "User@example.com", "password": "password123"})).unwrap();
        assert_eq!(made.email.as_deref(), Some("User@example.com"));
        let made = registration(json!({"email": "user@example.com", "password": "password123"})).unwrap();
        assert_eq!(made.username, "user@example.com");
        let made = registration(json!({"username": "bob", "password": "password123"})).unwrap();
        assert_eq!((made.username.as_str(), made.email), ("bob", None));
    }

    #[test]
    fn bad_registrations_are_refused() {
        let cases = [
            (json!({"password": "password123"}), None),
            (json!({"username": " ", "password": "password123"}), Some("username")),
            (json!({"username": "bob", "password": "passwor"}), Some("password")),
            (json!({"username": "bob", "password": "x".repeat(1025)}), Some("password")),
            (json!({"email": "bob", "password": "password123"}), Some("email")),
            (json!({"username": "a\0b", "password": "password123"}), Some("username")),
        ];
        for (body, param) in cases {
            assert_eq!(registration(body.clone()).unwrap_err().as_deref(), param, "{body}");
        }
    }

    #[test]
    fn sign_in_takes_a_name_or_an_email_address() {
        let read = |body: Value| serde_json::from_value::<LoginRequest>(body).unwrap().credentials();
        let name = |body: Value| read(body).unwrap().0;
        assert_eq!(name(json!({"username": " user@example.com ", "password": "p"})), "user@example.com");
        assert_eq!(name(json!({"email": "user@example.com", "password": "p"})), "user@example.com");
        assert!(read(json!({"password": "p"})).is_err());
    }
}
