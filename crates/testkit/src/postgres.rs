//! A PostgreSQL server that lives as long as its test process.

mod binaries;
mod owner;
mod pgbouncer;

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::free_port;
use binaries::Binaries;
use owner::Owner;

pub use pgbouncer::{PgBouncer, PoolMode};

/// The account that owns every database of the server; it needs no password.
const SUPERUSER: &str = "omnichat";

/// Who may sign in and how. `guarded` and `rejected` are for tests that create these accounts.
const SIGN_IN_RULES: &str = "\
host all guarded all scram-sha-256
host all rejected all reject
host all all all trust
";

/// The database that [`PostgresServer::migrated_database`] copies.
const TEMPLATE: &str = "migrated";

/// The server. Its directory is deleted when it is dropped, and also when the process ends in any way.
#[derive(Debug)]
pub struct PostgresServer {
    binaries: Binaries,
    owner: Owner,
    directory: PathBuf,
    port: u16,
    is_durable: bool,
    databases: AtomicU32,
    template: OnceCell<()>,
    cleaner: Child,
}

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub struct PostgresOptions {
    is_durable: bool,
}

impl PostgresOptions {
    /// Without waiting for the disk, for tests that do not stop the server hard.
    #[must_use]
    pub fn fast(self) -> Self {
        Self { is_durable: false }
    }

    /// Starts the server, and waits until it accepts connections.
    #[must_use]
    pub fn start(self) -> PostgresServer {
        PostgresServer::start_with(self)
    }
}

impl PostgresServer {
    /// A separate server, with PostgreSQL's default settings for durability.
    #[must_use]
    pub fn options() -> PostgresOptions {
        PostgresOptions { is_durable: true }
    }

