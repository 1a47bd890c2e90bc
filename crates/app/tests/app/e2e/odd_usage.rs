//! Usage as servers report it: the ledger has what they counted, and marks what it had to estimate.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::{Flavour, InjectedFault, Place, Reply};

use crate::support::raw_replies::{
    Wire, app_on, chunk, completed, done, events, finished, output, response, said,
};
use crate::support::{App, PROVIDER_KEY, Store, on_both_stores, sql, wait_until};

on_both_stores!(
    the_usage_of_chat_completions_is_counted,
    the_usage_of_responses_is_counted,
    the_cost_of_an_own_key_is_counted,
);

/// Prices that tell input, cached input and output apart: 1,000,000, 100,000 and 10,000,000 nano-dollars a token.
const PRICES: [(&str, &str); 2] = [
    ("LLM_MODEL", "priced"),
    ("OMNICHAT_MODELS__PRICES", "{priced: {input_per_1k: 1, cached_input_per_1k: 0.1, output_per_1k: 10}}"),
];

/// The row of 100 input tokens and 10 output tokens.
const PLAIN: &str = "100|0|10|0|reported|200000000";
/// The same, with 60 of the input tokens from a cache.
const CACHED: &str = "100|60|10|0|reported|146000000";
/// The row of 100 input tokens and 210 output tokens, 200 of them reasoning.
const THOUGHT: &str = "100|0|210|200|reported|2200000000";
/// The row of a call whose provider counted nothing.
const ESTIMATED: &str = "*|0|*|0|estimated|*";

/// A reply, and its row of the ledger: input, cached, output and reasoning tokens, whether they were estimated, and the
/// cost in nano-dollars. An asterisk stands for any number above 0.
struct Counted {
    reply: Reply,
    row: &'static str,
}

/// Runs a turn for each reply, and compares the ledger.
async fn check(app: &App, cases: Vec<Counted>) {
    let user = app.user("ann").await;
    let mut wrong = Vec::new();
    for (before, Counted { reply, row }) in cases.into_iter().enumerate() {
        app.llm.script(reply.clone());
        let id = user.conversation().await;
        user.say(&id, "hi").await;
        let mut rows = Vec::new();
        wait_until("the call is in the ledger", async || {
            rows = sql(
                app,
                "SELECT input_tokens, cached_tokens, output_tokens, reasoning_tokens, \
                 CASE WHEN usage_estimated THEN 'estimated' ELSE 'reported' END, cost_nanos \
                 FROM omnichat.ledger ORDER BY id",
            );
            rows.len() > before
        })
        .await;
        let found = rows.pop().unwrap();
        if !is_like(&found, row) {
            wrong.push(format!("{found} and not {row} for {reply:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a row is as expected.
fn is_like(found: &str, expected: &str) -> bool {
    let is_any = |value: &str| value.parse::<u64>().is_ok_and(|number| number > 0);
    found.split('|').count() == expected.split('|').count()
        && found
            .split('|')
            .zip(expected.split('|'))
            .all(|(found, expected)| found == expected || (expected == "*" && is_any(found)))
}

async fn the_usage_of_chat_completions_is_counted(store: Store) {
    let app = app_on(store, Wire::Chat, &PRICES).await;
    let words = || vec![said("one "), said("two"), finished("stop")];
    let ending_with =
        |usage: Value| events(&[words(), vec![json!({"choices": [], "usage": usage}), done()]].concat());
    let plain = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110});
    let and = |key: &str, value: Value| {
        let mut usage = plain.clone();
        usage[key] = value;
        usage
    };
    let reasoning = |output: u64, total: u64| {
        json!({
            "prompt_tokens": 100, "completion_tokens": output, "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": 200},
        })
    };
    let failing =
        |rest: &[Value]| events(&[&[said("one two"), json!({"choices": [], "usage": plain})], rest].concat());
    let cases = [
        (ending_with(plain.clone()), PLAIN),
        // The total tells whether reasoning is included in the output.
        (ending_with(reasoning(10, 310)), THOUGHT),
        (ending_with(reasoning(210, 310)), THOUGHT),
        (ending_with(and("prompt_tokens_details", json!({"cached_tokens": 60}))), CACHED),
        (ending_with(and("prompt_cache_hit_tokens", json!(60))), CACHED),
        (ending_with(and("cached_tokens", json!(60))), CACHED),
        (
            ending_with(json!({"prompt_tokens": 100.0, "completion_tokens": "10", "total_tokens": "110"})),
            PLAIN,
        ),
        (
            events(&[
                said("one two"),
                chunk(&json!({"index": 0, "delta": {}, "finish_reason": "stop", "usage": plain})),
                done(),
            ]),
            PLAIN,
        ),
        (
            events(&[&words()[..], &[json!({"choices": [], "x_groq": {"usage": plain}}), done()]].concat()),
            PLAIN,
        ),
        // A missing half is estimated, and so are zeros beside words.
        (ending_with(and("completion_tokens", Value::Null)), "100|0|*|0|estimated|*"),
        (ending_with(json!({"completion_tokens": 10})), "*|0|10|0|estimated|*"),
        (ending_with(json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})), ESTIMATED),
        (ending_with(json!("many")), ESTIMATED),
        (ending_with(Value::Null), ESTIMATED),
        // The turn fails afterwards, and was paid for all the same.
        (failing(&[json!({"error": {"message": "no", "code": 500}}), done()]), PLAIN),
        (failing(&[]), PLAIN),
        (failing(&[done()]).with(InjectedFault::CutAfter(Place::Events(2))), PLAIN),
    ];
    check(&app, cases.map(|(reply, row)| Counted { reply, row }).into()).await;
}

