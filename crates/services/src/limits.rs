//! Rate limits: which calls count, in which bucket, and how many may pass (C-13).

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

/// How many calls may pass in any 60 seconds.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// Calls of `POST /chat`, for each principal and label (bucket A).
    pub chat: u32,
    /// Calls that reach a model, for each principal by tier (bucket B).
    pub tiers: HashMap<Tier, u32>,
    /// Registrations and sign-ins, for each address.
    pub sign_in: u32,
}

/// Lets one call pass.
#[derive(Debug)]
pub struct Permit {
    /// The tightest of the limits that apply, for the response's headers.
    pub quota: Option<Quota>,
    reservations: Vec<Reservation>,
}

/// The state of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many calls may pass in any 60 seconds.
    pub limit: u32,
    /// How many more may pass now.
    pub remaining: u32,
    /// When the next call may pass, where none may now; else when the oldest call stops counting.
    pub reset_after: Duration,
}

/// The call came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Rate limit exceeded, try again later")]
pub struct RateLimited {
    /// The limit that it ran into.
    pub quota: Quota,
}

impl DescribeError for RateLimited {
    fn describe(&self) -> ErrorDescription {
        ErrorDescription::from(ErrorCode::RateLimitExceeded).with_retry_after(self.quota.reset_after)
    }
}

impl Limits {
    /// Limits over this limiter.
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, settings: LimitSettings) -> Self {
        Self { limiter, settings: Arc::new(settings) }
    }

    /// Lets a call of `POST /chat` pass.
    ///
    /// # Errors
    /// Where it comes too early for its label or for its principal.
    pub async fn chat(&self, caller: &Caller, label: Option<&Label>) -> Result<Permit, RateLimited> {
        let own = caller.user.to_string();
        let label = label.map_or(own.as_str(), Label::as_str);
        let by_label = Bucket { key: format!("chat:{}:{label}", caller.user), limit: self.settings.chat };
        self.take(vec![by_label, self.by_tier(caller)]).await
    }

    /// Lets a call pass that reaches a model.
    ///
    /// # Errors
    /// Where it comes too early for its principal.
    pub async fn model(&self, caller: &Caller) -> Result<Permit, RateLimited> {
        self.take(vec![self.by_tier(caller)]).await
    }

    /// Lets a registration or a sign-in from this address pass.
    ///
    /// # Errors
    /// Where it comes too early for its address.
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
                    // A limiter that is away must not stop the service.
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
