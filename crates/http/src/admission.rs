//! Calls that count: let in by the rate limits, or told to wait (C-13).

use domain::{Caller, Label};
use services::{Admitted, Fault, Limits, Quota, RateLimited};

use crate::error::ApiError;
use crate::extract::ClientAddress;
use crate::wire::CallHeaders;

/// A call that was let in, while nobody knows yet whether it comes to something.
pub(crate) struct Admission<'a> {
    limits: &'a Limits,
    admitted: Admitted,
}

impl<'a> Admission<'a> {
    /// Lets a call of `POST /chat` in.
    pub(crate) async fn to_chat(
        limits: &'a Limits,
        caller: &Caller,
        label: Option<&Label>,
    ) -> Result<Self, ApiError> {
        Self::of(limits, limits.chat(caller, label).await)
    }

    /// Lets any other call in that reaches a model.
    pub(crate) async fn to_model(limits: &'a Limits, caller: &Caller) -> Result<Self, ApiError> {
        Self::of(limits, limits.model(caller).await)
    }

    /// Lets a registration or a sign-in in. It counts whatever comes of it. Answers the headers that say so.
    pub(crate) async fn to_sign_in(limits: &Limits, client: &ClientAddress) -> Result<CallHeaders, ApiError> {
        let admitted = limits.sign_in(client.as_str()).await.map_err(ApiError::too_many)?;
        Ok(CallHeaders::of(admitted.quota))
    }

    fn of(limits: &'a Limits, verdict: Result<Admitted, RateLimited>) -> Result<Self, ApiError> {
        let admitted = verdict.map_err(ApiError::too_many)?;
        Ok(Self { limits, admitted })
    }

    /// What the call came to, with the headers of its answer. One that was refused before a model was reached is
    /// given back.
    pub(crate) async fn counted_if<T, E: Fault>(
        self,
        taken: Result<T, E>,
    ) -> Result<(T, CallHeaders), ApiError> {
        let Self { limits, admitted } = self;
        let quota = admitted.quota;
        match taken {
            Ok(thing) => Ok((thing, CallHeaders::of(quota))),
            Err(error) => {
                limits.give_back(admitted).await;
                Err(ApiError::from(error).with(&CallHeaders::of(quota.map(given_back))))
            }
        }
    }
}

fn given_back(quota: Quota) -> Quota {
    Quota { remaining: quota.remaining.saturating_add(1).min(quota.limit), ..quota }
}
