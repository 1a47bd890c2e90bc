//! Which provider, store, object store and models the settings select.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::{ModelName, NanoDollars};
use omnichat::config::{Config, DatabaseChoice, Notice, Provider, ProviderChoice};
use openai::OpenAiApi;
use openai_transport::FieldSettings;
use openai_wire::OptionalField;
use secrecy::ExposeSecret;

use super::{is_refused, production, with};

fn provider(pairs: &[(&str, &str)]) -> (&'static str, Provider) {
    let provider = with(pairs).provider;
    (provider.choice.name(), provider)
}

/// S0-55, S2-9, S2-18, S2-23, C-16
#[test]
fn the_provider_is_the_one_that_is_named_or_the_one_that_has_a_key() {
    let both = [("OPENAI_API_KEY", "sk-1"), ("OPENROUTER_API_KEY", "or-1")];
    assert_eq!(provider(&both).0, "openrouter");
    assert_eq!(provider(&both[..1]).0, "openai");
    assert_eq!(provider(&both[1..]).0, "openrouter");
    assert_eq!(provider(&[both[0], both[1], ("LLM_PROVIDER", "openai")]).0, "openai");
    assert_eq!(provider(&[both[0], both[1], ("LLM_PROVIDER", "demo")]).0, "demo");
    assert_eq!(provider(&[both[0], ("LLM_PROVIDER", "OpenAI")]).0, "openai");
    is_refused(&[("LLM_PROVIDER", "openai")], "OPENAI_API_KEY");
    is_refused(&[("LLM_PROVIDER", "openai"), both[1]], "OPENAI_API_KEY");
    is_refused(&[("LLM_PROVIDER", "openrouter"), both[0]], "OPENROUTER_API_KEY");
    let text = is_refused(&[("LLM_PROVIDER", "acme"), both[0]], "acme");
    for known in ["LLM_PROVIDER", "openai", "openrouter", "demo"] {
        assert!(text.contains(known), "{text}");
    }
}

/// S0-55, C-16
#[test]
fn production_needs_a_provider_and_uses_the_demo_only_on_request() {
    let error = production(&[("OPENAI_API_KEY", "")]).unwrap_err().to_string();
    assert!(error.contains("OPENROUTER_API_KEY") && error.contains("OPENAI_API_KEY"), "{error}");
    let config = production(&[("LLM_PROVIDER", "demo")]).unwrap();
    assert_eq!((config.provider.choice.name(), config.notices), ("demo", vec![Notice::Demo]));
}

