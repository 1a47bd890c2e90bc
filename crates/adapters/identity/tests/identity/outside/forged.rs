//! Forged tokens.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ports::TokenError;
use serde_json::json;
use testkit::KeyServer;

use super::support::{ISSUER, NOW, SECRET, Service, Signer, claims, encoded, key_set};

/// A service, and the server of the issuer that it trusts, with a key of each kind.
async fn service() -> (KeyServer, Service) {
    let server = KeyServer::start(key_set(&[&Signer::rsa(), &Signer::p256(), &Signer::ed25519()])).await;
    let service = Service::over(&server);
    for signer in [Signer::rsa(), Signer::p256(), Signer::ed25519()] {
        service.passes(signer.token(&json!({}))).await;
    }
    (server, service)
}

/// Threat 19
#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let (_server, service) = service().await;
    let claims = encoded(&claims(&json!({})));
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        for kid in [json!("rsa"), json!("ed25519"), json!(null)] {
            let header = encoded(&json!({ "alg": algorithm, "typ": "JWT", "kid": kid }));
            for token in [
                format!("{header}.{claims}."),
                format!("{header}.{claims}"),
                format!("{header}.{claims}.AAAA"),
            ] {
                service.is_refused(token).await;
            }
        }
    }
    // A good header with an empty signature, or with that of another token.
    let token = Signer::ed25519().token(&json!({}));
    let (body, signature) = token.rsplit_once('.').unwrap();
    let other = Signer::ed25519().token(&json!({ "sub": "bob" }));
    let (other_body, _) = other.rsplit_once('.').unwrap();
    for forged in
        [format!("{body}."), format!("{other_body}.{signature}"), format!("{body}.{}", "A".repeat(86))]
    {
        service.is_refused(forged).await;
    }
}

/// Threat 20
#[tokio::test]
async fn a_key_verifies_with_its_own_algorithm_only() {
    let (server, service) = service().await;
    let signers = [Signer::rsa(), Signer::p256(), Signer::ed25519()];
    for signer in &signers {
        for named in &signers {
            let header = Header { kid: Some(named.name.to_owned()), ..signer.header() };
            let answer = service.verify(signer.token_with(&header, &json!({}))).await;
            assert_eq!(answer.is_ok(), signer.name == named.name, "{} as {}", signer.name, named.name);
        }
    }
    // The same RSA key, used in other ways.
    for algorithm in
        [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]
    {
        let header = Header { alg: algorithm, ..Signer::rsa().header() };
        service.is_refused(Signer::rsa().token_with(&header, &json!({}))).await;
    }
    // Published values are not accepted as a secret, in any form.
    let (n, x) = (Signer::rsa().public()["n"].clone(), Signer::ed25519().public()["x"].clone());
    for (secret, kid) in [
        (n.as_str().unwrap().as_bytes().to_vec(), "rsa"),
        (x.as_str().unwrap().as_bytes().to_vec(), "ed25519"),
        (Signer::rsa().public().to_string().into_bytes(), "rsa"),
        (Vec::new(), "rsa"),
    ] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        for iss in [json!(ISSUER), json!("omnichat"), json!(null)] {
            let key = EncodingKey::from_secret(&secret);
            service
                .is_refused(jsonwebtoken::encode(&header, &claims(&json!({ "iss": iss })), &key).unwrap())
                .await;
        }
    }
    // Our own secret may not sign for the issuer.
    let own = EncodingKey::from_secret(SECRET.as_bytes());
    service.is_refused(jsonwebtoken::encode(&Header::default(), &claims(&json!({})), &own).unwrap()).await;
    assert_eq!(server.calls(), 1, "nothing of this is worth a fetch");
}

#[tokio::test]
async fn a_published_secret_is_not_a_key() {
    let secret = json!({ "kty": "oct", "kid": "oct", "use": "sig", "alg": "HS256", "k": "c2VjcmV0LXRoYXQtZXZlcnlib2R5LWtub3dz" });
    let server = KeyServer::start(json!({ "keys": [secret] })).await;
    let service = Service::over(&server);
    let key = EncodingKey::from_secret(b"secret-that-everybody-knows");
    for kid in [Some("oct".to_owned()), None] {
        let header = Header { kid, ..Header::new(Algorithm::HS256) };
        service.is_refused(jsonwebtoken::encode(&header, &claims(&json!({})), &key).unwrap()).await;
    }
}

