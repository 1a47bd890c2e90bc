//! Tokens of outside issuers: which of them pass, also while their keys cannot be fetched.

mod support;

mod fixed;
mod forged;
mod outage;
mod published;
mod rotation;
