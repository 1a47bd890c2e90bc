//! Mocked ports that do what most tests need.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{BlobId, ConversationId, MessageId, RunnerId, TurnId};
use ports::{
    AccessToken, Decision, Issuer, MockBlobs, MockClock, MockIdSource, MockRateLimiter, MockTokenIssuer,
    MockTokenVerifier, Reservation, Subject, TokenError,
};
use uuid::Uuid;

use super::now;

pub fn verifier() -> MockTokenVerifier {
    let mut verifier = MockTokenVerifier::new();
    verifier.expect_verify().returning(|token| {
        let subject = match token.as_str() {
            "alice" => "1",
            "expired" => return Err(TokenError::Expired),
            _ => return Err(TokenError::Invalid("no such token".into())),
        };
        let (subject, expires_at) = (subject.to_owned(), now());
        Ok(Subject { issuer: Issuer::Own, subject, application: None, expires_at })
    });
    verifier
}

pub fn issuer() -> MockTokenIssuer {
    let mut issuer = MockTokenIssuer::new();
    issuer.expect_issue().returning(|_, _| Ok(AccessToken { token: "a.b.c".to_owned(), expires_in: 3600 }));
    issuer
}

pub fn clock() -> MockClock {
    let mut clock = MockClock::new();
    clock.expect_now().returning(now);
    clock
}

pub fn working_storage() -> MockBlobs {
    let mut blobs = MockBlobs::new();
    blobs.expect_check().returning(|| Ok(()));
    blobs
}

pub fn ids() -> MockIdSource {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = || Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut ids = MockIdSource::new();
    ids.expect_conversation().returning(move || ConversationId(next()));
    ids.expect_message().returning(move || MessageId(next()));
    ids.expect_turn().returning(move || TurnId(next()));
    ids.expect_blob().returning(move || BlobId(next()));
    ids.expect_runner().returning(move || RunnerId(next()));
    ids
}

/// A limiter that allows all calls.
pub fn open_limiter() -> MockRateLimiter {
    let mut limiter = MockRateLimiter::new();
    limiter.expect_take().returning(|bucket| {
        let reservation = Some(Reservation { key: bucket.key, number: 1 });
        Ok(Decision { reservation, remaining: bucket.limit - 1, reset_after: Duration::from_millis(59_001) })
    });
    limiter.expect_give_back().returning(|_| Ok(()));
    limiter
}
