//! Registration, sign-in and tokens (C-21).

use serde_json::json;

use crate::support::{App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(
    a_user_registers_and_signs_in,
    a_name_can_be_registered_once,
    a_token_from_the_command_line_works,
);
on_sqlite_alone!(a_failed_sign_in_does_not_reveal_whether_the_account_exists, bad_registrations_are_refused);

/// S4-31, S4-33, C-21
async fn a_user_registers_and_signs_in(store: Store) {
    let app = App::start(store).await;
    let registration =
        json!({"email": "User@Example.com", "password": "password123", "full_name": "U. Ser", "tier": "pro"});
    let body = app.post("/auth/register", registration).await.ok();
    assert_eq!((&body["email"], &body["tier"]), (&json!("user@example.com"), &json!("free")));
    assert_eq!(body["token_type"], "bearer");
    // The body of the document, with an email address as username.
    let login = json!({"username": "user@example.com", "password": "password123"});
    let body = app.post("/auth/login", login).await.ok();
    assert_eq!(body["expires_in"], 3600);
    let token = body["access_token"].as_str().unwrap();
    let me = app.me(token).await.ok();
    assert_eq!((&me["full_name"], &me["id"]), (&json!("U. Ser"), &json!(1)));
}

/// S4-31, C-21, Threat 31
async fn a_failed_sign_in_does_not_reveal_whether_the_account_exists(store: Store) {
    let app = App::start(store).await;
    app.user("ann").await;
    let wrong = app.post("/auth/login", json!({"username": "ann", "password": "wrong-password"})).await;
    let unknown = app.post("/auth/login", json!({"username": "zoe", "password": "wrong-password"})).await;
    wrong.is_error(401, "invalid_credentials");
    assert_eq!(wrong.text, unknown.text);
}

/// C-21
async fn a_name_can_be_registered_once(store: Store) {
    let app = App::start(store).await;
    let first = json!({"username": "Ann", "email": "ann@example.com", "password": "password123"});
    app.post("/auth/register", first).await.ok();
    for body in [
        json!({"username": "ann", "password": "password123"}),
        json!({"email": "ANN@example.com", "password": "password123"}),
        json!({"username": "ann@example.com", "password": "password123"}),
    ] {
        app.post("/auth/register", body).await.is_error(400, "already_registered");
    }
}

/// C-21, Threat 34
async fn bad_registrations_are_refused(store: Store) {
    let app = App::start(store).await;
    for body in [
        json!({}),
        json!({"username": "ann"}),
        json!({"password": "password123"}),
        json!({"username": "ann", "password": "short"}),
        json!({"username": "ann", "password": "x".repeat(1_025)}),
        json!({"username": " ", "password": "password123"}),
        json!({"email": "no address", "password": "password123"}),
        json!({"username": "a\u{0}", "password": "password123"}),
    ] {
        let answer = app.post("/auth/register", body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    }
}

async fn a_token_from_the_command_line_works(store: Store) {
    let app = App::start(store).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let output = app.command().args(["token", "--user", "me"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let token = String::from_utf8(output.stdout).unwrap();
        ids.push(app.me(token.trim()).await.ok()["id"].as_i64().unwrap());
    }
    assert_eq!(ids[0], ids[1]);
}
