//! Tokens while the keys of their issuer cannot be fetched.

use std::time::Duration;

use domain::UserId;
use ports::{Clock, TokenIssuer};
use serde_json::json;
use testkit::{KeyServer, outside_issuer::Published};

use super::support::{NOW, Service, Signer, calls_reach, key_set};

const DOWN: Published = Published::Answer(503, String::new());

#[tokio::test]
async fn before_the_first_keys_tokens_cannot_be_checked() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    server.publish(DOWN);
    let service = Service::over(&server);
    let token = signer.token(&json!({}));
    assert_eq!(service.is_unavailable(token.clone()).await, Duration::from_secs(30));
    service.clock.move_by(20);
    assert_eq!(service.is_unavailable(token.clone()).await, Duration::from_secs(10));
    assert_eq!(server.calls(), 1, "a fetch that failed is not repeated at once");

    server.publish(Published::Keys(key_set(&[&signer])));
    service.is_unavailable(token.clone()).await;
    service.clock.move_by(10);
    service.passes(token).await;
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_server_that_is_gone_counts_as_one_that_fails() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    drop(server);
    service.is_unavailable(signer.token(&json!({}))).await;
}

#[tokio::test]
async fn known_keys_are_used_for_a_day_without_their_issuer() {
    let (signer, stranger) = (Signer::of_byte(1, "k"), Signer::of_byte(2, "other"));
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    service.passes(signer.token(&json!({}))).await;
    server.publish(DOWN);
    for minute in 1..=10 {
        service.clock.move_by(60);
        service.passes(signer.token(&json!({}))).await;
        // There is a known set of keys, and this key is not in it.
        service.is_refused(stranger.token(&json!({}))).await;
        assert_eq!(server.calls(), 1 + minute);
    }
    service.clock.move_by(86_400 - 600 - 1);
    service.passes(signer.token(&json!({}))).await;
    calls_reach(&server, 12).await;
    service.clock.move_by(1);
    service.is_unavailable(signer.token(&json!({}))).await;
    service.is_unavailable(stranger.token(&json!({}))).await;

    server.publish(Published::Keys(key_set(&[&signer])));
    service.clock.move_by(30);
    service.passes(signer.token(&json!({}))).await;
}

#[tokio::test]
async fn during_an_outage_keys_are_fetched_every_half_minute_at_most() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    service.passes(signer.token(&json!({}))).await;
    server.publish(DOWN);
    service.clock.move_by(600);
    let token = signer.token(&json!({}));
    for attempt in 0..10 {
        // A fetch begins once the one before has ended.
        let fetched = async {
            while server.calls() < 2 + attempt {
                service.passes(token.clone()).await;
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), fetched).await.unwrap();
        service.clock.move_by(29);
        for _ in 0..3 {
            service.passes(token.clone()).await;
        }
        assert_eq!(server.calls(), 2 + attempt);
        service.clock.move_by(1);
    }
}

#[tokio::test]
async fn tokens_of_the_secret_never_wait() {
    let server = KeyServer::start(json!({})).await;
    server.publish(Published::Silence);
    let service = Service::over(&server);
    let own = service.identity.issue(UserId(7), service.clock.now()).unwrap().token;
    let outside = service.is_unavailable(Signer::of_byte(1, "k").token(&json!({})));
    let ours = async {
        calls_reach(&server, 1).await;
        for _ in 0..100 {
            service.passes(own.clone()).await;
        }
    };
    tokio::select! {
        biased;
        retry_after = outside => panic!("the outside token was answered, {retry_after:?}, before our own"),
        () = ours => {}
    }
}

#[tokio::test]
async fn tokens_that_no_key_could_make_valid_are_refused_without_a_fetch() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    server.publish(DOWN);
    let service = Service::over(&server);
    for more in [json!({ "iss": "https://second.example" }), json!({ "iss": null }), json!({ "iss": 1 })] {
        service.is_refused(signer.token(&more)).await;
    }
    let long = jsonwebtoken::Header { kid: Some("k".repeat(256)), ..signer.header() };
    service.is_refused(signer.token_with(&long, &json!({}))).await;
    assert_eq!(server.calls(), 0);
    // For an expired token the keys are needed: its claims are not verified before.
    service.is_unavailable(signer.token(&json!({ "exp": NOW - 60 }))).await;
}
