//! pgbouncer in front of a PostgreSQL server.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::owner::Owner;
use super::{PostgresServer, SUPERUSER, new_directory};
use crate::free_port;

/// A pgbouncer for all databases of a server. It ends when it is dropped, and also when the process ends in any way.
#[derive(Debug)]
pub struct PgBouncer {
    server: &'static PostgresServer,
    directory: PathBuf,
    port: u16,
    keeper: Child,
}

/// When pgbouncer gives a client another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// Never.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement; transactions of several statements are refused.
    Statement,
}

impl PoolMode {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

impl PgBouncer {
    /// Starts a pgbouncer with its own default settings and these lines of its configuration, and waits until it accepts
    /// connections.
    #[must_use]
    pub fn start(server: &'static PostgresServer, mode: PoolMode, settings: &str) -> Self {
        let program = find();
        let owner = Owner::find();
        let directory = new_directory(&owner);
        let port = free_port();
        fs::write(directory.join("users.txt"), format!("\"{SUPERUSER}\" \"\"\n")).unwrap();
        write_configuration(&directory, server.port, port, mode, settings);
        let keeper = keeper(&program, owner, &directory);
        let pooler = Self { server, directory, port, keeper };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "pgbouncer does not start: {}", pooler.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        pooler
    }

    /// The address of a database of the server, through the pooler.
    #[must_use]
    pub fn url(&self, database_url: &str) -> String {
        let (_, database) = database_url.rsplit_once('/').expect("an address with a database");
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Changes its configuration while it runs.
    pub fn reload(&self, mode: PoolMode, settings: &str) {
        write_configuration(&self.directory, self.server.port, self.port, mode, settings);
        self.server.sql(&self.url("/pgbouncer"), "RELOAD");
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // The keeper ends it when its input is closed.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn find() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Ordinary accounts do not have Debian's directory for it in their search path.
    let directories = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = directories.map(|directory| directory.join("pgbouncer")).find(|program| program.is_file());
    found.expect("these tests need pgbouncer: run scripts/setup.sh, or install Debian's package `pgbouncer`")
}

fn write_configuration(directory: &Path, server_port: u16, port: u16, mode: PoolMode, settings: &str) {
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {directory}/users.txt\n\
         admin_users = {SUPERUSER}\nlogfile = {directory}/log\npool_mode = {mode}\n{settings}\n",
        directory = directory.display(),
        mode = mode.name(),
    );
    fs::write(directory.join("pgbouncer.ini"), text).unwrap();
}

/// Starts a child process that runs pgbouncer, and at the end of its input ends it and deletes its directory. Only the
/// test process holds the other end of the input open.
fn keeper(program: &Path, owner: Owner, directory: &Path) -> Child {
    const SCRIPT: &str = r#"
        trap '' INT TERM HUP
        "$1" --quiet "$2/pgbouncer.ini" < /dev/null &
        cat > /dev/null
        kill -KILL $!
        wait
        rm -rf "$2"
    "#;
    let mut command = owner.command(Path::new("/bin/sh"), Path::new("/"));
    command.args(["-c", SCRIPT, "keeper"]).arg(program).arg(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A Ctrl-C in the terminal of the tests does not reach another process group.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().expect("/bin/sh runs")
}