    /// The server that all tests of this process share. The first caller starts it, without waiting for the disk.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::options().fast().start())
    }

    /// The address of a new, empty database.
    pub async fn database(&self) -> String {
        let name = self.new_name();
        self.create(&name, "").await;
        self.url(&name)
    }

    /// The address of a new database that is a copy of a migrated one.
    ///
    /// For the first caller, `migrate` gets the address of the copied database and migrates it. It must leave no
    /// connection open. All callers of a process must migrate in the same way.
    pub async fn migrated_database(&self, migrate: impl AsyncFnOnce(String)) -> String {
        let make = async || {
            self.create(TEMPLATE, "").await;
            migrate(self.url(TEMPLATE)).await;
        };
        self.template.get_or_init(make).await;
        let name = self.new_name();
        self.create(&name, &format!("TEMPLATE {TEMPLATE}")).await;
        self.url(&name)
    }

    /// Runs SQL in a database of this server; the rows as text.
    pub fn sql(&self, url: &str, sql: &str) -> String {
        run(&mut self.psql(url, sql))
    }

    /// The address of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The address of a database of this server at `::1`, in the place of `127.0.0.1`.
    ///
    /// # Panics
    /// If this machine has no `::1`.
    #[must_use]
    pub fn over_ipv6(&self, url: &str) -> String {
        let found = TcpStream::connect((Ipv6Addr::LOCALHOST, self.port));
        assert!(
            found.is_ok(),
            "PostgreSQL is not reached at [::1]; this test needs IPv6 on the loopback: {found:?}"
        );
        url.replace("127.0.0.1", "[::1]")
    }

    /// Stops the server like a power cut: without a checkpoint, and with connections cut.
    pub fn stop_hard(&self) {
        run(self.pg_ctl("stop").args(["--mode=immediate", "--wait"]));
    }

    /// Kills one connection's process by force. The server then closes all connections and recovers, by itself; waits until
    /// it has.
    pub fn crash(&self) {
        let url = self.url("postgres");
        // A crash throws the statistics away.
        let recovered = "SELECT stats_reset FROM pg_stat_bgwriter";
        let before = self.sql(&url, recovered);
        let process = "SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
            AND pid <> pg_backend_pid()";
        let process = self.sql(&url, process);
        run(self.owner.command(Path::new("kill"), &self.directory).args(["-KILL", &process]));
        let start = Instant::now();
        loop {
            let output = self.psql(&url, recovered).output().expect("psql runs");
            if output.status.success() && String::from_utf8_lossy(&output.stdout).trim_end() != before {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "PostgreSQL does not recover: {output:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts the server again, on the same port and data.
    pub fn start_again(&self) {
        self.try_to_start().expect("the server starts again");
    }

    /// Has every statement of every connection written into the server's log from now on.
    pub fn log_statements(&self) {
        let url = self.url("postgres");
        self.sql(&url, "ALTER SYSTEM SET log_statement = 'all'");
        self.sql(&url, "SELECT pg_reload_conf()");
    }

    /// How many statements are in the server's log.
    #[must_use]
    pub fn logged_statements(&self) -> usize {
        let log = fs::read(self.log()).expect("the log can be read");
        let lines = log.split(|byte| *byte == b'\n');
        let is_statement = |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            line.contains(" LOG:  execute ") || line.contains(" LOG:  statement: ")
        };
        lines.filter(|line| is_statement(line)).count()
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn new_name(&self) -> String {
        format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn create(&self, database: &str, like: &str) {
        let mut command = tokio::process::Command::from(
            self.psql("postgres", &format!("CREATE DATABASE {database} {like}")),
        );
        let output = command.output().await.expect("psql runs");
        assert!(
            output.status.success(),
            "CREATE DATABASE failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn start_with(options: PostgresOptions) -> Self {
        let binaries = Binaries::find();
        let owner = Owner::find();
        let directory = new_directory(&owner);
        let cleaner = cleaner(&binaries, &owner, &directory);
        let mut server = Self {
            binaries,
            owner,
            directory,
            port: 0,
            is_durable: options.is_durable,
            databases: AtomicU32::new(0),
            template: OnceCell::new(),
            cleaner,
        };
        server.make_cluster();
        // Another process may take the port before the server does.
        let mut failure = String::new();
        for _ in 0..5 {
            server.port = free_port();
            match server.try_to_start() {
                Ok(()) => return server,
                Err(reason) => failure = reason,
            }
        }
        panic!("PostgreSQL does not start: {failure}");
    }

    fn make_cluster(&self) {
        let mut initdb = self.owner.command(&self.binaries.directory.join("initdb"), &self.directory);
        initdb.arg("--pgdata").arg(self.data());
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        initdb.args(["--username", SUPERUSER]);
        run(&mut initdb);
        fs::write(self.data().join("pg_hba.conf"), SIGN_IN_RULES)
            .expect("the cluster's files can be changed");
    }

    fn try_to_start(&self) -> Result<(), String> {
        let mut settings = format!(
            "-c listen_addresses=127.0.0.1,::1 -c port={} -c unix_socket_directories= -c max_connections=400",
            self.port
        );
        if !self.is_durable {
            settings.push_str(" -c fsync=off -c synchronous_commit=off -c full_page_writes=off");
        }
        let log = self.log();
        let output = self
            .pg_ctl("start")
            .args(["--wait", "--timeout=60"])
            .arg("--log")
            .arg(&log)
            .arg("--options")
            .arg(settings)
            .output()
            .expect("pg_ctl runs");
        if output.status.success() {
            return Ok(());
        }
        Err(fs::read_to_string(&log).unwrap_or_default())
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.owner.command(&self.binaries.directory.join("pg_ctl"), &self.directory);
        command.arg(action).arg("--pgdata").arg(self.data());
        command
    }

    /// psql with one statement, in a database that is given by name or address.
    fn psql(&self, database: &str, sql: &str) -> Command {
        let url = if database.contains("://") { database.to_owned() } else { self.url(database) };
        let mut command = Command::new(self.binaries.directory.join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.args(["--set=ON_ERROR_STOP=1", "--dbname", &url, "--command", sql]);
        command.stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // The cleaner begins when its input is closed.
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

/// Starts a child process that outlives the test process, stops the server and deletes its directory.
///
/// Tests end by `exit`, by a signal or by a panic, so that destructors may not run. The child reads a pipe that only the
/// test process holds open, and begins when the pipe ends.
fn cleaner(binaries: &Binaries, owner: &Owner, directory: &Path) -> Child {
    const SCRIPT: &str = r#"
        trap '' INT TERM HUP
        cat > /dev/null
        "$1" stop --pgdata "$2/data" --mode=immediate --wait --silent
        rm -rf "$2"
    "#;
    let mut command = owner.command(Path::new("/bin/sh"), Path::new("/"));
    command.args(["-c", SCRIPT, "cleaner"]).arg(binaries.directory.join("pg_ctl")).arg(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A Ctrl-C in the terminal of the tests does not reach another process group.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().expect("/bin/sh runs")
}

fn new_directory(owner: &Owner) -> PathBuf {
    let name = format!("omnichat-postgres-{}", uuid::Uuid::new_v4().simple());
    let directory = std::env::temp_dir().join(name);
    run(owner.command(Path::new("mkdir"), Path::new("/")).args(["-m", "700"]).arg(&directory));
    directory
}

/// Runs a program to its end; its output.
fn run(command: &mut Command) -> String {
    let start = Instant::now();
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed after {:?}: {}",
        start.elapsed().max(Duration::from_millis(1)),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
