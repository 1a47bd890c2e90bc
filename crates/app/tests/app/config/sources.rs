//! The sources of settings, and their order of precedence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::NanoDollars;
use omnichat::config::settings::SETTINGS;
use omnichat::config::{Config, ContextMode, DatabaseChoice, JwtSecret, LogFormat, Notice, ProviderChoice};
use secrecy::ExposeSecret;

use super::{GOOD_SECRET, dotenv, is_refused, production, read, variables, with};

/// S0-4, S0-55, S0-56
#[test]
fn without_any_setting_it_is_a_local_trial() {
    let config = with(&[]);
    assert!(config.environment.is_development());
    let addresses: Vec<_> =
        config.server.listen.iter().map(|listen| (listen.address.to_string(), listen.optional)).collect();
    assert_eq!(addresses, [("127.0.0.1:8000".to_owned(), false), ("[::1]:8000".to_owned(), true)]);
    let DatabaseChoice::SqliteFile { path } = &config.database.choice else {
        panic!("{:?}", config.database)
    };
    assert_eq!(path, Path::new("./data/omnichat.db"));
    assert!(matches!(config.provider.choice, ProviderChoice::Demo));
    assert!(matches!(config.auth.secret, JwtSecret::KeptIn(_)));
    assert_eq!(config.notices, [Notice::Demo]);
    assert_eq!(config.telemetry.format, LogFormat::Pretty);
}

#[test]
fn production_listens_everywhere_and_writes_json() {
    let config = production(&[]).unwrap();
    assert_eq!(config.server.listen.len(), 1);
    assert_eq!(config.server.listen[0].address.to_string(), "0.0.0.0:8000");
    assert_eq!(config.telemetry.format, LogFormat::Json);
    assert_eq!(config.notices, []);
}

/// S0-59
#[test]
fn config_yaml_holds_exactly_the_documented_keys() {
    let text = include_str!("../../../../../config/config.yaml");
    let keys: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split('#').next().unwrap_or_default().trim_end().replace("  ", "."))
        .collect();
    let expected = [
        "model: gpt-4o",
        "rate_limit_per_minute: 10",
        "max_input_length: 10000",
        "max_file_size_mb: 20",
        "context_management:",
        ".mode: full",
        ".window_size: 5",
        ".summarize_after_messages: 10",
        ".summary_update_interval: 5",
        "pricing:",
        ".input_per_1k: 0.0025",
        ".output_per_1k: 0.01",
    ];
    assert_eq!(keys, expected);
}

/// S0-59
#[test]
fn documented_keys_change_the_configuration_and_variables_override_them() {
    let directory = tempfile::tempdir().unwrap();
    let text = "
        model: my-model
        rate_limit_per_minute: 3
        max_input_length: 77
        max_file_size_mb: 4
        context_management: {mode: summary_window, window_size: 2, summarize_after_messages: 6, summary_update_interval: 3}
        pricing: {input_per_1k: 0.5, output_per_1k: 1}
    ";
    fs::write(directory.path().join("config.yaml"), text).unwrap();
    let from = |pairs: &[(&str, &str)]| {
        Config::from_sources(&variables(pairs), None, Some(directory.path())).unwrap()
    };
    let config = from(&[]);
    assert_eq!(config.models.defaults.llm_chat.as_str(), "my-model");
    assert_eq!(config.limits.rates.chat, 3);
    assert_eq!((config.limits.max_input_length, config.limits.max_file_size_mb), (77, 4));
    let context = config.context_management;
    assert_eq!((context.mode, context.window_size), (ContextMode::SummaryWindow, 2));
    assert_eq!((context.summarize_after_messages, context.summary_update_interval), (6, 3));
    assert_eq!(config.models.facts.default_price.input_per_1k, NanoDollars(500_000_000));

    let config = from(&[
        ("RATE_LIMIT_PER_MINUTE", "9"),
        ("MAX_INPUT_LENGTH", "99"),
        ("OMNICHAT_MODELS__DEFAULT", "gpt-4"),
        ("OMNICHAT_CONTEXT_MANAGEMENT__MODE", "full"),
        ("OMNICHAT_MODELS__PRICING__INPUT_PER_1K", "0.25"),
    ]);
    assert_eq!((config.limits.rates.chat, config.limits.max_input_length), (9, 99));
    assert_eq!(config.models.defaults.llm_chat.as_str(), "gpt-4");
    assert_eq!(config.context_management.mode, ContextMode::Full);
    assert_eq!(config.models.facts.default_price.input_per_1k, NanoDollars(250_000_000));
    assert_eq!(config.models.facts.default_price.output_per_1k, NanoDollars(1_000_000_000));
}

