//! Which tokens pass, and what they say about the caller.

use std::sync::Arc;
use std::time::Duration;

use domain::{Timestamp, UserId};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use omnichat_identity::{IssuerError, JwtIdentity, TokenSettings};
use ports::{Clock, Issuer, Subject, TokenError, TokenIssuer, TokenVerifier};
use serde_json::{Value, json};

const SECRET: &str = "a secret of the tests, long enough for HS256";
const NOW: i64 = 1_800_000_000;

struct FixedClock(i64);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(self.0, 0).unwrap()
    }
}

fn settings() -> TokenSettings {
    TokenSettings {
        secret: SECRET.into(),
        audience: None,
        lifetime: Duration::from_hours(1),
        trusted_issuers: Vec::new(),
        outside: Vec::new(),
    }
}

fn identity(settings: TokenSettings) -> JwtIdentity {
    JwtIdentity::new(settings, Arc::new(FixedClock(NOW))).unwrap()
}

fn at(seconds: i64) -> JwtIdentity {
    JwtIdentity::new(settings(), Arc::new(FixedClock(seconds))).unwrap()
}

/// A token with these claims, signed with the secret.
fn signed(claims: &Value) -> String {
    with_header(&Header::new(Algorithm::HS256), claims)
}

fn with_header(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// Claims that pass, with these on top.
fn claims(more: &Value) -> Value {
    let mut claims = json!({ "sub": "alice", "exp": NOW + 60 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn verify(identity: &JwtIdentity, token: impl Into<String>) -> Result<Subject, TokenError> {
    identity.verify(token.into()).await
}

async fn passes(more: Value) -> Subject {
    verify(&identity(settings()), signed(&claims(&more)))
        .await
        .unwrap_or_else(|error| panic!("{more}: {error:?}"))
}

async fn is_refused(more: Value) {
    let answer = verify(&identity(settings()), signed(&claims(&more))).await;
    assert!(matches!(answer, Err(TokenError::Invalid(_))), "{more}: {answer:?}");
}

#[tokio::test]
async fn our_own_token_names_the_user() {
    let identity = identity(settings());
    let token = identity.issue(UserId(7), FixedClock(NOW).now()).unwrap();
    assert_eq!(token.expires_in, 3_600);
    let subject = verify(&identity, token.token).await.unwrap();
    let expires_at = Timestamp::from_timestamp(NOW + 3_600, 0).unwrap();
    assert_eq!(
        subject,
        Subject { issuer: Issuer::Own, subject: "7".to_owned(), application: None, expires_at }
    );
}

#[tokio::test]
async fn two_tokens_always_differ() {
    let identity = identity(settings());
    let now = FixedClock(NOW).now();
    assert_ne!(identity.issue(UserId(7), now).unwrap(), identity.issue(UserId(7), now).unwrap());
}

#[tokio::test]
async fn a_token_without_an_issuer_belongs_to_the_shared_namespace() {
    let subject = passes(json!({})).await;
    assert_eq!((subject.issuer, subject.subject.as_str()), (Issuer::Outside("shared".to_owned()), "alice"));
    assert_eq!(passes(json!({ "iss": null })).await.issuer, Issuer::Outside("shared".to_owned()));
}

#[tokio::test]
async fn an_unknown_issuer_is_refused_and_a_trusted_one_has_its_own_namespace() {
    for issuer in [
        json!("https://evil.example"),
        json!("shared"),
        json!(""),
        json!("Omnichat"),
        json!(["omnichat"]),
        json!(1),
    ] {
        is_refused(json!({ "iss": issuer })).await;
    }
    let trusting = identity(TokenSettings { trusted_issuers: vec!["accounts".to_owned()], ..settings() });
    let subject = verify(&trusting, signed(&claims(&json!({ "iss": "accounts" })))).await.unwrap();
    assert_eq!(subject.issuer, Issuer::Outside("accounts".to_owned()));
    assert!(verify(&trusting, signed(&claims(&json!({ "iss": "others" })))).await.is_err());
}

#[tokio::test]
async fn another_secret_is_refused() {
    let other = EncodingKey::from_secret(b"another secret of the tests, as long as that");
    let token = jsonwebtoken::encode(&Header::default(), &claims(&json!({})), &other).unwrap();
    assert!(matches!(verify(&identity(settings()), token).await, Err(TokenError::Invalid(_))));
    // A changed token is refused too.
    let token = signed(&claims(&json!({})));
    let (body, _) = token.rsplit_once('.').unwrap();
    for forged in [format!("{body}."), body.to_owned(), format!("{body}.AAAA"), token.replace('.', ".e30")] {
        assert!(verify(&identity(settings()), forged).await.is_err());
    }
}

/// Threat 19
#[tokio::test]
async fn a_token_without_a_signature_is_refused_in_any_spelling_of_none() {
    // {"sub":"alice","exp":32503680000}
    let claims = "eyJzdWIiOiJhbGljZSIsImV4cCI6MzI1MDM2ODAwMDB9";
    let none =
        ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiJuT25FIn0", "eyJhbGciOiJOT05FIn0", "e30"];
    for header in none {
        for token in
            [format!("{header}.{claims}."), format!("{header}.{claims}"), format!("{header}.{claims}.AAAA")]
        {
            let answer = verify(&identity(settings()), token).await;
            assert!(matches!(answer, Err(TokenError::Invalid(_))), "{header}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn other_algorithms_of_the_same_secret_are_refused() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = with_header(&Header::new(algorithm), &claims(&json!({})));
        assert!(matches!(verify(&identity(settings()), token).await, Err(TokenError::Invalid(_))));
    }
}

#[test]
fn an_issuer_cannot_have_a_reserved_name() {
    let refused = |names: &[&str]| {
        let trusted_issuers = names.iter().map(|name| (*name).to_owned()).collect();
        JwtIdentity::new(TokenSettings { trusted_issuers, ..settings() }, Arc::new(FixedClock(NOW))).err()
    };
    assert!(refused(&["a", "b"]).is_none());
    for name in ["omnichat", "shared", ""] {
        assert!(matches!(refused(&[name]), Some(IssuerError::Reserved(_))), "{name}");
    }
    assert!(matches!(refused(&["a", "b", "a"]), Some(IssuerError::Twice(_))));
}

/// Threat 21
#[tokio::test]
async fn a_time_is_a_number_within_the_calendar() {
    let odd = [
        json!("99999999999"),
        json!("9e99"),
        json!(""),
        json!(-1),
        json!(-0.5),
        json!(1e300),
        json!(1e308),
        json!([NOW + 60]),
        json!({ "at": NOW }),
        json!(true),
    ];
    for time in odd {
        is_refused(json!({ "exp": time })).await;
        is_refused(json!({ "nbf": time })).await;
    }
    is_refused(json!({ "exp": null })).await;
    is_refused(json!({ "exp": u64::MAX })).await;
    is_refused(json!({ "exp": i64::MAX })).await;
    is_refused(json!({ "nbf": u64::MAX })).await;
    let without = signed(&json!({ "sub": "alice" }));
    assert!(matches!(verify(&identity(settings()), without).await, Err(TokenError::Invalid(_))));
}

/// A token with these claims, written as they are here.
fn signed_text(claims: &str) -> String {
    let claims: Box<serde_json::value::RawValue> = serde_json::from_str(claims).unwrap();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

/// RFC 7519, section 2
#[tokio::test]
async fn a_time_may_be_written_as_any_json_number() {
    for exp in ["1800000060", "1800000060.0", "1800000060.5", "1.80000006e9", "180000006E1", "1.80000006e+9"]
    {
        for issuer in ["", r#","iss":"omnichat""#, r#","iss":"https://trusted.example""#] {
            let text = format!(r#"{{"sub":"7","exp":{exp},"nbf":1.8e9,"iat":1799999999.25{issuer}}}"#);
            let trusted_issuers = vec!["https://trusted.example".to_owned()];
            let identity = identity(TokenSettings { trusted_issuers, ..settings() });
            let subject = verify(&identity, signed_text(&text)).await;
            let subject = subject.unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(subject.expires_at.timestamp(), 1_800_000_060, "{text}");
        }
    }
    // Nothing depends on `iat`.
    for iat in [json!("yesterday"), json!(null), json!(1e300), json!(-1)] {
        passes(json!({ "iat": iat })).await;
    }
}

#[tokio::test]
async fn the_fraction_of_a_time_counts() {
    let expiring = signed(&claims(&json!({ "exp": 1_800_000_000.75 })));
    let beginning = signed(&claims(&json!({ "nbf": 1_800_000_000.25, "exp": NOW + 600 })));
    // The clocks may be 30 s apart.
    for (clock, is_unexpired) in [(NOW + 30, true), (NOW + 31, false)] {
        let answer = verify(&at(clock), expiring.clone()).await;
        assert_eq!(answer.is_ok(), is_unexpired, "{answer:?}");
        assert!(is_unexpired || matches!(answer, Err(TokenError::Expired)));
    }
    for (clock, has_begun) in [(NOW - 30, false), (NOW - 29, true)] {
        assert_eq!(verify(&at(clock), beginning.clone()).await.is_ok(), has_begun, "{clock}");
    }
}

#[tokio::test]
async fn a_token_with_the_same_claim_twice_is_refused() {
    // {"sub":"alice","exp":32503680000,"sub":"bob"}: readers could disagree about the subject.
    let twice: Value = serde_json::from_str(r#"{"sub":"alice","exp":32503680000}"#).unwrap();
    let token = signed(&twice);
    assert!(verify(&identity(settings()), token).await.is_ok());
    let token = signed_text(r#"{"sub":"alice","exp":32503680000,"sub":"bob"}"#);
    assert!(matches!(verify(&identity(settings()), token).await, Err(TokenError::Invalid(_))));
}

#[tokio::test]
async fn clocks_may_be_half_a_minute_apart_and_no_more() {
    let token = at(NOW).issue(UserId(1), FixedClock(NOW).now()).unwrap().token;
    for (clock, passes) in [
        (NOW - 30, true),
        (NOW - 31, false),
        (NOW - 300, false),
        (NOW + 3_600 + 29, true),
        (NOW + 3_600 + 30, false),
        (NOW + 3_600 + 300, false),
        (NOW + 86_400, false),
        (NOW - 86_400, false),
        (0, false),
    ] {
        assert_eq!(verify(&at(clock), token.clone()).await.is_ok(), passes, "{}", clock - NOW);
    }
    assert!(matches!(verify(&at(NOW + 86_400), token).await, Err(TokenError::Expired)));
}

#[tokio::test]
async fn a_subject_is_a_string_or_a_whole_number() {
    assert_eq!(passes(json!({ "sub": 42 })).await.subject, "42");
    assert_eq!(passes(json!({ "sub": u64::MAX })).await.subject, "18446744073709551615");
    assert_eq!(passes(json!({ "sub": "é".repeat(255) })).await.subject.chars().count(), 255);
    for subject in [
        json!(""),
        json!("  "),
        json!(null),
        json!(true),
        json!(1.5),
        json!(["alice"]),
        json!({ "id": 1 }),
        json!("é".repeat(256)),
        json!("al\u{0}ice"),
        json!("al\nice"),
    ] {
        is_refused(json!({ "sub": subject })).await;
    }
    let without = signed(&json!({ "exp": NOW + 60 }));
    assert!(verify(&identity(settings()), without).await.is_err());
}

#[tokio::test]
async fn an_application_is_a_whole_number_or_none() {
    assert_eq!(passes(json!({ "application_id": 3 })).await.application, Some(3));
    for other in [json!("3"), json!(3.5), json!(null), json!([3]), json!(u64::MAX)] {
        assert_eq!(passes(json!({ "application_id": other })).await.application, None);
    }
}

#[tokio::test]
async fn an_audience_is_checked_where_one_is_set() {
    let any = identity(settings());
    let ours = identity(TokenSettings { audience: Some("chat".to_owned()), ..settings() });
    for (audience, passes) in [
        (json!("chat"), true),
        (json!(["other", "chat"]), true),
        (json!("other"), false),
        (json!("Chat"), false),
        (json!(["other"]), false),
        (json!([]), false),
        (json!(null), false),
        (json!(7), false),
        (json!({ "chat": true }), false),
    ] {
        let token = signed(&claims(&json!({ "aud": audience })));
        assert!(verify(&any, token.clone()).await.is_ok(), "{audience}");
        assert_eq!(verify(&ours, token).await.is_ok(), passes, "{audience}");
    }
    assert!(verify(&ours, signed(&claims(&json!({})))).await.is_err());
    let own = ours.issue(UserId(1), FixedClock(NOW).now()).unwrap().token;
    assert!(verify(&ours, own).await.is_ok());
}

#[tokio::test]
async fn tokens_of_another_kind_are_refused() {
    for claim in ["typ", "type", "token_type", "token_use"] {
        is_refused(json!({ claim: "refresh" })).await;
        is_refused(json!({ claim: "ID" })).await;
        passes(json!({ claim: "access" })).await;
        passes(json!({ claim: "Bearer" })).await;
    }
    for (kind, passes) in [
        (Some("JWT"), true),
        (Some("at+jwt"), true),
        (Some("application/at+JWT"), true),
        (None, true),
        (Some("refresh+jwt"), false),
        (Some("dpop+jwt"), false),
        (Some(""), false),
    ] {
        let header = Header { typ: kind.map(str::to_owned), ..Header::new(Algorithm::HS256) };
        let token = with_header(&header, &claims(&json!({})));
        assert_eq!(verify(&identity(settings()), token).await.is_ok(), passes, "{kind:?}");
    }
}

#[tokio::test]
async fn the_header_cannot_bring_or_choose_a_key() {
    let ten_kilobytes = "k".repeat(10_000);
    for kid in ["../../dev/null", "' OR 1=1--", "", ten_kilobytes.as_str()] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        assert!(verify(&identity(settings()), with_header(&header, &claims(&json!({})))).await.is_ok());
    }
    // An attacker's own key, offered in each way that a header allows.
    let own = EncodingKey::from_secret(b"a key that somebody brings along");
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "oct", "alg": "HS256", "k": "YSBrZXkgdGhhdCBzb21lYm9keSBicmluZ3MgYWxvbmc"
    }))
    .unwrap();
    let plain = Header::new(Algorithm::HS256);
    let address = Some("http://127.0.0.1:9/keys".to_owned());
    for header in [
        Header { jwk: Some(jwk), ..plain.clone() },
        Header { jku: address.clone(), ..plain.clone() },
        Header { x5u: address, ..plain },
    ] {
        let token = jsonwebtoken::encode(&header, &claims(&json!({})), &own).unwrap();
        assert!(matches!(verify(&identity(settings()), token).await, Err(TokenError::Invalid(_))));
    }
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_refused() {
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::HS256) };
    assert!(verify(&identity(settings()), with_header(&header, &claims(&json!({})))).await.is_err());
}

/// Threat 27
#[tokio::test]
async fn text_that_is_not_a_token_is_refused() {
    let long = signed(&claims(&json!({ "pad": "x".repeat(16_000) })));
    assert!(long.len() > 16 * 1024);
    for text in
        ["", ".", "..", "...", "a.b.c", "' OR '1'='1", "\0", "é.é.é", long.as_str(), &"x".repeat(65_536)]
    {
        let answer = verify(&identity(settings()), text).await;
        assert!(matches!(answer, Err(TokenError::Invalid(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_quotes_nothing_of_the_token() {
    let canary = "canary-5e1f";
    for more in [json!({ "iss": canary }), json!({ "sub": [canary] }), json!({ "exp": canary })] {
        let error = verify(&identity(settings()), signed(&claims(&more))).await.expect_err("is refused");
        let TokenError::Invalid(source) = &error else { panic!("{error:?}") };
        assert!(!format!("{error:?} {error} {source:?} {source}").contains(canary));
    }
    assert!(!format!("{:?}", settings()).contains(SECRET));
}
