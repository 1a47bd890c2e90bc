//! Descriptions of the endpoints for accounts (C-21). Only sign-in has an example in the document of S4.

use serde_json::{Value, json};
use services::SignInError;

use super::request::{LoginRequest, RegisterRequest};
use super::response::{AccountBody, RegisteredBody, TokenBody};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, tags, with};

pub(super) fn register() -> OperationDoc {
    OperationDoc::new("register", "Create an account")
        .tags([tags::ACCOUNTS])
        .description(
            "Creates an account with a password and an email address, a username or both. The response already has a \
             token. The rate limit counts calls by client address.",
        )
        .body::<RegisterRequest>([("an email address", registration())])
        .response::<RegisteredBody>("The new account, and a token for it", [("registered", registered())])
        .errors([SignInError::Taken.into(), SignInError::Overloaded.into(), ApiError::no_database()])
        .invalid("password", "must have at least 8 characters")
        .rate_limited()
}

pub(super) fn login() -> OperationDoc {
    OperationDoc::new("signIn", "Sign in")
        .tags([tags::ACCOUNTS])
        .description(
            "Returns a token for the account with this username or email address. A wrong name and a wrong password \
             have the same response, so that it does not show whether an account exists. The rate limit counts calls by \
             client address.",
        )
        .body::<LoginRequest>([("as documented", credentials())])
        .response::<TokenBody>("A token", [("token", token())])
        .errors([
            SignInError::WrongPassword.into(),
            FieldError::whole("username or email is required").into(),
            SignInError::Overloaded.into(),
            ApiError::no_database(),
        ])
        .rate_limited()
}

pub(super) fn me() -> OperationDoc {
    OperationDoc::new("me", "Get the caller's account")
        .tags([tags::ACCOUNTS])
        .response::<AccountBody>("The account to which the token belongs", [("account", account())])
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
    with(account(), token())
}
