//! Retry and fail-over, on mocked providers.

use std::sync::Arc;
use std::time::Duration;

use domain::{Delta, FinishReason, ModelName, ModelRequest, NanoDollars, ReportedUsage};
use futures_util::{StreamExt, stream};
use omnichat_services::{ConcurrencyLimited, Failover, RetryPolicy, Retrying};
use ports::{LanguageModel, MockJitter, MockLanguageModel, ModelError, ModelEvent, ModelStream};
use tokio::time::Instant;

fn request() -> Arc<ModelRequest> {
    let model = ModelName::parse("m").unwrap();
    Arc::new(ModelRequest { model, instructions: None, messages: vec![], options: Arc::default() })
}

fn answer() -> ModelStream {
    let end = ModelEvent::Finished { response: None, reason: FinishReason::Stop };
    Box::pin(stream::iter([Ok(ModelEvent::Delta(Delta::Text("hi".into()))), Ok(end)]))
}

fn unavailable() -> ModelError {
    ModelError::Unavailable("503".into())
}

/// A provider that fails `times` times before it answers, and must be called `calls` times.
fn failing(
    name: &'static str,
    times: usize,
    calls: usize,
    error: fn() -> ModelError,
) -> Arc<MockLanguageModel> {
    let mut model = MockLanguageModel::new();
    model.expect_provider().return_const(name);
    let mut called = 0;
    model.expect_stream().times(calls).returning(move |_| {
        called += 1;
        if called <= times { Err(error()) } else { Ok(answer()) }
    });
    Arc::new(model)
}

fn retrying(model: Arc<MockLanguageModel>) -> Retrying {
    let mut jitter = MockJitter::new();
    jitter.expect_fraction().return_const(0.5);
    let policy = RetryPolicy {
        attempts: 3,
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(8),
        total: Duration::from_secs(30),
    };
    Retrying::new(model, policy, Arc::new(jitter))
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_is_retried_with_jitter() {
    let model = retrying(failing("a", 2, 3, unavailable));
    let started = Instant::now();
    let events: Vec<_> = model.stream(request()).await.unwrap().collect().await;
    assert_eq!(events.len(), 2);
    assert_eq!(started.elapsed(), Duration::from_millis(250 + 500));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_attempts_is_limited() {
    assert!(retrying(failing("a", 9, 3, unavailable)).stream(request()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_pause_of_the_provider_is_used() {
    let busy = || ModelError::Busy { retry_after: Some(Duration::from_secs(7)), source: "429".into() };
    let started = Instant::now();
    let _ = retrying(failing("a", 1, 2, busy)).stream(request()).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_limit_is_not_waited_for() {
    let busy = || ModelError::Busy { retry_after: Some(Duration::from_secs(31)), source: "429".into() };
    let started = Instant::now();
    assert!(retrying(failing("a", 1, 1, busy)).stream(request()).await.is_err());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_be_paid_for_is_not_repeated() {
    let never: [fn() -> ModelError; 5] = [
        || ModelError::TimedOut,
        || ModelError::Rejected("400".into()),
        || ModelError::Refused("401".into()),
        || ModelError::Truncated,
        || ModelError::Broken("?".into()),
    ];
    for error in never {
        assert!(retrying(failing("a", 9, 1, error)).stream(request()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_as_first_event_is_retried() {
    let mut model = MockLanguageModel::new();
    model.expect_provider().return_const("a");
    let mut called = 0;
    model.expect_stream().times(2).returning(move |_| {
        called += 1;
        if called == 1 { Ok(Box::pin(stream::iter([Err(unavailable())]))) } else { Ok(answer()) }
    });
    assert!(retrying(Arc::new(model)).stream(request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_error_after_the_first_event_is_passed_on() {
    let mut model = MockLanguageModel::new();
    model.expect_stream().times(1).returning(|_| {
        let first = Ok(ModelEvent::Delta(Delta::Text("hi".into())));
        Ok(Box::pin(stream::iter([first, Err(unavailable())])))
    });
    let events: Vec<_> = retrying(Arc::new(model)).stream(request()).await.unwrap().collect().await;
    assert!(matches!(events.as_slice(), [Ok(_), Err(ModelError::Unavailable(_))]));
}

/// A provider that reports this usage and then fails, the first time that it is called. It must be called `calls` times.
fn failing_after(usage: ReportedUsage, cost: Option<NanoDollars>, calls: usize) -> Arc<MockLanguageModel> {
    let mut model = MockLanguageModel::new();
    model.expect_provider().return_const("a");
    let mut called = 0;
    model.expect_stream().times(calls).returning(move |_| {
        called += 1;
        let events = [Ok(ModelEvent::Usage { usage, cost }), Err(unavailable())];
        if called == 1 { Ok(Box::pin(stream::iter(events))) } else { Ok(answer()) }
    });
    Arc::new(model)
}

const PAID: ReportedUsage = ReportedUsage { input: Some(9), cached_input: 0, output: None, reasoning: 0 };
const ZEROS: ReportedUsage = ReportedUsage { input: Some(0), cached_input: 0, output: Some(0), reasoning: 0 };

#[tokio::test(start_paused = true)]
async fn a_failure_that_was_paid_for_is_passed_on_with_its_usage() {
    for (usage, cost) in [(PAID, None), (ZEROS, Some(NanoDollars(5)))] {
        let retried = retrying(failing_after(usage, cost, 1));
        let failed_over = Failover::new(failing_after(usage, cost, 1), vec![failing("b", 0, 0, unavailable)]);
        for model in [&retried as &dyn LanguageModel, &failed_over] {
            let events: Vec<_> = model.stream(request()).await.unwrap().collect().await;
            let [Ok(first), Err(ModelError::Unavailable(_))] = events.as_slice() else {
                panic!("{events:?}")
            };
            assert_eq!(first, &ModelEvent::Usage { usage, cost });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_usage_without_tokens_and_cost_is_passed_over() {
    for (usage, cost) in [(ZEROS, None), (ZEROS, Some(NanoDollars(0))), (ReportedUsage::default(), None)] {
        let retried = retrying(failing_after(usage, cost, 2));
        let failed_over = Failover::new(failing_after(usage, cost, 1), vec![failing("b", 0, 1, unavailable)]);
        for (model, length) in [(&retried as &dyn LanguageModel, 2), (&failed_over, 3)] {
            let events: Vec<_> = model.stream(request()).await.unwrap().collect().await;
            assert!(events.len() == length && events.iter().all(Result::is_ok), "{events:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_provider_answers_and_is_named() {
    let model = Failover::new(failing("a", 9, 1, unavailable), vec![failing("b", 0, 1, unavailable)]);
    let events: Vec<_> = model.stream(request()).await.unwrap().collect().await;
    assert!(matches!(events.first(), Some(Ok(ModelEvent::ServedBy("b")))));
    assert_eq!(events.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_request_is_not_sent_to_another_provider() {
    let rejected = || ModelError::Rejected("400".into());
    let model = Failover::new(failing("a", 9, 1, rejected), vec![failing("b", 0, 0, unavailable)]);
    assert!(matches!(model.stream(request()).await, Err(ModelError::Rejected(_))));
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_wait() {
    let model = ConcurrencyLimited::new(failing("a", 0, 2, unavailable), 1);
    let first = model.stream(request()).await.unwrap();
    let mut second = model.stream(request());
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err(), "it waits");
    drop(first);
    assert!(second.await.is_ok());
}
