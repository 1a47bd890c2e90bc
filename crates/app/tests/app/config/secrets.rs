//! The keys that tokens are signed with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use omnichat::config::Notice;
use secrecy::ExposeSecret;

use super::{GOOD_SECRET, production, with};

/// S2-6, Threat 29, Threat 30
#[test]
fn production_refuses_a_secret_that_is_missing_or_weak() {
    for name in ["JWT_SECRET", "SECRET_KEY"] {
        for secret in
            ["secret", "changeme", "your-secret-key", "your_secret_key", "short-but-random-8fk2", "x"]
        {
            let none = [("JWT_SECRET", ""), ("SECRET_KEY", "")];
            let error = production(&[none[0], none[1], (name, secret)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(secret == "x" || secret == "secret" || !error.contains(secret), "{error}");
        }
    }
    let error = production(&[("JWT_SECRET", "")]).unwrap_err().to_string();
    assert!(error.contains("JWT_SECRET") && error.contains("SECRET_KEY"), "{error}");
    assert!(production(&[("JWT_SECRET", ""), ("SECRET_KEY", GOOD_SECRET)]).is_ok());
}

/// S2-6
#[test]
fn development_accepts_a_weak_secret_with_a_notice() {
    let config = with(&[("JWT_SECRET", "your-secret-key")]);
    assert_eq!(config.notices[0], Notice::WeakSecret { variable: "JWT_SECRET (environment)".to_owned() });
    assert_eq!(config.auth.secret.read_or_make().unwrap().expose_secret(), "your-secret-key");
    let config = with(&[("SECRET_KEY", GOOD_SECRET)]);
    assert_eq!(config.auth.secret.read_or_make().unwrap().expose_secret(), GOOD_SECRET);
    let config = with(&[("JWT_SECRET", GOOD_SECRET), ("SECRET_KEY", "another")]);
    assert_eq!(config.auth.secret.read_or_make().unwrap().expose_secret(), GOOD_SECRET);
}

/// S2-6
#[test]
fn development_creates_a_secret_once_that_only_its_owner_can_read() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("a/data");
    let make = || {
        let config = with(&[("DATA_DIR", data.to_str().unwrap())]);
        config.auth.secret.read_or_make().unwrap().expose_secret().to_owned()
    };
    let first = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        let secrets: Vec<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(secrets.iter().all(|secret| *secret == secrets[0]), "all processes sign alike");
        secrets[0].clone()
    });
    assert_eq!(make(), first);
    assert!(first.len() >= 64);
    let file = data.join("jwt_secret");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing else is left behind");

    fs::write(&file, "").unwrap();
    let config = with(&[("DATA_DIR", data.to_str().unwrap())]);
    assert!(config.auth.secret.read_or_make().unwrap_err().to_string().contains("jwt_secret"));
    let blocked = directory.path().join("file");
    fs::write(&blocked, "").unwrap();
    let config = with(&[("DATA_DIR", blocked.to_str().unwrap())]);
    assert!(config.auth.secret.read_or_make().unwrap_err().to_string().contains("DATA_DIR"));
}
