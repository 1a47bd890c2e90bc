//! The reader with its real child program, and with scripts in its place that misbehave.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod children;
mod fixtures;
mod font_files;
mod fonts;
mod forms;
mod hostile;
mod layout;
mod ordinary;
mod support;
