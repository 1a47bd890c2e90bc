//! Errors as the log tells them.

use std::error::Error;

/// An error and what caused it, on one line: `this: because of that: because of this`.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
