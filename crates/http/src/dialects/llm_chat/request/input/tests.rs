use serde_json::{Value, json};

use super::*;
use crate::{ContextManagement, Pricing, PublicConfig, PublicLimits};

fn settings() -> HttpSettings {
    let public = PublicConfig {
        provider: String::new(),
        model: String::new(),
        limits: PublicLimits { rate_limit_per_minute: 1, max_input_length: 10, max_file_size_mb: 1 },
        context_management: ContextManagement {
            mode: String::new(),
            window_size: 1,
            summarize_after_messages: 1,
            summary_update_interval: 1,
        },
        pricing: Pricing { input_per_1k: 0.0, output_per_1k: 0.0 },
    };
    let model = domain::ModelName::parse("gpt-4o").unwrap();
    let (llm_chat, chat_service) = (model.clone(), model.clone());
    HttpSettings::new("1", public, domain::DefaultModels { llm_chat, chat_service, persona_chat: model })
}

fn parts(input: Value) -> Result<Vec<Part>, String> {
    let input: Input = serde_json::from_value(input).map_err(|error| error.to_string())?;
    input.into_parts(&settings()).map_err(|error| {
        assert_eq!(error.param.as_deref(), Some("input"));
        error.message
    })
}

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url, "detail": "high"}})
}

#[test]
fn a_message_is_a_text_or_a_list_of_parts() {
    let text = || Part::Text("Hi".to_owned());
    assert_eq!(parts(json!("Hi")), Ok(vec![text()]));
    let url = "https://example.com/a.png?b=%2F".to_owned();
    let both = json!([{"type": "text", "text": "Hi"}, image(&url)]);
    assert_eq!(parts(both), Ok(vec![text(), Part::Image { url: url.clone() }]));
    assert_eq!(parts(json!([image(&url)])), Ok(vec![Part::Image { url }]));
}

#[test]
fn all_texts_together_have_a_limit() {
    let texts = |texts: &[&str]| -> Value {
        texts.iter().map(|text| json!({"type": "text", "text": text})).collect()
    };
    assert!(parts(texts(&["äöüäö", "äöüäö"])).is_ok());
    assert_eq!(parts(texts(&["äöüäö", "äöüäöü"])), Err("input must have at most 10 characters".to_owned()));
    assert_eq!(parts(json!("12345678901")), Err("input must have at most 10 characters".to_owned()));
    assert_eq!(parts(texts(&["a\0"])), Err("input must not contain the character U+0000".to_owned()));
    let many = vec!["a"; MAX_PARTS + 1];
    assert_eq!(parts(texts(&many)), Err("input must have at most 256 parts".to_owned()));
}

#[test]
fn a_message_must_not_be_blank() {
    for input in [json!(""), json!("  "), json!([]), json!([{"type": "text", "text": " "}])] {
        assert_eq!(parts(input), Err("input must not be empty".to_owned()));
    }
}

#[test]
fn other_values_are_refused() {
    for input in [
        json!(5),
        json!(null),
        json!({}),
        json!(["Hi"]),
        json!([{"type": "text"}]),
        json!([{"type": "text", "text": 5}]),
        json!([{"text": "Hi"}]),
        json!([{"type": "audio", "text": "Hi"}]),
        json!([{"type": "image_url"}]),
        json!([{"type": "image_url", "image_url": {}}]),
        json!([{"type": "image_url", "image_url": "https://example.com/a.png"}]),
        json!([image("http://example.com/a.png")]),
    ] {
        assert!(parts(input.clone()).is_err(), "{input}");
    }
}
