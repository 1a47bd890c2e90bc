//! Issuers whose key is in a file.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use omnichat_identity::{KeyError, PublicKey};
use serde_json::{Value, json};

use super::support::{ISSUER, Service, Signer, claims, fixed, outside};

const RSA: &str = include_str!("../../keys/rsa_2048.pem");
const ED25519: &str = include_str!("../../keys/ed25519.pem");

/// The public key of a signer, in PEM form.
fn pem(signer: &Signer) -> String {
    let x = signer.public()["x"].as_str().unwrap().replace('-', "+").replace('_', "/");
    format!("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA{x}=\n-----END PUBLIC KEY-----\n")
}

#[test]
fn a_file_holds_one_public_key_of_a_kind_that_we_use() {
    let read = |text: &str| PublicKey::from_pem(text).map(drop);
    for good in [
        RSA,
        ED25519,
        include_str!("../../keys/rsa_2048_pkcs1.pem"),
        include_str!("../../keys/p256.pem"),
        &format!("issuer.example\n{RSA}"),
        &RSA.replace('\n', "\r\n"),
    ] {
        assert!(read(good).is_ok(), "{good}: {:?}", read(good));
    }
    for size in [include_str!("../../keys/rsa_1024.pem"), include_str!("../../keys/rsa_4104.pem")] {
        assert!(matches!(read(size), Err(KeyError::Size | KeyError::Unreadable(_))), "{:?}", read(size));
    }
    assert!(matches!(read(include_str!("../../keys/p384.pem")), Err(KeyError::Kind)));
    assert!(matches!(read(include_str!("../../keys/x25519.pem")), Err(KeyError::Unreadable(_))));
    for other in [
        "",
        "no key",
        include_str!("../../keys/certificate.pem"),
        testkit::outside_issuer::RSA_KEY,
        testkit::outside_issuer::ED25519_KEY,
        &format!("{RSA}{ED25519}"),
        &format!("{RSA}{}", testkit::outside_issuer::P256_KEY),
    ] {
        assert!(matches!(read(other), Err(KeyError::NotOnePublicKey)), "{other}: {:?}", read(other));
    }
    for damaged in [&RSA[..200], &RSA.replacen('I', "!", 1), &ED25519.replace("MCow", "MCov")] {
        assert!(read(damaged).is_err(), "{damaged}");
    }
}

#[tokio::test]
async fn the_key_of_a_file_needs_no_name_and_no_other_key_passes() {
    let service = Service::trusting(vec![fixed(ISSUER, ED25519)]);
    let signer = Signer::ed25519();
    for kid in [None, Some("ed25519"), Some("../../dev/null"), Some("' OR 1=1--"), Some("")] {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
        let subject = service.passes(signer.token_with(&header, &json!({}))).await;
        assert_eq!(outside(&subject), (ISSUER, "alice"));
    }
    for other in [Signer::rsa(), Signer::p256(), Signer::of_byte(9, "ed25519")] {
        service.is_refused(other.token(&json!({}))).await;
    }
}

/// RFC 7519, section 2
#[tokio::test]
async fn the_times_of_an_outside_token_may_have_fractions() {
    let service = Service::trusting(vec![fixed(ISSUER, ED25519)]);
    for times in [json!({ "exp": 1_900_000_000.5, "nbf": 1.7e9, "iat": 1.7e9 }), json!({ "exp": 1.9e9 })] {
        service.passes(Signer::ed25519().token(&times)).await;
    }
    for times in [json!({ "exp": 1e300 }), json!({ "exp": "1.9e9" }), json!({ "exp": -1.5 })] {
        service.is_refused(Signer::ed25519().token(&times)).await;
    }
}

#[tokio::test]
async fn an_issuer_signs_only_for_itself_and_only_with_its_own_key() {
    let (one, other) = (Signer::of_byte(1, "k"), Signer::of_byte(2, "k"));
    let (one_name, other_name) = ("https://one.example", "https://other.example");
    let service = Service::trusting(vec![fixed(one_name, &pem(&one)), fixed(other_name, &pem(&other))]);
    let alice = service.passes(one.token(&json!({ "iss": one_name }))).await;
    let other_alice = service.passes(other.token(&json!({ "iss": other_name }))).await;
    assert_eq!((outside(&alice), outside(&other_alice)), ((one_name, "alice"), (other_name, "alice")));

    let stranger = Signer::of_byte(3, "k");
    for (key, issuer) in [
        (&one, json!(other_name)),
        (&one, json!("omnichat")),
        (&one, json!(null)),
        (&one, json!("shared")),
        (&one, json!([one_name])),
        (&one, json!("HTTPS://one.example")),
        (&one, json!("https://one.example/")),
        (&stranger, json!(one_name)),
        (&stranger, json!("https://third.example")),
    ] {
        service.is_refused(key.token(&json!({ "iss": issuer }))).await;
    }
}

#[tokio::test]
async fn a_public_key_is_not_accepted_as_a_secret() {
    let service = Service::trusting(vec![fixed(ISSUER, RSA)]);
    for issuer in [json!(ISSUER), json!("omnichat"), json!(null)] {
        for secret in [RSA.to_owned(), RSA.trim().to_owned(), RSA.replace('\n', "")] {
            let key = EncodingKey::from_secret(secret.as_bytes());
            let claims: Value = claims(&json!({ "iss": issuer }));
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
            service.is_refused(token).await;
        }
    }
}
