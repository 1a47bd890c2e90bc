//! Calls that count against a rate limit (C-13).

use domain::{Caller, Label};
use services::{DescribeError, Limits, Permit, Quota, RateLimited};

use crate::error::ApiError;
use crate::extract::ClientAddress;
use crate::wire::CallHeaders;

/// A call that its rate limits allow. Whether it counts is decided by [`PendingCall::settle`].
pub(crate) struct PendingCall<'a> {
    limits: &'a Limits,
    permit: Permit,
}

impl<'a> PendingCall<'a> {
    /// A call of `POST /chat`.
    pub(crate) async fn chat(
        limits: &'a Limits,
        caller: &Caller,
        label: Option<&Label>,
    ) -> Result<Self, ApiError> {
        Self::new(limits, limits.chat(caller, label).await)
    }

    /// Any other call that asks a model.
    pub(crate) async fn model(limits: &'a Limits, caller: &Caller) -> Result<Self, ApiError> {
        Self::new(limits, limits.model(caller).await)
    }

    fn new(limits: &'a Limits, permit: Result<Permit, RateLimited>) -> Result<Self, ApiError> {
        let permit = permit.map_err(ApiError::too_many)?;
        Ok(Self { limits, permit })
    }

    /// Returns the result of the call with the headers of its response. A call that failed before it reached a model
    /// does not count: its permit is given back.
    pub(crate) async fn settle<T, E: DescribeError>(
        self,
        result: Result<T, E>,
    ) -> Result<(T, CallHeaders), ApiError> {
        let Self { limits, permit } = self;
        let quota = permit.quota;
        match result {
            Ok(value) => Ok((value, CallHeaders::new(quota))),
            Err(error) => {
                limits.give_back(permit).await;
                Err(ApiError::from(error).with_headers(&CallHeaders::new(quota.map(with_one_more))))
            }
        }
    }
}

/// Checks the limit of registrations and sign-ins, which count even if they fail. Returns the headers of the response.
pub(crate) async fn sign_in(limits: &Limits, client: &ClientAddress) -> Result<CallHeaders, ApiError> {
    let permit = limits.sign_in(client.as_str()).await.map_err(ApiError::too_many)?;
    Ok(CallHeaders::new(permit.quota))
}

fn with_one_more(quota: Quota) -> Quota {
    Quota { remaining: quota.remaining.saturating_add(1).min(quota.limit), ..quota }
}
