//! The usage and the cost of a call, in the format of both APIs.

use domain::{NanoDollars, ReportedUsage};
use serde_json::Value;

/// More tokens than any call has. Larger numbers are cut, so that sums cannot overflow.
const TOKENS_MAX: u64 = 1_000_000_000_000;

/// Reads an object `usage`; `None` if it has no token counts.
pub(crate) fn usage(body: &Value) -> Option<ReportedUsage> {
    let input = tokens(body, &["prompt_tokens", "input_tokens"]);
    let output = tokens(body, &["completion_tokens", "output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let detail = |objects: [&str; 2], name: &str| {
        objects.iter().find_map(|object| tokens(body.get(object)?, &[name])).unwrap_or(0)
    };
    let cached = detail(["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let reasoning = detail(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
    Some(ReportedUsage {
        input,
        cached_input: input.map_or(cached, |input| cached.min(input)),
        output,
        reasoning: output.map_or(reasoning, |output| reasoning.min(output)),
    })
}

/// Reads the cost, which `OpenRouter` sends in dollars.
pub(crate) fn cost(body: &Value) -> Option<NanoDollars> {
    let dollars = body.get("cost")?.as_f64().filter(|dollars| *dollars >= 0.0)?;
    NanoDollars::from_dollars(dollars)
}

fn tokens(body: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| body.get(name)?.as_u64()).map(|count| count.min(TOKENS_MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_usage_of_both_apis_is_read() {
        let expected = ReportedUsage { input: Some(9), cached_input: 3, output: Some(7), reasoning: 2 };
        let chat = json!({
            "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 2},
        });
        let responses = json!({
            "input_tokens": 9, "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 2},
        });
        assert_eq!(usage(&chat), Some(expected));
        assert_eq!(usage(&responses), Some(expected));
    }

    #[test]
    fn invalid_usage_is_ignored() {
        for body in
            [json!(null), json!({}), json!([1]), json!({"prompt_tokens": -1}), json!({"prompt_tokens": "9"})]
        {
            assert_eq!(usage(&body), None, "{body}");
        }
        let details = json!({"prompt_tokens": 2, "prompt_tokens_details": {"cached_tokens": 9}});
        assert_eq!(usage(&details).map(|usage| usage.cached_input), Some(2));
        let huge = json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX});
        assert_eq!(usage(&huge).and_then(|usage| usage.output), Some(TOKENS_MAX));
    }

    #[test]
    fn a_cost_is_in_dollars() {
        assert_eq!(cost(&json!({"cost": 0.000_175})), Some(NanoDollars(175_000)));
        assert_eq!(cost(&json!({"cost": 0})), Some(NanoDollars(0)));
        for body in [json!({}), json!({"cost": null}), json!({"cost": -1}), json!({"cost": 1e300})] {
            assert_eq!(cost(&body), None, "{body}");
        }
    }
}
