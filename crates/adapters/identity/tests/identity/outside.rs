//! Tokens of outside issuers: which of them pass, and what happens while their keys are away.

mod support;

mod fixed;
mod forged;
mod outage;
mod published;
mod rotation;
