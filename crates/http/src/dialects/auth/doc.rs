//! Accounts and tokens (C-21). The document of S4 has the sign-in; the other two routes are ours.

use serde_json::{Value, json};
use services::SignInError;

use super::request::{LoginRequest, RegisterRequest};
use super::response::{AccountBody, RegisteredBody, TokenBody};
use crate::error::FieldError;
use crate::openapi::{OperationDoc, tags};

pub(super) fn register() -> OperationDoc {
    OperationDoc::new("register", "Make an account")
        .tags([tags::ACCOUNTS])
        .description("An email address or a name, and a password. The answer has a token already.")
        .body::<RegisterRequest>([("an email address", registration())])
        .response::<RegisteredBody>("The account, with a token", [("registered", registered())])
        .errors([
            SignInError::Taken.into(),
            FieldError::new("password", "must have at least 8 characters").into(),
            SignInError::Overloaded.into(),
        ])
        .rate_limited()
        .uses_store()
}

pub(super) fn login() -> OperationDoc {
    OperationDoc::new("signIn", "Sign in")
        .tags([tags::ACCOUNTS])
        .description(
            "Nobody learns whether an account exists: a wrong name and a wrong password are one answer.",
        )
        .body::<LoginRequest>([("as documented", credentials())])
        .response::<TokenBody>("A token", [("token", token())])
        .errors([
            SignInError::WrongPassword.into(),
            FieldError::whole("username or email is required").into(),
            SignInError::Overloaded.into(),
        ])
        .rate_limited()
        .uses_store()
}

pub(super) fn me() -> OperationDoc {
    OperationDoc::new("me", "Whose token it is")
        .tags([tags::ACCOUNTS])
        .response::<AccountBody>("The account", [("account", account())])
}

fn credentials() -> Value {
    json!({"username": "user@example.com", "password": "password123"})
}

fn registration() -> Value {
    json!({"email": "user@example.com", "password": "password123", "full_name": "User One"})
}

fn account() -> Value {
    json!({
        "id": 1,
        "email": "user@example.com",
        "username": "user@example.com",
        "full_name": "User One",
        "tier": "free",
        "created_at": "2024-01-01T12:00:00.000000Z"
    })
}

fn token() -> Value {
    json!({"access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature", "token_type": "bearer", "expires_in": 3600})
}

fn registered() -> Value {
    let (mut all, token) = (account(), token());
    if let (Value::Object(all), Value::Object(token)) = (&mut all, token) {
        all.extend(token);
    }
    all
}
