//! How the values of settings are written, and which are refused.

use std::collections::BTreeMap;

use domain::Tier;
use omnichat::config::settings::SETTINGS;
use omnichat::config::{Config, LogFormat, ProviderChoice};
use secrecy::ExposeSecret;

use super::{is_refused, variables, with};

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_name_and_not_quoted() {
    for name in [
        "PORT",
        "DATABASE_ENABLED",
        "MIGRATE_ON_START",
        "EXTRA_PORTS",
        "HOST",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        "DATABASE_URL",
        "ACCESS_TOKEN_EXPIRE_MINUTES",
        "OPENAI_MAX_TOKENS",
        "OPENAI_TEMPERATURE",
        "RATE_LIMIT_PER_MINUTE",
        "RATE_LIMIT_TIERS",
        "AUTH_RATE_LIMIT_PER_MINUTE",
        "MAX_INPUT_LENGTH",
        "MAX_FILE_SIZE_MB",
        "S3_ENABLED",
        "S3_URL_EXPIRATION",
        "SHUTDOWN_GRACE_SECONDS",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "OMNICHAT_CONTEXT_MANAGEMENT__MODE",
        "OMNICHAT_CONTEXT_MANAGEMENT__WINDOW_SIZE",
        "OMNICHAT_MODELS__PRICING__INPUT_PER_1K",
        "OMNICHAT_MODELS__PRICES",
        "OMNICHAT_MODELS__WINDOWS",
    ] {
        let text = is_refused(&[(name, "canary!")], name);
        assert!(!text.contains("canary"), "{text}");
    }
    for (name, value) in [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("OMNICHAT_SERVER__HEARTBEAT_SECONDS", "0"),
        ("OMNICHAT_DATABASE__MAX_CONNECTIONS", "0"),
        ("OMNICHAT_CONTEXT_MANAGEMENT__WINDOW_SIZE", "0"),
        ("OMNICHAT_PROVIDER__ATTEMPTS", "0"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "0"),
        ("CORS_ORIGINS", "*,https://a.example"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("LLM_MODEL", "no such model!"),
        ("OMNICHAT_MODELS__PRICING__INPUT_PER_1K", "-1"),
        ("OMNICHAT_MODELS__PRICING__INPUT_PER_1K", "nan"),
        ("OMNICHAT_MODELS__DEFAULT_WINDOW", "10"),
        ("OPENAI_MAX_TOKENS", "0"),
        ("OPENAI_MAX_TOKENS", "2147483648"),
        ("DATABASE_URL", "postgresql://user:canary@[::1:5432/db"),
        ("DATABASE_URL", "postgresql://user:canary@[fe80::1%25eth0]:5432/db"),
        ("DATABASE_URL", "postgresql://user:canary@localhost:port/db"),
    ] {
        let text = is_refused(&[(name, value)], name);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn flags_lists_and_tables_are_read_in_all_common_forms() {
    for (text, enabled) in [
        ("true", true),
        ("True", true),
        ("YES", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("FALSE", false),
        ("No", false),
        ("off", false),
        ("0", false),
        (" false ", false),
    ] {
        let config = with(&[("MIGRATE_ON_START", text)]);
        assert_eq!(config.database.migrate_on_start, enabled, "{text}");
    }
    let config = with(&[
        ("HOST", "0.0.0.0"),
        ("PORT", "8000"),
        ("EXTRA_PORTS", " 7001, 8002,8000 "),
        ("TRUSTED_PROXIES", "[10.0.0.0/8, 192.168.1.1]"),
        ("CORS_ORIGINS", "https://a.example,http://localhost:5173"),
        ("RATE_LIMIT_TIERS", "free=5, pro=6"),
    ]);
    let ports: Vec<u16> = config.server.listen.iter().map(|listen| listen.address.port()).collect();
    assert_eq!(ports, [8000, 7001, 8002]);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.server.cors_origins, ["https://a.example", "http://localhost:5173"]);
    assert_eq!(config.limits.rates.tiers[&Tier::Free], 5);
    assert_eq!(config.limits.rates.tiers[&Tier::Pro], 6);
    assert_eq!(config.limits.rates.tiers[&Tier::Enterprise], 1_200);
    assert_eq!(with(&[("EXTRA_PORTS", "7001")]).server.listen.len(), 4);
    assert_eq!(with(&[("HOST", "localhost")]).server.listen.len(), 2);
}

/// S2-10
#[test]
fn it_listens_on_the_configured_host_and_ports() {
    let listen = |pairs: &[(&str, &str)]| -> Vec<(String, bool)> {
        let places = with(pairs).server.listen;
        places.iter().map(|place| (place.address.to_string(), place.optional)).collect()
    };
    let everywhere = ("HOST", "0.0.0.0");
    assert_eq!(listen(&[everywhere, ("PORT", "8002")]), [("0.0.0.0:8002".to_owned(), false)]);
    let both = ["0.0.0.0:8000", "0.0.0.0:8002"].map(|address| (address.to_owned(), false));
    assert_eq!(listen(&[everywhere, ("PORT", "8000"), ("EXTRA_PORTS", "8002")]), both);
}

#[test]
fn a_secret_of_digits_stays_as_it_is() {
    for secret in ["0123456789", "12345678901234567890123456789012345678901234567890", "1e5", "true", "[a,b]"]
    {
        let config = with(&[("JWT_SECRET", secret), ("OPENAI_API_KEY", secret)]);
        assert_eq!(config.auth.secret.read_or_make().unwrap().expose_secret(), secret);
        let ProviderChoice::OpenAi(openai) = config.provider.choice else { panic!("no key") };
        assert_eq!(openai.api_key.expose_secret(), secret);
    }
}

/// S0-58
#[test]
fn the_level_of_the_log_may_be_written_in_either_case() {
    for (text, level) in [
        ("DEBUG", tracing::Level::DEBUG),
        ("debug", tracing::Level::DEBUG),
        ("WARNING", tracing::Level::WARN),
        ("Info", tracing::Level::INFO),
        ("ERROR", tracing::Level::ERROR),
    ] {
        assert_eq!(with(&[("LOG_LEVEL", text)]).telemetry.level, level);
    }
    assert_eq!(with(&[("LOG_FORMAT", "JSON")]).telemetry.format, LogFormat::Json);
}

#[test]
fn secrets_are_never_shown() {
    let secrets: Vec<(String, String)> = SETTINGS
        .iter()
        .filter(|setting| setting.secret && setting.path != "database.url")
        .map(|setting| (setting.name(), format!("canary-{}-0123456789abcdefghijklm", setting.path)))
        .collect();
    let mut pairs: BTreeMap<String, String> = secrets.into_iter().collect();
    pairs.insert("DATABASE_URL".to_owned(), "postgresql://u:canary@h/d".to_owned());
    pairs.insert("LLM_FALLBACKS".to_owned(), "openai".to_owned());
    pairs.extend(variables(&[
        ("S3_ENABLED", "1"),
        ("S3_ENDPOINT", "https://s3.example.com"),
        ("S3_BUCKET", "b"),
    ]));
    let config = Config::from_sources(&pairs, None, None).unwrap();
    let notices: Vec<String> = config.notices.iter().map(ToString::to_string).collect();
    assert!(!format!("{config:?}{notices:?}").contains("canary"));
}
