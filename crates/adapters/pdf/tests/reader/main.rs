//! The reader with its real child, and with children that misbehave.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod children;
mod hostile;
mod ordinary;
mod support;
