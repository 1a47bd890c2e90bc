//! What the tests of the reader start as its child.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnichat_pdf::child_main()
}
