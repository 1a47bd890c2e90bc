//! The usage and the cost of a call, in the format of both APIs.

use domain::{NanoDollars, ReportedUsage};

use crate::json::Json;

/// More tokens than any call has. Larger numbers are cut, so that sums cannot overflow.
const TOKENS_MAX: u64 = 1_000_000_000_000;

/// Reads an object `usage`; `None` if it has no token counts.
///
/// The names are those of both APIs. The tokens from the cache stand in details, at Moonshot in `cached_tokens`, and at
/// `DeepSeek` in `prompt_cache_hit_tokens`; those of reasoning stand in details, at Perplexity in `reasoning_tokens`.
pub(crate) fn usage(body: Json<'_>) -> Option<ReportedUsage> {
    let input = tokens(body, &["prompt_tokens", "input_tokens"]);
    let output = tokens(body, &["completion_tokens", "output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let detail = |objects: [&str; 2], name: &str| {
        objects.iter().find_map(|object| tokens(body.get(object)?, &[name])).unwrap_or(0)
    };
    let cached = detail(["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let cached = cached.max(tokens(body, &["cached_tokens", "prompt_cache_hit_tokens"]).unwrap_or(0));
    let reasoning = detail(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
    let reasoning = reasoning.max(tokens(body, &["reasoning_tokens"]).unwrap_or(0));
    let total = tokens(body, &["total_tokens"]).filter(|total| *total > 0);
    let reasoning = match (input, output, total) {
        (Some(input @ 1..), Some(output), Some(total)) if reasoning == 0 => {
            unnamed(total, input + output, cached)
        }
        _ => reasoning,
    };
    let output = output.map(|output| with_reasoning(output, reasoning, input, total));
    Some(ReportedUsage {
        input,
        cached_input: input.map_or(cached, |input| cached.min(input)),
        output,
        reasoning: output.map_or(reasoning, |output| reasoning.min(output)),
    })
}

/// Returns the reasoning that stands in the total alone: proxies of Gemini leave it out of the output and do not name it
/// (mozilla-ai/any-llm#1290). What the total has more than input and output is no reasoning if it is the input from the cache.
fn unnamed(total: u64, input_and_output: u64, cached: u64) -> u64 {
    total.checked_sub(input_and_output).filter(|rest| *rest != cached).unwrap_or(0)
}

/// Returns the output with its reasoning, which `OpenAI` includes and xAI and Gemini do not.
///
/// It is not included if the total has room for it beside input and output. Without a total or an input, it is not included if
/// there is more of it than output, of which it could not be a part.
fn with_reasoning(output: u64, reasoning: u64, input: Option<u64>, total: Option<u64>) -> u64 {
    let is_included = match total.zip(input) {
        Some((total, input)) => total < input + output + reasoning,
        None => reasoning <= output,
    };
    if is_included { output } else { (output + reasoning).min(TOKENS_MAX) }
}

/// Joins two usages of one call. The later one counts, but a count that it leaves out or gives as 0 does not erase an earlier
/// one.
pub(crate) fn merged(earlier: ReportedUsage, later: ReportedUsage) -> ReportedUsage {
    let count =
        |later: Option<u64>, earlier: Option<u64>| later.filter(|count| *count > 0).or(earlier).or(later);
    let (input, output) = (count(later.input, earlier.input), count(later.output, earlier.output));
    let part = |later: u64, earlier: u64, whole: Option<u64>| {
        let part = if later > 0 { later } else { earlier };
        whole.map_or(part, |whole| part.min(whole))
    };
    ReportedUsage {
        input,
        cached_input: part(later.cached_input, earlier.cached_input, input),
        output,
        reasoning: part(later.reasoning, earlier.reasoning, output),
    }
}

/// Reads the cost, which `OpenRouter` sends in dollars. If a call uses a key of ours at the provider behind it, this cost is
/// the fee alone, and the provider's own cost is added; if that one is unknown, so is the cost.
pub(crate) fn cost(body: Json<'_>) -> Option<NanoDollars> {
    let cost = dollars(body, "cost");
    if !body.get("is_byok").is_some_and(Json::is_true) {
        return cost;
    }
    let mut sum = upstream_cost(body.get("cost_details")?)?;
    sum += cost.unwrap_or_default();
    Some(sum)
}

/// Reads the cost at the provider behind `OpenRouter`: the sum, or else its two parts.
fn upstream_cost(details: Json<'_>) -> Option<NanoDollars> {
    if let Some(sum) = dollars(details, "upstream_inference_cost") {
        return Some(sum);
    }
    let mut sum = dollars(details, "upstream_inference_prompt_cost")?;
    sum += dollars(details, "upstream_inference_completions_cost")?;
    Some(sum)
}

/// Joins two costs of one call, as [`merged`] does.
pub(crate) fn merged_cost(earlier: Option<NanoDollars>, later: NanoDollars) -> Option<NanoDollars> {
    Some(later).filter(|cost| cost.0 > 0).or(earlier).or(Some(later))
}

fn dollars(body: Json<'_>, name: &str) -> Option<NanoDollars> {
    let dollars = body.get(name)?.number().filter(|dollars| *dollars >= 0.0)?;
    NanoDollars::from_dollars(dollars)
}

fn tokens(body: Json<'_>, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| body.get(name)?.count()).map(|count| count.min(TOKENS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_of(body: &str) -> Option<ReportedUsage> {
        usage(Json::parse(body).unwrap())
    }

    fn reported(
        input: impl Into<Option<u64>>,
        cached_input: u64,
        output: impl Into<Option<u64>>,
        reasoning: u64,
    ) -> ReportedUsage {
        ReportedUsage { input: input.into(), cached_input, output: output.into(), reasoning }
    }

    #[test]
    fn the_usage_of_both_apis_is_read() {
        let chat = r#"{"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 2}}"#;
        let responses = r#"{"input_tokens": 9, "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 2}}"#;
        assert_eq!(usage_of(chat), Some(reported(9, 3, 7, 2)));
        assert_eq!(usage_of(responses), Some(reported(9, 3, 7, 2)));
    }

    #[test]
    fn odd_usage_is_read_as_far_as_it_can_be() {
        for (body, expected) in [
            (r#"{"prompt_tokens":100,"completion_tokens":null}"#, Some(reported(100, 0, None, 0))),
            (r#"{"prompt_tokens":null,"completion_tokens":7}"#, Some(reported(None, 0, 7, 0))),
            (r#"{"prompt_tokens":100.0,"completion_tokens":"7"}"#, Some(reported(100, 0, 7, 0))),
            (r#"{"prompt_tokens":1e2,"completion_tokens":-7}"#, Some(reported(100, 0, None, 0))),
            (r#"{"prompt_tokens":"x","input_tokens":9,"output_tokens":[7]}"#, Some(reported(9, 0, None, 0))),
            (
                r#"{"prompt_tokens":9,"completion_tokens":7,"prompt_cache_hit_tokens":3}"#,
                Some(reported(9, 3, 7, 0)),
            ),
            (r#"{"prompt_tokens":9,"completion_tokens":7,"cached_tokens":3}"#, Some(reported(9, 3, 7, 0))),
            (
                r#"{"prompt_tokens":9,"completion_tokens":7,"cached_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}"#,
                Some(reported(9, 3, 7, 0)),
            ),
            (
                r#"{"prompt_tokens":9,"completion_tokens":7,"prompt_tokens_details":null,"completion_tokens_details":5}"#,
                Some(reported(9, 0, 7, 0)),
            ),
            (r#"{"prompt_tokens":9,"completion_tokens":7,"reasoning_tokens":3}"#, Some(reported(9, 0, 7, 3))),
            (
                r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":310,"reasoning_tokens":200}"#,
                Some(reported(100, 0, 210, 200)),
            ),
            // Without the input, the total says nothing about the reasoning.
            (
                r#"{"completion_tokens":50,"total_tokens":150,"completion_tokens_details":{"reasoning_tokens":20}}"#,
                Some(reported(None, 0, 50, 20)),
            ),
            (
                r#"{"prompt_tokens":2,"prompt_tokens_details":{"cached_tokens":9}}"#,
                Some(reported(2, 2, None, 0)),
            ),
            (r#"{"prompt_tokens":9,"prompt_tokens":null,"completion_tokens":7}"#, Some(reported(9, 0, 7, 0))),
            (
                r#"{"prompt_tokens":1e300,"completion_tokens":18446744073709551615}"#,
                Some(reported(TOKENS_MAX, 0, TOKENS_MAX, 0)),
            ),
            ("null", None),
            ("{}", None),
            ("[1]", None),
            ("7", None),
            (r#"{"prompt_tokens":-1}"#, None),
            (r#"{"prompt_tokens":1.5,"completion_tokens":true}"#, None),
        ] {
            assert_eq!(usage_of(body), expected, "{body}");
        }
    }

    #[test]
    fn reasoning_is_a_part_of_the_output_or_added_to_it() {
        let body = |output: u64, reasoning: u64, total: &str| {
            format!(
                r#"{{"prompt_tokens":100,"completion_tokens":{output},"total_tokens":{total},
                "completion_tokens_details":{{"reasoning_tokens":{reasoning}}}}}"#
            )
        };
        for (output, reasoning, total, expected) in [
            (10, 200, "310", reported(100, 0, 210, 200)),
            (210, 200, "310", reported(100, 0, 210, 200)),
            (50, 20, "150", reported(100, 0, 50, 20)),
            (50, 20, "170", reported(100, 0, 70, 20)),
            // Gemini's total has the tokens of tools, too.
            (50, 20, "190", reported(100, 0, 70, 20)),
            (50, 20, "null", reported(100, 0, 50, 20)),
            (10, 200, "null", reported(100, 0, 210, 200)),
            (10, 200, "110", reported(100, 0, 10, 10)),
            (0, 0, "100", reported(100, 0, 0, 0)),
            (10, 0, "310", reported(100, 0, 210, 200)),
            (10, 0, "90", reported(100, 0, 10, 0)),
            (0, 60, "160", reported(100, 0, 60, 60)),
        ] {
            assert_eq!(
                usage_of(&body(output, reasoning, total)),
                Some(expected),
                "{output} {reasoning} {total}"
            );
        }
        let no_input = r#"{"prompt_tokens":0,"completion_tokens":10,"total_tokens":110}"#;
        assert_eq!(usage_of(no_input), Some(reported(0, 0, 10, 0)));
        let cached = r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":170,"cached_tokens":60}"#;
        assert_eq!(usage_of(cached), Some(reported(100, 60, 10, 0)));
        let responses = r#"{"input_tokens":100,"output_tokens":10,"total_tokens":310,"output_tokens_details":{"reasoning_tokens":200}}"#;
        assert_eq!(usage_of(responses), Some(reported(100, 0, 210, 200)));
    }

    #[test]
    fn a_later_usage_does_not_erase_an_earlier_one() {
        for (earlier, later, expected) in [
            (reported(9, 3, 1, 0), reported(9, 3, 7, 2), reported(9, 3, 7, 2)),
            (reported(9, 3, 7, 2), reported(0, 0, 0, 0), reported(9, 3, 7, 2)),
            (reported(9, 3, 7, 2), reported(None, 0, 8, 0), reported(9, 3, 8, 2)),
            (reported(9, 0, None, 0), reported(None, 0, 0, 0), reported(9, 0, 0, 0)),
            (reported(None, 0, None, 0), reported(0, 0, 0, 0), reported(0, 0, 0, 0)),
        ] {
            assert_eq!(merged(earlier, later), expected, "{earlier:?} {later:?}");
        }
        assert_eq!(merged_cost(Some(NanoDollars(5)), NanoDollars(0)), Some(NanoDollars(5)));
        assert_eq!(merged_cost(Some(NanoDollars(5)), NanoDollars(7)), Some(NanoDollars(7)));
        assert_eq!(merged_cost(None, NanoDollars(0)), Some(NanoDollars(0)));
    }

    #[test]
    fn a_cost_is_in_dollars() {
        let upstream = r#""cost_details":{"upstream_inference_cost":0.036}"#;
        for (body, nanos) in [
            (r#"{"cost":0.000175}"#.to_owned(), Some(175_000)),
            (r#"{"cost":"0.000175"}"#.to_owned(), Some(175_000)),
            (r#"{"cost":0}"#.to_owned(), Some(0)),
            (format!(r#"{{"cost":0,"is_byok":true,{upstream}}}"#), Some(36_000_000)),
            (format!(r#"{{"cost":0.002,"is_byok":true,{upstream}}}"#), Some(38_000_000)),
            (format!(r#"{{"cost":null,"is_byok":true,{upstream}}}"#), Some(36_000_000)),
            (format!(r#"{{"cost":0.04,"is_byok":false,{upstream}}}"#), Some(40_000_000)),
            (format!(r#"{{"cost":0.04,{upstream}}}"#), Some(40_000_000)),
            (r#"{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#.to_owned(), None),
            (r#"{"cost":0,"is_byok":true}"#.to_owned(), None),
            (
                r#"{"cost":0.002,"is_byok":true,"cost_details":{"upstream_inference_cost":null,
                "upstream_inference_prompt_cost":0.03,"upstream_inference_completions_cost":0.006}}"#
                    .to_owned(),
                Some(38_000_000),
            ),
            (
                r#"{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_prompt_cost":0.03}}"#
                    .to_owned(),
                None,
            ),
            ("{}".to_owned(), None),
            (r#"{"cost":null}"#.to_owned(), None),
            (r#"{"cost":-1}"#.to_owned(), None),
            (r#"{"cost":1e300}"#.to_owned(), None),
            (r#"{"cost":{}}"#.to_owned(), None),
        ] {
            assert_eq!(cost(Json::parse(&body).unwrap()), nanos.map(NanoDollars), "{body}");
        }
    }
}
