//! The account that runs a server, because PostgreSQL refuses to run as root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run;

/// The account that runs the server; `None` is that of the test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner(Option<(u32, u32)>);

impl Owner {
    /// The test's account; if that is root, the account `postgres`, or else `nobody`.
    pub(super) fn find() -> Self {
        if id(&["-u"]) != Some(0) {
            return Self(None);
        }
        let account = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        Self(Some(account.expect("root needs an account `postgres` or `nobody` to run PostgreSQL as")))
    }

    /// A program that runs as this account, in a directory that the account can enter.
    pub(super) fn command(self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command.current_dir(directory).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let known = Command::new("id").args(arguments).output().ok().filter(|output| output.status.success());
    known.map(|_| run(Command::new("id").args(arguments)))?.parse().ok()
}