async fn the_usage_of_responses_is_counted(store: Store) {
    let app = app_on(store, Wire::Responses, &PRICES).await;
    let usage = |output: u64, total: u64, reasoning: u64| {
        json!({
            "input_tokens": 100, "output_tokens": output, "total_tokens": total,
            "input_tokens_details": {"cached_tokens": 60},
            "output_tokens_details": {"reasoning_tokens": reasoning},
        })
    };
    let ending =
        |status: &str, usage: Value| events(&[output("one two"), response(status, &json!([]), &usage)]);
    let cases = [
        (ending("completed", usage(210, 310, 200)), "100|60|210|200|reported|2146000000"),
        (ending("completed", usage(10, 310, 200)), "100|60|210|200|reported|2146000000"),
        (ending("completed", json!({"input_tokens": 100, "output_tokens": null})), "100|0|*|0|estimated|*"),
        (ending("completed", json!({"input_tokens": 0, "output_tokens": 0})), "*|0|*|0|estimated|*"),
        (ending("failed", usage(10, 110, 0)), "100|60|10|0|reported|146000000"),
        (ending("incomplete", usage(10, 110, 0)), "100|60|10|0|reported|146000000"),
        (events(&[output("one two"), completed()]), "5|0|2|0|reported|25000000"),
    ];
    check(&app, cases.map(|(reply, row)| Counted { reply, row }).into()).await;
}

/// With a key of one's own, OpenRouter's `cost` is its fee or 0, and the model's cost stands apart.
async fn the_cost_of_an_own_key_is_counted(store: Store) {
    let llm = Arc::new(FakeLlm::start_as(Flavour::OpenRouter).await);
    let base_url = llm.base_url();
    let settings = [
        ("LLM_PROVIDER", "openrouter"),
        ("OPENROUTER_API_KEY", PROVIDER_KEY),
        ("OPENROUTER_BASE_URL", base_url.as_str()),
    ];
    let app = App::start_on(store, llm, &settings).await;
    let ending_with = |cost: Value, own_key: Value, upstream: Value| {
        let usage = json!({
            "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "cost": cost,
            "is_byok": own_key, "cost_details": {"upstream_inference_cost": upstream},
        });
        events(&[said("one two"), finished("stop"), json!({"choices": [], "usage": usage}), done()])
    };
    let cases = [
        (ending_with(json!(0), json!(true), json!(0.036)), "100|0|10|0|reported|36000000"),
        (ending_with(json!(0.002), json!(true), json!(0.036)), "100|0|10|0|reported|38000000"),
        (ending_with(json!(0.002), json!(false), json!(0.036)), "100|0|10|0|reported|2000000"),
        (ending_with(json!(0.002), Value::Null, json!(0.036)), "100|0|10|0|reported|2000000"),
    ];
    check(&app, cases.map(|(reply, row)| Counted { reply, row }).into()).await;
}
