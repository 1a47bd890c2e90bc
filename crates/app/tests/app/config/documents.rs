//! The settings as the contracts' documents write them, and `.env.example`.

use omnichat::config::settings::{ABOUT_SOURCES, SETTINGS, Setting};
use omnichat::config::{Config, DatabaseChoice, Notice, ProviderChoice};
use secrecy::ExposeSecret;

use super::{dotenv, with};

/// The blocks of settings in the contracts' documents, literally.
const LLM_CHAT_BLOCK: &str = "\
# Required
OPENAI_API_KEY=sk-xxx

# Database (Required for persistence)
DATABASE_URL=postgresql://user:pass@host:5432/db
DATABASE_ENABLED=true

# S3 Storage (Optional - for file uploads)
S3_ENABLED=true
S3_ENDPOINT=https://s3.example.com
S3_ACCESS_KEY=xxx
S3_SECRET_KEY=xxx
S3_BUCKET=bucket-name
S3_URL_EXPIRATION=86400

# Server
ENVIRONMENT=development
LOG_LEVEL=INFO
RATE_LIMIT_PER_MINUTE=10
";
const CHAT_SERVICE_BLOCK: &str = "\
DATABASE_URL=postgresql://user:password@localhost:5432/omnichat
JWT_SECRET=your-secret-key
LLM_PROVIDER=openrouter
LLM_MODEL=openai/gpt-3.5-turbo
OPENROUTER_API_KEY=your-key
OPENAI_API_KEY=your-key  # optional
";
const PERSONA_CHAT_BLOCK: &str = "\
# Required for OpenAI integration
OPENAI_API_KEY=your_openai_api_key_here

# Optional: Customize OpenAI settings
OPENAI_MODEL=gpt-3.5-turbo  # Default model
OPENAI_MAX_TOKENS=1000      # Max response length
OPENAI_TEMPERATURE=0.7      # Response creativity (0.0-1.0)
";

/// S0-56, S0-57, S0-58, S0-77, S2-5, S2-7, S2-8
#[test]
fn the_blocks_of_the_documents_are_accepted_unchanged() {
    let config = dotenv(LLM_CHAT_BLOCK);
    assert_eq!(config.provider.choice.name(), "openai");
    assert!(matches!(config.database.choice, DatabaseChoice::Postgres { .. }));
    assert_eq!(config.storage.s3.unwrap().bucket, "bucket-name");

    let config = dotenv(CHAT_SERVICE_BLOCK);
    assert_eq!(config.provider.choice.name(), "openrouter");
    assert_eq!(config.models.defaults.chat_service.as_str(), "openai/gpt-3.5-turbo");
    assert!(config.notices.contains(&Notice::WeakSecret { variable: "JWT_SECRET (.env)".to_owned() }));
    assert!(
        config.notices.contains(&Notice::PlaceholderKey { variable: "OPENROUTER_API_KEY (.env)".to_owned() })
    );
    let openai = dotenv(&CHAT_SERVICE_BLOCK.replace("=openrouter", "=openai"));
    let ProviderChoice::OpenAi(openai) = openai.provider.choice else { panic!("no key") };
    assert_eq!(openai.api_key.expose_secret(), "your-key");

    let config = dotenv(PERSONA_CHAT_BLOCK);
    assert_eq!(config.provider.choice.name(), "openai");
    assert_eq!(config.models.defaults.persona_chat.as_str(), "gpt-3.5-turbo");

    // All of them together in one file.
    let all = format!("{LLM_CHAT_BLOCK}{CHAT_SERVICE_BLOCK}{PERSONA_CHAT_BLOCK}");
    assert_eq!(dotenv(&all).provider.choice.name(), "openrouter");
}

const EXAMPLE: &str = include_str!("../../../../../.env.example");

/// S0-6, S0-57
#[test]
fn the_example_can_be_used_unchanged_and_shows_the_defaults() {
    let example = dotenv(EXAMPLE);
    // The order of a table's entries is not defined.
    let lines = |config: &Config| {
        let text = format!("{config:#?}");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&example), lines(&with(&[])));
}

#[test]
fn the_example_names_every_variable_once_and_no_other() {
    let mut named: Vec<&str> = EXAMPLE
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .collect();
    let mut known: Vec<String> = SETTINGS.iter().map(Setting::name).collect();
    known.extend(ABOUT_SOURCES.iter().map(|name| (*name).to_owned()));
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        assert!(
            EXAMPLE.contains(&format!("\n#{}=\n", setting.name())),
            "{} is commented out",
            setting.name()
        );
    }
}