#[test]
fn later_sources_win() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write(
        "config.yaml",
        "max_input_length: 1\nserver: {port: 1, heartbeat_seconds: 1}\nlimits: {history_limit: 1}",
    );
    write("development.yaml", "server: {port: 2, heartbeat_seconds: 2}\nlimits: {max_pdf_size_mb: 2}");
    let environment = variables(&[("PORT", "4")]);
    let config =
        Config::from_sources(&environment, Some("PORT=3\nMAX_PDF_SIZE_MB=3\n"), Some(directory.path()))
            .unwrap();
    assert_eq!(config.limits.max_input_length, 1);
    assert_eq!(config.limits.history_limit, 1);
    assert_eq!(config.server.heartbeat, Duration::from_secs(2));
    assert_eq!(config.limits.max_pdf_size_mb, 3);
    assert_eq!(config.server.listen[0].address.port(), 4);
}

/// S0-58
#[test]
fn every_other_environment_counts_as_production_and_has_its_own_file() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("staging.yaml"), "server: {port: 9}").unwrap();
    fs::write(directory.path().join("production.yaml"), "limits: {history_limit: 7}").unwrap();
    let pairs = [("ENVIRONMENT", "Staging"), ("JWT_SECRET", GOOD_SECRET), ("OPENAI_API_KEY", "sk-1")];
    let config = Config::from_sources(&variables(&pairs), None, Some(directory.path())).unwrap();
    assert!(!config.environment.is_development());
    assert_eq!((config.environment.name(), config.limits.history_limit), ("staging", 7));
    assert_eq!(config.server.listen[0].address.to_string(), "0.0.0.0:9");
    is_refused(&[("ENVIRONMENT", "prod")], "JWT_SECRET");
    is_refused(&[("ENVIRONMENT", "../../etc/passwd")], "ENVIRONMENT");
    // It may also be set in `.env`, and an empty variable does not override that.
    let in_dotenv =
        Config::from_sources(&variables(&[("ENVIRONMENT", "")]), Some("ENVIRONMENT=production"), None);
    assert!(in_dotenv.unwrap_err().to_string().contains("JWT_SECRET"));
}

#[test]
fn unknown_settings_are_refused_with_their_name_and_source() {
    let text = is_refused(&[("OMNICHAT_SERVER__PROT", "1")], "OMNICHAT_SERVER__PROT");
    assert!(text.contains("environment"), "{text}");
    is_refused(&[("OMNICHAT_NO_SUCH__KEY", "1")], "OMNICHAT_NO_SUCH__KEY");
    let in_dotenv = Config::from_sources(&BTreeMap::new(), Some("OMNICHAT_SERVER__PROT=1"), None);
    assert!(in_dotenv.unwrap_err().to_string().contains("OMNICHAT_SERVER__PROT (.env)"));

    let directory = tempfile::tempdir().unwrap();
    for (text, name) in [
        ("server: {prot: 1}", "server.prot"),
        ("modle: gpt-4", "modle"),
        ("pricing: {input_per_1m: 1}", "models.pricing.input_per_1m"),
        ("provider: {openai: {key: x}}", "provider.openai.key"),
        ("models: {prices: {gpt-x: {input: 1}}}", "input"),
        ("server: 8000", "server"),
        ("environment: production", "environment"),
        ("just text", "holds no settings"),
        ("a: [", "yaml"),
    ] {
        fs::write(directory.path().join("config.yaml"), text).unwrap();
        let error =
            Config::from_sources(&BTreeMap::new(), None, Some(directory.path())).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("config.yaml"), "{text}: {error}");
    }
}

