//! The default settings of the tests.

use std::collections::HashMap;
use std::time::Duration;

use domain::{Contract, DefaultModels, ModelName, NanoDollars, Price, Tier};
use omnichat_http::{ContextManagement, Pricing, PublicConfig, PublicLimits};
use services::{LimitSettings, ModelSettings, TurnSettings};

pub(super) fn limit_settings() -> LimitSettings {
    LimitSettings { chat: 10, tiers: HashMap::from([(Tier::Free, 60)]), sign_in: 20 }
}

pub(super) fn test_model() -> ModelName {
    ModelName::parse("test-model").unwrap()
}

pub(super) fn default_models() -> DefaultModels {
    DefaultModels { llm_chat: test_model(), chat_service: test_model(), persona_chat: test_model() }
}

pub(super) fn turn_settings(first_event_grace: Duration) -> TurnSettings {
    let price = Price {
        input_per_1k: NanoDollars(2_500_000),
        cached_input_per_1k: NanoDollars(2_500_000),
        output_per_1k: NanoDollars(10_000_000),
    };
    TurnSettings {
        models: ModelSettings {
            allow: None,
            windows: HashMap::new(),
            default_window: 128_000,
            prices: HashMap::new(),
            default_price: price,
        },
        title_model: test_model(),
        titled_by_model: vec![Contract::LlmChat],
        first_event_grace,
        checkpoint_every: Duration::from_millis(250),
        renew_every: Duration::from_secs(5),
        watch_locks_every: Duration::from_secs(1),
        finish_patience: Duration::from_mins(1),
    }
}

pub(super) fn public_config() -> PublicConfig {
    PublicConfig {
        provider: "demo".to_owned(),
        model: "gpt-4o".to_owned(),
        limits: PublicLimits { rate_limit_per_minute: 10, max_input_length: 10_000, max_file_size_mb: 20 },
        context_management: ContextManagement {
            mode: "full".to_owned(),
            window_size: 5,
            summarize_after_messages: 10,
            summary_update_interval: 5,
        },
        pricing: Pricing { input_per_1k: 0.0025, output_per_1k: 0.01 },
    }
}
