//! The settings of an outside issuer, which signs tokens with its own keys.

use std::fs;

use identity::OutsideKeys;

use super::{is_refused, production, with};

const ISSUER: (&str, &str) = ("JWT_ISSUER", "https://issuer.example");
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

/// The address that the keys are fetched from.
fn published(pairs: &[(&str, &str)]) -> String {
    let outside = with(pairs).auth.outside.unwrap();
    assert_eq!(outside.name, ISSUER.1);
    let OutsideKeys::Published(url) = outside.keys else { panic!("a file") };
    url.to_string()
}

#[test]
fn without_an_outside_issuer_no_other_issuer_is_trusted() {
    assert!(with(&[]).auth.outside.is_none());
}

#[test]
fn an_issuer_and_its_keys_belong_together() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    fs::write(&file, KEY).unwrap();
    let (url, file) =
        (("JWT_JWKS_URL", "https://issuer.example/keys"), ("JWT_PUBLIC_KEY_FILE", file.to_str().unwrap()));
    assert_eq!(published(&[ISSUER, url]), url.1);
    let outside = with(&[ISSUER, file]).auth.outside.unwrap();
    assert!(matches!(outside.keys, OutsideKeys::Fixed(_)));
    assert_eq!(outside.name, ISSUER.1);

    is_refused(&[url], "JWT_ISSUER");
    is_refused(&[file], "JWT_ISSUER");
    let text = is_refused(&[ISSUER], "JWT_ISSUER");
    assert!(text.contains("JWT_JWKS_URL") && text.contains("JWT_PUBLIC_KEY_FILE"), "{text}");
    let text = is_refused(&[ISSUER, url, file], "JWT_PUBLIC_KEY_FILE");
    assert!(text.contains("JWT_JWKS_URL"), "{text}");
    for name in ["omnichat", "shared"] {
        is_refused(&[("JWT_ISSUER", name), url], "JWT_ISSUER");
    }
    is_refused(&[("JWT_ISSUER", "a"), url, ("OMNICHAT_AUTH__TRUSTED_ISSUERS", "b,a")], "JWT_ISSUER");
    is_refused(&[("OMNICHAT_AUTH__TRUSTED_ISSUERS", "a,shared")], "OMNICHAT_AUTH__TRUSTED_ISSUERS");
}

#[test]
fn keys_are_fetched_by_tls_or_in_development_from_this_machine() {
    let safe = [
        "https://issuer.example/keys",
        "https://issuer.example:8443/keys?policy=sign-in",
        "https://127.0.0.1/",
    ];
    for url in safe {
        assert_eq!(published(&[ISSUER, ("JWT_JWKS_URL", url)]), url);
        assert!(production(&[ISSUER, ("JWT_JWKS_URL", url)]).is_ok(), "{url}");
    }
    for url in ["http://127.0.0.1:9000/keys", "http://localhost:9000/keys", "http://[::1]:9000/keys"] {
        assert_eq!(published(&[ISSUER, ("JWT_JWKS_URL", url)]), url);
        let error = production(&[ISSUER, ("JWT_JWKS_URL", url)]).unwrap_err().to_string();
        assert!(error.contains("JWT_JWKS_URL") && error.contains("https://"), "{error}");
    }
    for url in [
        "http://issuer.example/keys",
        "http://10.0.0.1/keys",
        "http://127.0.0.1.issuer.example/keys",
        "http://localhost.issuer.example/keys",
        "http://0.0.0.0/keys",
        "ftp://issuer.example/keys",
        "file:///etc/keys",
        "issuer.example/keys",
        "https://",
        "https://user:canary@issuer.example/keys",
        "https://issuer.example/keys#canary",
    ] {
        let text = is_refused(&[ISSUER, ("JWT_JWKS_URL", url)], "JWT_JWKS_URL");
        assert!(!text.contains("canary"), "{text}");
    }
}

/// Threat 29
#[test]
fn a_file_must_hold_one_good_public_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let setting = ("JWT_PUBLIC_KEY_FILE", file.to_str().unwrap());
    is_refused(&[ISSUER, setting], "JWT_PUBLIC_KEY_FILE");
    is_refused(&[ISSUER, ("JWT_PUBLIC_KEY_FILE", directory.path().to_str().unwrap())], "JWT_PUBLIC_KEY_FILE");
    let private = testkit::outside_issuer::RSA_KEY;
    for text in [
        "",
        "canary",
        "-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----\n",
        private,
        &KEY.repeat(2),
    ] {
        fs::write(&file, text).unwrap();
        let error = is_refused(&[ISSUER, setting], "JWT_PUBLIC_KEY_FILE");
        assert!(!error.contains("canary"), "{error}");
    }
    fs::write(&file, [0xff; 10]).unwrap();
    is_refused(&[ISSUER, setting], "JWT_PUBLIC_KEY_FILE");
    fs::write(&file, WEAK).unwrap();
    let error = is_refused(&[ISSUER, setting], "JWT_PUBLIC_KEY_FILE");
    assert!(error.contains("2048"), "{error}");
}

/// An RSA key of 1024 bits.
const WEAK: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDf2l5wR7JVkfNY6r9RUN6ezFjx
5+YAToCkIw9/kX1u+aFZE5NTcZmuLRMVhNFGF3mksFQcLOoh7O4ND/y3tzGW160s
QyL97XbHOAoGMptbCpSsjeyj/VZfLI3VF8TRju4HT5mngul2zAizuEXzy4lQNBIC
OIFcNjZz3Yp2y4QYQwIDAQAB
-----END PUBLIC KEY-----
";
