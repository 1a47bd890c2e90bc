//! Accounts and tokens (C-21). The document of S4 has the sign-in; the other two routes are ours.

use actix_web::http::Method;
use serde_json::{Value, json};
use services::SignInError;

use super::ACCOUNTS;
use super::operation::Described;
use crate::dialects::auth::request::{LoginRequest, RegisterRequest};
use crate::dialects::auth::response::{AccountBody, RegisteredBody, TokenBody};
use crate::extract::FieldError;

pub(super) fn operations() -> Vec<Described> {
    vec![
        Described::new(Method::POST, "/auth/register", "register", "Make an account")
            .of([ACCOUNTS])
            .tells("An email address or a name, and a password. The answer has a token already.")
            .takes::<RegisterRequest>([("an email address", registration())])
            .answers::<RegisteredBody>("The account, with a token", [("registered", registered())])
            .refuses([
                SignInError::Taken.into(),
                FieldError::new("password", "must have at least 8 characters").into(),
                SignInError::Overloaded.into(),
            ])
            .counts()
            .uses_the_store(),
        Described::new(Method::POST, "/auth/login", "signIn", "Sign in")
            .of([ACCOUNTS])
            .tells(
                "Nobody learns whether an account exists: a wrong name and a wrong password are one answer.",
            )
            .takes::<LoginRequest>([("as documented", credentials())])
            .answers::<TokenBody>("A token", [("token", token())])
            .refuses([
                SignInError::WrongPassword.into(),
                FieldError::whole("username or email is required").into(),
                SignInError::Overloaded.into(),
            ])
            .counts()
            .uses_the_store(),
        Described::new(Method::GET, "/auth/me", "me", "Whose token it is")
            .of([ACCOUNTS])
            .answers::<AccountBody>("The account", [("account", account())]),
    ]
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
