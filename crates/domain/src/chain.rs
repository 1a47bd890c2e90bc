//! Formats errors for the log.

use std::error::Error;

/// Returns an error and its causes on one line: `the error: its cause: the cause of that`.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
