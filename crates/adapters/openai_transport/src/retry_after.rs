//! Reads when a provider may be called again.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest pause that is accepted.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `retry-after-ms`, else `Retry-After` in seconds or as a date.
pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|millis| millis / 1_000.0)
        .or_else(|| number(RETRY_AFTER.as_str()))
        .or_else(|| {
            // By the provider's clock, which may differ from ours.
            let then = DateTime::parse_from_rfc2822(text(RETRY_AFTER.as_str())?).ok()?;
            let now = DateTime::parse_from_rfc2822(text(DATE.as_str())?).ok()?;
            Some((then - now).as_seconds_f64())
        })?;
    if seconds.is_nan() {
        return None;
    }
    Duration::try_from_secs_f64(seconds.max(0.0)).ok().map(|pause| pause.min(LONGEST)).or(Some(LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn pause(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        from_headers(&headers.iter().map(header).collect())
    }

    #[test]
    fn every_form_of_a_pause_is_read() {
        assert_eq!(pause(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(pause(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        assert_eq!(
            pause(&[("retry-after", "7"), ("retry-after-ms", "250")]),
            Some(Duration::from_millis(250))
        );
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            pause(&[date, ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]),
            Some(Duration::from_secs(10))
        );
    }

    #[test]
    fn invalid_pauses_are_ignored_and_long_ones_are_cut() {
        for value in ["", "soon", "NaN", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(pause(&[("retry-after", value)]), None, "{value}");
        }
        for value in ["1e300", "inf", "999999999"] {
            assert_eq!(pause(&[("retry-after", value)]), Some(LONGEST), "{value}");
        }
        assert_eq!(pause(&[("retry-after", "-3")]), Some(Duration::ZERO));
    }
}
