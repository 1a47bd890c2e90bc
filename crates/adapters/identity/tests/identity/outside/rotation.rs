//! New keys, and keys that are withdrawn.

use std::time::Duration;

use serde_json::json;
use testkit::{KeyServer, outside_issuer::Published};

use super::support::{Service, Signer, calls_reach, key_set};

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes() {
    let (old, new) = (Signer::of_byte(1, "old"), Signer::of_byte(2, "new"));
    let server = KeyServer::start(key_set(&[&old])).await;
    let service = Service::over(&server);
    service.passes(old.token(&json!({}))).await;
    service.clock.move_by(30);
    server.publish(Published::Keys(key_set(&[&new, &old])));
    service.passes(new.token(&json!({}))).await;
    service.passes(old.token(&json!({}))).await;
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_ten_minutes() {
    let (old, new) = (Signer::of_byte(1, "old"), Signer::of_byte(2, "new"));
    let server = KeyServer::start(key_set(&[&old])).await;
    let service = Service::over(&server);
    service.passes(old.token(&json!({}))).await;
    server.publish(Published::Keys(key_set(&[&new])));
    service.clock.move_by(599);
    service.passes(old.token(&json!({}))).await;
    assert_eq!(server.calls(), 1);

    service.clock.move_by(1);
    service.passes(old.token(&json!({}))).await;
    let gone = async {
        while service.verify(old.token(&json!({}))).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    service.passes(new.token(&json!({}))).await;
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn callers_do_not_wait_while_known_keys_are_fetched_again() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    service.passes(signer.token(&json!({}))).await;
    service.clock.move_by(600);
    server.hold();
    let token = signer.token(&json!({}));
    for _ in 0..3 {
        service.passes(token.clone()).await;
        calls_reach(&server, 2).await;
    }
    assert_eq!(server.calls(), 2);
    server.let_through();
}

#[tokio::test]
async fn an_empty_set_withdraws_all_keys_until_there_are_new_ones() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(json!({ "keys": [] })).await;
    let service = Service::over(&server);
    service.is_refused(signer.token(&json!({}))).await;
    server.publish(Published::Keys(key_set(&[&signer])));
    service.is_refused(signer.token(&json!({}))).await;
    service.clock.move_by(30);
    service.passes(signer.token(&json!({}))).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_fetches() {
    let (old, new) = (Signer::of_byte(1, "old"), Signer::of_byte(2, "new"));
    let server = KeyServer::start(key_set(&[&old])).await;
    let service = Service::over(&server);
    service.passes(old.token(&json!({}))).await;
    service.clock.move_by(-86_400);
    server.publish(Published::Keys(key_set(&[&new])));
    service.passes(new.token(&json!({}))).await;
    assert_eq!(server.calls(), 2);
}