#[tokio::test]
async fn the_name_of_a_key_is_only_looked_up() {
    let (server, service) = service().await;
    let signer = Signer::ed25519();
    let long = "k".repeat(10_000);
    for kid in [
        "../../dev/null",
        "/proc/self/environ",
        "' OR 1=1--",
        "http://127.0.0.1:9/keys",
        "ED25519",
        "ed25519 ",
        "ed25519\0",
        "",
        long.as_str(),
    ] {
        let header = Header { kid: Some(kid.to_owned()), ..signer.header() };
        service.is_refused(signer.token_with(&header, &json!({}))).await;
    }
    for kid in [json!(1), json!(["ed25519"]), json!({ "kid": "ed25519" }), json!(true)] {
        let header = encoded(&json!({ "alg": "EdDSA", "kid": kid }));
        let token = signer.token(&json!({}));
        let (_, rest) = token.split_once('.').unwrap();
        service.is_refused(format!("{header}.{rest}")).await;
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_header_cannot_bring_a_key_or_the_address_of_one() {
    let (server, service) = service().await;
    // An attacker's own key, under the name of a trusted one and under its own.
    for name in ["ed25519", "own"] {
        let own = Signer::of_byte(7, name);
        let elsewhere = KeyServer::start(key_set(&[&own])).await;
        let jwk: Jwk = serde_json::from_value(own.public()).unwrap();
        let address = Some(elsewhere.url());
        for header in [
            Header { jwk: Some(jwk), ..own.header() },
            Header { jku: address.clone(), ..own.header() },
            Header { x5u: address.clone(), ..own.header() },
            Header { x5c: Some(vec!["AAAA".to_owned()]), ..own.header() },
            Header { jku: address, kid: None, ..own.header() },
        ] {
            service.is_refused(own.token_with(&header, &json!({}))).await;
        }
        assert_eq!(elsewhere.calls(), 0);
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn another_issuer_is_refused_even_with_good_keys() {
    let (server, service) = service().await;
    let stranger = Signer::of_byte(7, "k");
    let second = KeyServer::start(key_set(&[&stranger])).await;
    let email = json!({ "email": "alice@example.com", "email_verified": true });
    for iss in
        [json!("https://second.example"), json!(second.url()), json!(ISSUER), json!(null), json!("omnichat")]
    {
        let mut more = email.clone();
        more["iss"] = iss;
        service.is_refused(stranger.token(&more)).await;
    }
    // The key of the trusted issuer may sign for no other issuer, and not for us.
    for iss in ["https://second.example", "omnichat", "shared"] {
        service.is_refused(Signer::rsa().token(&json!({ "iss": iss }))).await;
    }
    assert_eq!((server.calls(), second.calls()), (1, 0));
}

#[tokio::test]
async fn claims_are_checked_as_in_our_own_tokens() {
    let (_server, service) = service().await;
    service.is_refused(Signer::rsa().token(&json!({ "exp": "99999999999" }))).await;
    for signer in [Signer::p256(), Signer::ed25519()] {
        for time in [
            json!("99999999999"),
            json!("9e99"),
            json!(-1),
            json!(1e308),
            json!(-0.5),
            json!([NOW]),
            json!(null),
        ] {
            service.is_refused(signer.token(&json!({ "exp": time }))).await;
        }
        for more in [
            json!({ "nbf": "0" }),
            json!({ "nbf": NOW + 60 }),
            json!({ "sub": "" }),
            json!({ "sub": null }),
            json!({ "token_use": "id" }),
            json!({ "typ": "refresh" }),
        ] {
            service.is_refused(signer.token(&more)).await;
        }
        let expired = service.verify(signer.token(&json!({ "exp": NOW - 31 }))).await;
        assert!(matches!(expired, Err(TokenError::Expired)), "{expired:?}");
        service.passes(signer.token(&json!({ "exp": NOW - 29 }))).await;
    }
}
