//! Rate limits of one process: an exact sliding window of a minute.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ports::{Bucket, Decision, LimiterError, RateLimiter, Reservation};

/// Counts the calls of the last 60 seconds for each key. A refused call is not counted.
#[derive(Debug)]
pub struct SlidingMinute {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The calls that passed in the last minute, by key, oldest first.
    passed: HashMap<String, VecDeque<Call>>,
    next_number: u64,
    swept_at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    number: u64,
    at: Instant,
}

const WINDOW: Duration = Duration::from_mins(1);

impl SlidingMinute {
    /// A limiter without calls.
    #[must_use]
    pub fn new() -> Self {
        let state = State { passed: HashMap::new(), next_number: 0, swept_at: Instant::now() };
        Self { state: Mutex::new(state) }
    }

    /// Lets a call pass or refuses it. `now` is monotonic: a clock that is set back must not extend a refusal.
    fn take_at(&self, bucket: Bucket, now: Instant) -> Decision {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sweep(now);
        let number = state.next_number;
        let calls = state.passed.entry(bucket.key.clone()).or_default();
        forget_old(calls, now);
        let allowed = usize::try_from(bucket.limit).unwrap_or(usize::MAX);
        let passes = calls.len() < allowed;
        if passes {
            calls.push_back(Call { number, at: now });
        }
        // After a limit was lowered, more than one call must expire before the next one passes.
        let blocking = calls.len().saturating_sub(allowed);
        let oldest = calls.get(if passes { 0 } else { blocking }).map_or(now, |call| call.at);
        let decision = Decision {
            reservation: passes.then_some(Reservation { key: bucket.key, number }),
            remaining: u32::try_from(allowed.saturating_sub(calls.len())).unwrap_or(u32::MAX),
            reset_after: (oldest + WINDOW).saturating_duration_since(now),
        };
        state.next_number += u64::from(passes);
        decision
    }
}

impl Default for SlidingMinute {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Removes, once a minute, the keys without calls, so that they do not fill the memory.
    fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept_at) < WINDOW {
            return;
        }
        self.swept_at = now;
        self.passed.retain(|_, calls| {
            forget_old(calls, now);
            !calls.is_empty()
        });
    }
}

fn forget_old(calls: &mut VecDeque<Call>, now: Instant) {
    while calls.front().is_some_and(|call| now.saturating_duration_since(call.at) >= WINDOW) {
        calls.pop_front();
    }
}

#[async_trait]
impl RateLimiter for SlidingMinute {
    async fn take(&self, bucket: Bucket) -> Result<Decision, LimiterError> {
        Ok(self.take_at(bucket, Instant::now()))
    }

    async fn give_back(&self, reservation: Reservation) -> Result<(), LimiterError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = state.passed.get_mut(&reservation.key) {
            calls.retain(|call| call.number != reservation.number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(key: &str, limit: u32) -> Bucket {
        Bucket { key: key.to_owned(), limit }
    }

    #[test]
    fn exactly_the_limit_passes_in_any_minute() {
        let limiter = SlidingMinute::new();
        let start = Instant::now();
        let mut passed = Vec::new();
        // One call every 700 ms for five minutes.
        for step in 0..430_u32 {
            let now = start + Duration::from_millis(700) * step;
            if limiter.take_at(bucket("a", 10), now).reservation.is_some() {
                passed.push(now);
            }
        }
        for first in &passed {
            let within = passed.iter().filter(|at| (*first..*first + WINDOW).contains(*at)).count();
            assert!(within <= 10, "{within} calls in a minute");
        }
        assert!(passed.len() >= 50, "the limit is used: {}", passed.len());
    }

    #[test]
    fn the_decision_tells_how_many_calls_are_left_and_when_the_next_one_passes() {
        let limiter = SlidingMinute::new();
        let start = Instant::now();
        let first = limiter.take_at(bucket("a", 2), start);
        assert_eq!((first.remaining, first.reset_after), (1, WINDOW));
        let second = limiter.take_at(bucket("a", 2), start + Duration::from_secs(20));
        assert_eq!((second.remaining, second.reset_after), (0, Duration::from_secs(40)));
        let third = limiter.take_at(bucket("a", 2), start + Duration::from_secs(30));
        assert_eq!((third.reservation, third.reset_after), (None, Duration::from_secs(30)));
        // The refused call was not counted.
        assert!(limiter.take_at(bucket("a", 2), start + WINDOW).reservation.is_some());
    }

    #[test]
    fn a_lowered_limit_counts_the_calls_that_must_expire_first() {
        let limiter = SlidingMinute::new();
        let start = Instant::now();
        for second in 0..3 {
            limiter.take_at(bucket("a", 3), start + Duration::from_secs(second));
        }
        let refused = limiter.take_at(bucket("a", 1), start + Duration::from_secs(10));
        assert_eq!((refused.reservation, refused.reset_after), (None, Duration::from_secs(52)));
    }

    #[test]
    fn keys_do_not_share_their_calls() {
        let limiter = SlidingMinute::new();
        let now = Instant::now();
        assert!(limiter.take_at(bucket("a", 1), now).reservation.is_some());
        assert!(limiter.take_at(bucket("b", 1), now).reservation.is_some());
        assert!(limiter.take_at(bucket("a", 1), now).reservation.is_none());
    }

    #[test]
    fn a_limit_of_zero_lets_no_call_pass() {
        let limiter = SlidingMinute::new();
        assert!(limiter.take_at(bucket("a", 0), Instant::now()).reservation.is_none());
    }

    #[tokio::test]
    async fn a_reservation_that_is_given_back_is_free_at_once() {
        let limiter = SlidingMinute::new();
        let reservation = limiter.take(bucket("a", 1)).await.unwrap().reservation.unwrap();
        assert!(limiter.take(bucket("a", 1)).await.unwrap().reservation.is_none());
        limiter.give_back(reservation).await.unwrap();
        assert!(limiter.take(bucket("a", 1)).await.unwrap().reservation.is_some());
    }

    #[test]
    fn keys_without_calls_are_removed() {
        let limiter = SlidingMinute::new();
        let start = Instant::now();
        for number in 0..1_000 {
            limiter.take_at(bucket(&number.to_string(), 1), start);
        }
        limiter.take_at(bucket("late", 1), start + WINDOW * 2);
        assert_eq!(limiter.state.lock().unwrap().passed.len(), 1);
    }
}