#[test]
fn a_provider_has_its_own_address_wire_and_times() {
    let (_, settings) = provider(&[
        ("OPENAI_API_KEY", "sk-1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9000/v1/"),
        ("OPENAI_API", "Chat"),
        ("OMNICHAT_PROVIDER__IDLE_TIMEOUT_SECONDS", "7"),
        ("LLM_FALLBACKS", "demo"),
    ]);
    let ProviderChoice::OpenAi(openai) = &settings.choice else { panic!("{settings:?}") };
    assert_eq!((openai.base_url.as_str(), openai.api), ("http://127.0.0.1:9000/v1", OpenAiApi::Chat));
    assert_eq!(openai.timeouts.idle, Duration::from_secs(7));
    assert_eq!(settings.connect_timeout, Duration::from_secs(5));
    assert_eq!(
        (openai.timeouts.first_event, openai.timeouts.total),
        (Duration::from_mins(1), Duration::from_mins(10))
    );
    let fallbacks: Vec<_> = settings.fallbacks.iter().map(ProviderChoice::name).collect();
    assert_eq!(fallbacks, ["demo"]);

    let key = ("OPENAI_API_KEY", "sk-1");
    is_refused(&[key, ("OPENAI_API", "completions")], "OPENAI_API");
    for url in
        ["api.openai.com/v1", "ftp://a.example/v1", "https://user:canary@a.example", "https://a.example?x=1"]
    {
        let text = is_refused(&[key, ("OPENAI_BASE_URL", url)], "OPENAI_BASE_URL");
        assert!(!text.contains("canary"), "{text}");
    }
    is_refused(&[key, ("LLM_FALLBACKS", "openai")], "LLM_FALLBACKS");
    is_refused(&[key, ("LLM_FALLBACKS", "openrouter")], "OPENROUTER_API_KEY");
    let text = is_refused(&[("OPENAI_API_KEY", "sk canary")], "OPENAI_API_KEY");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn fields_can_be_left_out_of_requests() {
    let fields = |pairs: &[(&str, &str)]| match with(pairs).provider.choice {
        ProviderChoice::OpenAi(settings) => settings.fields,
        ProviderChoice::OpenRouter(settings) => settings.fields,
        ProviderChoice::Demo => panic!("{pairs:?}: no key"),
    };
    let openai = ("OPENAI_API_KEY", "sk-1");
    let router = ("OPENROUTER_API_KEY", "or-1");
    assert_eq!(fields(&[openai]), FieldSettings::default());
    let all = [OptionalField::StreamOptions, OptionalField::Store, OptionalField::Temperature].into();
    for (key, name) in [
        (openai, "OPENAI_OMIT_FIELDS"),
        (openai, "OMNICHAT_PROVIDER__OPENAI__OMIT_FIELDS"),
        (router, "OPENROUTER_OMIT_FIELDS"),
    ] {
        let read = fields(&[key, (name, "stream_options, Store,temperature")]).left_out;
        assert_eq!(read, all, "{name}");
        assert_eq!(fields(&[key, (name, "store")]).left_out, [OptionalField::Store].into());
    }
    for wrong in ["model", "stream", "max_tokens", "store;temperature"] {
        let text = is_refused(&[openai, ("OPENAI_OMIT_FIELDS", wrong)], "OPENAI_OMIT_FIELDS");
        assert!(text.contains(wrong) && text.contains("stream_options, store, temperature"), "{text}");
    }
    let names = "OMNICHAT_MODELS__WITHOUT_TEMPERATURE";
    let read = fields(&[router, (names, "acme/thinker,o9")]).without_temperature;
    assert_eq!(read, ["acme/thinker", "o9"].map(str::to_owned).into());
    is_refused(&[(names, "no model!")], names);
}

/// S0-56, S2-5
#[test]
fn the_store_is_chosen_by_its_address() {
    let choice = |pairs: &[(&str, &str)]| with(pairs).database.choice;
    for url in ["postgres://u:p@localhost/omnichat", "postgresql://user:password@localhost:5432/omnichat"] {
        let DatabaseChoice::Postgres { url: read } = choice(&[("DATABASE_URL", url)]) else {
            panic!("{url}")
        };
        assert_eq!(read.expose_secret(), url);
    }
    for (url, file) in [
        ("sqlite:chat.db", "chat.db"),
        ("sqlite:///var/chat.db", "/var/chat.db"),
        ("sqlite://a/b.db", "a/b.db"),
    ] {
        let DatabaseChoice::SqliteFile { path } = choice(&[("DATABASE_URL", url)]) else { panic!("{url}") };
        assert_eq!(path, Path::new(file));
    }
    let DatabaseChoice::SqliteFile { path } = choice(&[("DATA_DIR", "/srv/chat")]) else { panic!("no file") };
    assert_eq!(path, Path::new("/srv/chat/omnichat.db"));
    for pairs in [
        &[("DATABASE_ENABLED", "false")][..],
        &[("DATABASE_ENABLED", "0"), ("DATABASE_URL", "postgres://h/d")],
        &[("DATABASE_URL", "sqlite::memory:")],
    ] {
        let config = with(pairs);
        assert!(matches!(config.database.choice, DatabaseChoice::SqliteMemory), "{pairs:?}");
        assert!(config.notices.contains(&Notice::NothingIsKept), "{pairs:?}");
    }
    for url in [
        "mysql://canary@h/d",
        "postgresql+asyncpg://canary@h/d",
        "canary",
        "sqlite:",
        "sqlite:canary?mode=rwc",
    ] {
        let text = is_refused(&[("DATABASE_URL", url)], "DATABASE_URL");
        assert!(!text.contains("canary"), "{text}");
    }
}

/// S0-57
#[test]
fn an_object_store_needs_all_of_its_settings() {
    let all = [
        ("S3_ENABLED", "true"),
        ("S3_ENDPOINT", "https://s3.example.com"),
        ("S3_ACCESS_KEY", "1234567890"),
        ("S3_SECRET_KEY", "canary"),
        ("S3_BUCKET", "files"),
    ];
    let s3 = with(&all).storage.s3.unwrap();
    assert_eq!((s3.access_key.expose_secret(), s3.bucket.as_str()), ("1234567890", "files"));
    assert_eq!(s3.link_lifetime, Duration::from_hours(24));
    for left_out in 1..all.len() {
        let mut pairs = all.to_vec();
        let (name, _) = pairs.remove(left_out);
        is_refused(&pairs, name);
    }
    assert!(with(&[("S3_ENABLED", "false")]).storage.s3.is_none());
    assert!(with(&all[1..]).storage.s3.is_none());
    for seconds in ["0", "604801"] {
        let mut pairs = all.to_vec();
        pairs.push(("S3_URL_EXPIRATION", seconds));
        is_refused(&pairs, "S3_URL_EXPIRATION");
    }
}

#[test]
fn persona_chat_has_its_own_limits() {
    let models = with(&[]).models;
    assert_eq!(models.defaults.persona_chat.as_str(), "gpt-3.5-turbo");
    assert_eq!(models.persona_chat_max_tokens, 1_000);
    assert!((models.persona_chat_temperature - 0.7).abs() < 1e-9);
    for (name, value) in [
        ("OPENAI_TEMPERATURE", "1.5"),
        ("OPENAI_TEMPERATURE", "-0.1"),
        ("OPENAI_TEMPERATURE", "nan"),
        ("OPENAI_MAX_TOKENS", "0"),
        ("OPENAI_MAX_TOKENS", "1.5"),
    ] {
        is_refused(&[(name, value)], name);
    }
    for temperature in ["0", "1", "0.0", "1.0"] {
        with(&[("OPENAI_TEMPERATURE", temperature)]);
    }
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

#[test]
fn a_changed_pricing_is_the_price_of_the_model_beside_it() {
    let facts = with(&[]).models.facts;
    assert_eq!(facts.price(&model("gpt-4o")).output_per_1k, NanoDollars(10_000_000));
    assert_eq!(facts.price(&model("openai/gpt-4o-mini")).input_per_1k, NanoDollars(150_000));
    assert_eq!(facts.price(&model("unheard-of")).input_per_1k, NanoDollars(2_500_000));
    let mini = ("OMNICHAT_MODELS__DEFAULT", "openai/gpt-4o-mini");
    assert_eq!(with(&[mini]).models.facts.price(&model("gpt-4o-mini")).input_per_1k, NanoDollars(150_000));
    let facts = with(&[mini, ("OMNICHAT_MODELS__PRICING__INPUT_PER_1K", "1")]).models.facts;
    assert_eq!(facts.price(&model("openai/gpt-4o-mini")).input_per_1k, NanoDollars(1_000_000_000));
    assert_eq!(facts.price(&model("gpt-4o")).input_per_1k, NanoDollars(2_500_000));
}

#[test]
fn prices_windows_and_the_allow_list_can_be_set() {
    let facts = with(&[
        (
            "OMNICHAT_MODELS__PRICES",
            "{acme/x-1: {input_per_1k: 0.001, cached_input_per_1k: 0.0001, output_per_1k: 0.002}}",
        ),
        ("OMNICHAT_MODELS__WINDOWS", "acme/x-1=32000,gpt-4=9000"),
        ("OMNICHAT_MODELS__ALLOW", "acme/x-1,gpt-4"),
    ])
    .models
    .facts;
    let price = facts.price(&model("acme/x-1"));
    assert_eq!(
        (price.input_per_1k, price.cached_input_per_1k),
        (NanoDollars(1_000_000), NanoDollars(100_000))
    );
    assert_eq!((facts.window(&model("acme/x-1")), facts.window(&model("gpt-4"))), (32_000, 9_000));
    assert_eq!(facts.window(&model("unheard-of")), 128_000);
    assert!(facts.offers(&model("gpt-4")) && !facts.offers(&model("gpt-4o")));

    let directory = tempfile::tempdir().unwrap();
    let text = "models: {prices: {gpt-3.5-turbo: {input_per_1k: 1, output_per_1k: 2}}, windows: {gpt-3.5-turbo: 5000}}";
    fs::write(directory.path().join("development.yaml"), text).unwrap();
    let facts = Config::from_sources(&BTreeMap::new(), None, Some(directory.path())).unwrap().models.facts;
    assert_eq!(facts.price(&model("gpt-3.5-turbo")).output_per_1k, NanoDollars(2_000_000_000));
    assert_eq!(facts.window(&model("gpt-3.5-turbo")), 5_000);
}
