//! The child program of the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnichat_pdf::child_main()
}
