//! Rate limits: which calls are counted, by which key, and how many are allowed (C-13).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, ErrorCode, Label, Tier};
use ports::{Bucket, Decision, RateLimiter, Reservation};

use crate::{DescribeError, ErrorDescription};

/// Rate limits. Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    limiter: Arc<dyn RateLimiter>,
    settings: Arc<LimitSettings>,
}

/// The number of calls that are allowed in any 60 seconds.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// Calls of `POST /chat`, for each user and label (bucket A).
    pub chat: u32,
    /// Calls that reach a model, for each user, by tier (bucket B).
    pub tiers: HashMap<Tier, u32>,
    /// Registrations and sign-ins, for each address.
    pub sign_in: u32,
}

/// Allows one call.
#[derive(Debug)]
pub struct Permit {
    /// The limit with the fewest remaining calls, for the headers of the response.
    pub quota: Option<Quota>,
    reservations: Vec<Reservation>,
}

/// The state of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The number of calls that are allowed in any 60 seconds.
    pub limit: u32,
    /// The number of calls that are still allowed now.
    pub remaining: u32,
    /// When the next call is allowed, if none is now; otherwise when the oldest call stops counting.
    pub reset_after: Duration,
}

/// A rate limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Rate limit exceeded, try again later")]
pub struct RateLimited {
    /// The exceeded limit.
    pub quota: Quota,
}

impl DescribeError for RateLimited {
    fn describe(&self) -> ErrorDescription {
        ErrorDescription::from(ErrorCode::RateLimitExceeded).with_retry_after(self.quota.reset_after)
    }
}

impl Limits {
    /// Creates limits over this limiter.
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, settings: LimitSettings) -> Self {
        Self { limiter, settings: Arc::new(settings) }
    }

    /// Counts a call of `POST /chat`.
    ///
    /// # Errors
    /// If the limit of the label or of the user is exceeded.
    pub async fn chat(&self, caller: &Caller, label: Option<&Label>) -> Result<Permit, RateLimited> {
        let own = caller.user.to_string();
        let label = label.map_or(own.as_str(), Label::as_str);
        let by_label = Bucket { key: format!("chat:{}:{label}", caller.user), limit: self.settings.chat };
        self.take(vec![by_label, self.by_tier(caller)]).await
    }

    /// Counts a call that reaches a model.
    ///
    /// # Errors
    /// If the limit of the user is exceeded.
    pub async fn model(&self, caller: &Caller) -> Result<Permit, RateLimited> {
        self.take(vec![self.by_tier(caller)]).await
    }

    /// Counts a registration or a sign-in from this address.
    ///
    /// # Errors
    /// If the limit of the address is exceeded.
    pub async fn sign_in(&self, address: &str) -> Result<Permit, RateLimited> {
        self.take(vec![Bucket { key: format!("sign-in:{address}"), limit: self.settings.sign_in }]).await
    }

    /// Stops counting a call that reached no model.
    pub async fn give_back(&self, permit: Permit) {
        for reservation in permit.reservations {
            if let Err(error) = self.limiter.give_back(reservation).await {
                tracing::warn!(error = %error, "a rate limit could not be given back");
            }
        }
    }

    fn by_tier(&self, caller: &Caller) -> Bucket {
        let limit = self.settings.tiers.get(&caller.tier).copied().unwrap_or(u32::MAX);
        Bucket { key: format!("model:{}", caller.user), limit }
    }

    /// Counts the call in all buckets or in none.
    async fn take(&self, buckets: Vec<Bucket>) -> Result<Permit, RateLimited> {
        let mut permit = Permit { quota: None, reservations: Vec::with_capacity(buckets.len()) };
        for bucket in buckets {
            let limit = bucket.limit;
            let decision = match self.limiter.take(bucket).await {
                Ok(decision) => decision,
                Err(error) => {
                    // A limiter that is not available must not stop the service.
                    tracing::warn!(error = %error, "a rate limit was not checked");
                    continue;
                }
            };
            let Decision { reservation, remaining, reset_after } = decision;
            let quota = Quota { limit, remaining, reset_after };
            let Some(reservation) = reservation else {
                self.give_back(permit).await;
                return Err(RateLimited { quota });
            };
            permit.reservations.push(reservation);
            if permit.quota.is_none_or(|tightest| quota.remaining < tightest.remaining) {
                permit.quota = Some(quota);
            }
        }
        Ok(permit)
    }
}
