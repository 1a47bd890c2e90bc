//! Keys that an issuer publishes: from where and how often they are fetched, and which of them are used.

use std::time::Duration;

use jsonwebtoken::Header;
use serde_json::{Value, json};
use testkit::{KeyServer, outside_issuer::Published};
use tokio::task::JoinSet;

use super::support::{ISSUER, Service, Signer, calls_reach, encoded, key_set, outside, published};

#[tokio::test]
async fn tokens_of_each_kind_of_key_pass_after_one_fetch() {
    let signers = [Signer::rsa(), Signer::p256(), Signer::ed25519()];
    let server = KeyServer::start(key_set(&signers.each_ref())).await;
    let service = Service::over(&server);
    assert_eq!(server.calls(), 0, "nothing is fetched before it is needed");
    for signer in &signers {
        for sub in [json!("alice"), json!(1), json!("1")] {
            let subject = service.passes(signer.token(&json!({ "sub": sub }))).await;
            assert_eq!(outside(&subject), (ISSUER, sub.as_str().unwrap_or("1")));
        }
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_unknown_names_cause_one_fetch_in_half_a_minute() {
    let (signer, stranger) = (Signer::of_byte(1, "known"), Signer::of_byte(2, "other"));
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    // The tokens are refused before their signature is checked.
    let token = stranger.token(&json!({}));
    let (_, rest) = token.split_once('.').unwrap();
    let mut refused = 0;
    for round in 0..100 {
        let mut at_once = JoinSet::new();
        for number in 0..100 {
            let header = encoded(&json!({ "alg": "EdDSA", "kid": format!("{round}-{number}") }));
            at_once.spawn(service.is_refused(format!("{header}.{rest}")));
        }
        refused += at_once.join_all().await.len();
    }
    assert_eq!((refused, server.calls()), (10_000, 1));

    service.clock.move_by(29);
    service.is_refused(stranger.token(&json!({}))).await;
    assert_eq!(server.calls(), 1);
    service.clock.move_by(1);
    service.is_refused(stranger.token(&json!({}))).await;
    service.is_refused(stranger.token(&json!({}))).await;
    assert_eq!(server.calls(), 2);
    service.passes(signer.token(&json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_callers_share_the_first_fetch() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    server.hold();
    let (mut waiting, token) = (JoinSet::new(), signer.token(&json!({})));
    for _ in 0..100 {
        waiting.spawn(service.passes(token.clone()));
    }
    calls_reach(&server, 1).await;
    server.let_through();
    assert_eq!(waiting.join_all().await.len(), 100);
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_end_the_fetch() {
    let signer = Signer::of_byte(1, "k");
    let server = KeyServer::start(key_set(&[&signer])).await;
    let service = Service::over(&server);
    server.hold();
    let token = signer.token(&json!({}));
    let left = tokio::time::timeout(Duration::from_millis(50), service.verify(token.clone())).await;
    assert!(left.is_err());
    calls_reach(&server, 1).await;
    server.let_through();
    service.passes(token).await;
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_token_without_a_key_name_passes_if_there_is_one_key() {
    let (one, other) = (Signer::of_byte(1, "one"), Signer::of_byte(2, "other"));
    let nameless = Header { kid: None, ..one.header() };
    let of = |signer: &Signer| signer.token_with(&nameless, &json!({}));

    let server = KeyServer::start(key_set(&[&one])).await;
    let service = Service::over(&server);
    service.passes(of(&one)).await;
    service.is_refused(of(&other)).await;

    // Keys that cannot be used do not count.
    let mut encrypts = other.public();
    encrypts["use"] = json!("enc");
    let server = KeyServer::start(json!({ "keys": [encrypts, one.public()] })).await;
    Service::over(&server).passes(of(&one)).await;

    let server = KeyServer::start(key_set(&[&one, &other])).await;
    let service = Service::over(&server);
    service.is_refused(of(&one)).await;
    service.is_refused(of(&other)).await;
    service.passes(one.token(&json!({}))).await;
}

#[tokio::test]
async fn only_keys_that_may_sign_are_used() {
    let signer = Signer::ed25519();
    let with = |changes: Value| {
        let mut key = signer.public();
        let fields = key.as_object_mut().unwrap();
        fields.remove("use");
        fields.remove("alg");
        fields.extend(changes.as_object().unwrap().clone());
        fields.retain(|_, value| !value.is_null());
        key
    };
    for (changes, passes) in [
        (json!({}), true),
        (json!({ "use": "sig", "alg": "EdDSA" }), true),
        (json!({ "key_ops": ["verify"] }), true),
        (json!({ "x5t": "AA", "iat": 1, "more": { "a": [1] } }), true),
        (json!({ "use": "enc" }), false),
        (json!({ "use": "SIG" }), false),
        (json!({ "use": 1 }), false),
        (json!({ "key_ops": ["encrypt"] }), false),
        (json!({ "key_ops": [] }), false),
        (json!({ "alg": "ES256" }), false),
        (json!({ "alg": "HS256" }), false),
        (json!({ "alg": "none" }), false),
        (json!({ "crv": "X25519" }), false),
        (json!({ "crv": "P-256" }), false),
        (json!({ "crv": null }), false),
        (json!({ "kty": "EC" }), false),
        (json!({ "kty": "oct", "k": "AAAA" }), false),
        (json!({ "kty": null }), false),
        (json!({ "kid": 7 }), false),
        (json!({ "kid": null }), false),
        (json!({ "x": "AAAA" }), false),
        (json!({ "x": "" }), false),
        (json!({ "x": "!" }), false),
    ] {
        // The set also has a good key, which must pass whatever else the set holds.
        let beside = Signer::of_byte(1, "beside");
        let server =
            KeyServer::start(json!({ "keys": [1, null, {}, with(changes.clone()), beside.public()] })).await;
        let service = Service::over(&server);
        service.passes(beside.token(&json!({}))).await;
        let answer = service.verify(signer.token(&json!({}))).await;
        assert_eq!(answer.is_ok(), passes, "{changes}: {answer:?}");
    }
}

#[tokio::test]
async fn weak_and_malformed_keys_are_left_out() {
    let (rsa, p256) = (Signer::rsa(), Signer::p256());
    let with = |signer: &Signer, name: &str, value: String| {
        let mut key = signer.public();
        key[name] = json!(value);
        key
    };
    let modulus = rsa.public()["n"].as_str().unwrap().to_owned();
    let y = p256.public()["y"].as_str().unwrap().to_owned();
    let (rsa_token, p256_token) = (rsa.token(&json!({})), p256.token(&json!({})));
    for (token, key) in [
        // 2040 bits, and leading zeros that make a short key look long.
        (&rsa_token, with(&rsa, "n", modulus[..340].to_owned())),
        (&rsa_token, with(&rsa, "n", format!("{}{}", "A".repeat(172), &modulus[..172]))),
        (&rsa_token, with(&rsa, "n", modulus.repeat(3))),
        (&rsa_token, with(&rsa, "n", String::new())),
        (&rsa_token, with(&rsa, "e", "AQ".to_owned())),
        (&rsa_token, with(&rsa, "e", String::new())),
        (&rsa_token, with(&rsa, "e", "_".repeat(43))),
        (&p256_token, with(&p256, "crv", "P-384".to_owned())),
        (&p256_token, with(&p256, "y", p256.public()["x"].as_str().unwrap().to_owned())),
        (&p256_token, with(&p256, "y", y[..20].to_owned())),
        (&p256_token, with(&p256, "x", String::new())),
    ] {
        let server = KeyServer::start(json!({ "keys": [key] })).await;
        Service::over(&server).is_refused(token.clone()).await;
    }
}

#[tokio::test]
async fn of_two_keys_with_one_name_the_first_counts() {
    let (first, second) = (Signer::of_byte(1, "k"), Signer::of_byte(2, "k"));
    let server = KeyServer::start(key_set(&[&first, &second])).await;
    let service = Service::over(&server);
    service.passes(first.token(&json!({}))).await;
    service.is_refused(second.token(&json!({}))).await;
}

#[tokio::test]
async fn each_issuer_has_keys_of_its_own() {
    let (one, other) = (Signer::of_byte(1, "k"), Signer::of_byte(2, "k"));
    let (one_server, other_server) =
        (KeyServer::start(key_set(&[&one])).await, KeyServer::start(key_set(&[&other])).await);
    let (one_name, other_name) = ("https://one.example", "https://other.example");
    let service =
        Service::trusting(vec![published(one_name, &one_server), published(other_name, &other_server)]);
    let alice = service.passes(one.token(&json!({ "iss": one_name }))).await;
    let other_alice = service.passes(other.token(&json!({ "iss": other_name }))).await;
    assert_ne!(outside(&alice), outside(&other_alice));
    service.is_refused(one.token(&json!({ "iss": other_name }))).await;
    service.is_refused(other.token(&json!({ "iss": one_name }))).await;
}

#[tokio::test]
async fn a_response_that_is_not_a_key_set_holds_no_keys() {
    let signer = Signer::of_byte(1, "k");
    let keys = key_set(&[&signer]);
    let elsewhere = KeyServer::start(keys.clone()).await;
    let server = KeyServer::start(keys.clone()).await;
    let padded = |length: usize| {
        let mut keys = keys.clone();
        keys["padding"] = json!("x".repeat(length - keys.to_string().len() - r#","padding":"""#.len()));
        assert_eq!(keys.to_string().len(), length);
        keys
    };
    for answer in [
        Published::Answer(500, keys.to_string()),
        Published::Answer(404, keys.to_string()),
        Published::Answer(204, String::new()),
        Published::Answer(200, String::new()),
        Published::Answer(200, "<html>".to_owned()),
        Published::Answer(200, "[]".to_owned()),
        Published::Answer(200, "{}".to_owned()),
        Published::Answer(200, r#"{"keys":{}}"#.to_owned()),
        Published::Answer(200, "[".repeat(100_000)),
        Published::Keys(padded(256 * 1024 + 1)),
        Published::MovedTo(elsewhere.url()),
        Published::Silence,
    ] {
        server.publish(answer);
        let service = Service::over(&server);
        service.is_unavailable(signer.token(&json!({}))).await;
    }
    assert_eq!(elsewhere.calls(), 0, "redirects are not followed");
    server.publish(Published::Keys(padded(256 * 1024)));
    Service::over(&server).passes(signer.token(&json!({}))).await;
}
