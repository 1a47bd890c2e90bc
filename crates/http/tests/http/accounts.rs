//! Registration, sign-in and the caller's account.

use actix_web::test::TestRequest;
use ports::{HashingError, RegisterError, SignInRecord};
use serde_json::json;

use crate::support::{Setup, get, setup, start, user};

fn register(body: serde_json::Value) -> TestRequest {
    TestRequest::post().uri("/auth/register").set_json(body)
}

fn login(body: serde_json::Value) -> TestRequest {
    TestRequest::post().uri("/auth/login").set_json(body)
}

fn with_hasher() -> Setup {
    let mut setup = setup();
    setup.hasher.expect_hash().returning(|_| Ok("hash".to_owned()));
    setup.hasher.expect_verify().returning(|password, hash| Ok(password == "password123" && hash.is_some()));
    setup
}

#[actix_web::test]
async fn a_registered_user_has_a_token() {
    let mut setup = with_hasher();
    setup.users.expect_register().returning(|new| {
        assert_eq!(new.email.as_deref(), Some("alice@example.com"));
        Ok(user(5))
    });
    let app = start(setup).await;
    let answer =
        app.call(register(json!({"username": "Alice@example.com", "password": "password123"}))).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((body["id"].as_i64(), body["tier"].as_str()), (Some(5), Some("free")));
    assert_eq!((body["access_token"].as_str(), body["token_type"].as_str()), (Some("a.b.c"), Some("bearer")));
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["email"], "alice@example.com");
}

#[actix_web::test]
async fn a_name_in_use_is_400_and_an_invalid_one_422() {
    let mut setup = with_hasher();
    setup.users.expect_register().returning(|_| Err(RegisterError::Taken));
    let app = start(setup).await;
    let taken = app.call(register(json!({"username": "bob", "password": "password123"}))).await;
    assert_eq!((taken.status, taken.code().as_str()), (400, "already_registered"));
    let cases = [
        (json!({"username": "bob"}), "password"),
        (json!({"username": "bob", "password": "short"}), "password"),
        (json!({"username": "bob", "password": "x".repeat(1025)}), "password"),
        (json!({"email": "nobody", "password": "password123"}), "email"),
    ];
    for (body, param) in cases {
        let answer = app.call(register(body)).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (422, Some(param)));
    }
}

#[actix_web::test]
async fn sign_in_does_not_show_whether_an_account_exists() {
    let mut setup = with_hasher();
    setup.users.expect_find_for_sign_in().returning(|name| {
        let known = name == "alice@example.com";
        Ok(known.then(|| SignInRecord { user: user(1), password_hash: Some("hash".to_owned()) }))
    });
    let app = start(setup).await;
    let right = app.call(login(json!({"username": "alice@example.com", "password": "password123"}))).await;
    assert_eq!(right.json(), json!({"access_token": "a.b.c", "token_type": "bearer", "expires_in": 3600}));
    let by_email = app.call(login(json!({"email": "Alice@Example.com", "password": "password123"}))).await;
    assert_eq!(by_email.status, 200);
    let wrong = app.call(login(json!({"username": "alice@example.com", "password": "password124"}))).await;
    let absent = app.call(login(json!({"username": "nobody@example.com", "password": "password123"}))).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "invalid_credentials"));
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    assert_eq!((absent.status, absent.text()), (401, wrong.text()));
}

#[actix_web::test]
async fn too_many_sign_ins_at_once_are_503_with_retry_after() {
    let mut setup = setup();
    setup.users.expect_find_for_sign_in().returning(|_| Ok(None));
    setup.hasher.expect_verify().returning(|_, _| Err(HashingError::Busy));
    let app = start(setup).await;
    let answer = app.call(login(json!({"username": "bob", "password": "password123"}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[actix_web::test]
async fn callers_see_their_account_without_secrets() {
    let app = start(setup()).await;
    assert_eq!(
        app.call(get("/auth/me")).await.json(),
        json!({"id": 1, "email": "alice@example.com", "username": "alice@example.com", "full_name": null,
            "tier": "free", "created_at": "2023-11-14T22:13:20.000000Z"})
    );
}