#[test]
fn variables_of_other_programs_are_ignored() {
    let config = with(&[
        ("PATH", "/bin"),
        ("OMNICHAT_SERVICE_HOST", "10.0.0.1"),
        ("OMNICHAT_PORT", "tcp://10.0.0.1:80"),
        ("OMNICHAT_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("OMNICHAT_TEST_PG_BIN", "/usr/bin"),
        ("OMNICHAT_SERVER_PORT", "1"),
    ]);
    assert_eq!(config.notices[0], Notice::AlmostOurs { name: "OMNICHAT_SERVER_PORT".to_owned() });
    let config = dotenv("POSTGRES_PASSWORD=x\nPORT=1\nPORT=2\nLOG_LEVEL=info\nLOG_LEVEL=info");
    assert_eq!(
        config.notices[..2],
        [
            Notice::UnknownInDotenv { name: "POSTGRES_PASSWORD".to_owned() },
            Notice::TwiceInDotenv { name: "PORT".to_owned() }
        ]
    );
    assert_eq!(config.server.listen[0].address.port(), 2);
}

#[test]
fn two_names_of_one_setting_must_agree() {
    let text = is_refused(&[("PORT", "1"), ("OMNICHAT_SERVER__PORT", "2")], "OMNICHAT_SERVER__PORT");
    assert!(text.contains("PORT (environment)"), "{text}");
    assert_eq!(with(&[("PORT", "1"), ("OMNICHAT_SERVER__PORT", "1")]).server.listen[0].address.port(), 1);
    assert_eq!(with(&[("PORT", "1"), ("OMNICHAT_SERVER__PORT", "")]).server.listen[0].address.port(), 1);
    let across = Config::from_sources(&variables(&[("OMNICHAT_SERVER__PORT", "2")]), Some("PORT=1"), None);
    assert!(across.unwrap_err().to_string().contains("PORT (.env)"));
    let secrets =
        is_refused(&[("JWT_SECRET", "canary-1"), ("OMNICHAT_AUTH__JWT_SECRET", "canary-2")], "JWT_SECRET");
    assert!(!secrets.contains("canary"));

    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.yaml"), "model: a\nmodels: {default: b}").unwrap();
    let error = Config::from_sources(&BTreeMap::new(), None, Some(directory.path())).unwrap_err().to_string();
    assert!(error.contains("models.default"), "{error}");
}

#[test]
fn every_setting_can_be_set_by_each_of_its_names() {
    for setting in SETTINGS {
        let own = setting.own_name();
        // The value is wrong for some settings, but no name is unknown.
        if let Err(error) = read(&[(own.as_str(), "1")]) {
            let text = error.to_string();
            assert!(!text.contains("no setting"), "{own}: {text}");
            assert!(text.contains(&own) || text.contains("must be set"), "{own}: {text}");
        }
        // A documented name without effect would not contradict the own name.
        if let Some(documented) = setting.documented {
            let text = is_refused(&[(documented, "1"), (own.as_str(), "2")], &own);
            assert!(text.contains(documented), "{documented}: {text}");
        }
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let config = Config::from_sources(
        &variables(&[("OPENROUTER_API_KEY", ""), ("LLM_PROVIDER", " "), ("PORT", ""), ("DATABASE_URL", "")]),
        Some("PORT=9\nJWT_SECRET=\nOPENAI_API_KEY= # none"),
        None,
    )
    .unwrap();
    assert!(matches!(config.provider.choice, ProviderChoice::Demo));
    assert!(matches!(config.database.choice, DatabaseChoice::SqliteFile { .. }));
    assert!(matches!(config.auth.secret, JwtSecret::KeptIn(_)));
    assert_eq!(config.server.listen[0].address.port(), 9);
}

#[test]
fn a_secret_can_be_read_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    fs::write(&file, "sk-from-a-file\n").unwrap();
    let config = with(&[("OPENAI_API_KEY_FILE", file.to_str().unwrap())]);
    let ProviderChoice::OpenAi(openai) = config.provider.choice else { panic!("no key") };
    assert_eq!(openai.api_key.expose_secret(), "sk-from-a-file");
    is_refused(&[("OPENAI_API_KEY_FILE", "/no/such/file")], "OPENAI_API_KEY_FILE");
    is_refused(
        &[("OPENAI_API_KEY_FILE", file.to_str().unwrap()), ("OPENAI_API_KEY", "another")],
        "OPENAI_API_KEY_FILE",
    );
}
