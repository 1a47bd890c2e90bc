//! The command line of `load`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::against::{ENOUGH_ROUNDS, Plan};
use crate::history;
use crate::omnichat::Installation;

const USAGE: &str = "load --scratch DIR [--omnichat PROGRAM] [--database-url URL --database-pid PID] \
     [--profile] [--out FILE] [--against PROGRAM [--psql PROGRAM] [--rounds N] [--turns N]] \
     [--history SESSIONS [--psql PROGRAM] [--database-log FILE]]";

/// What to measure, and where to put the report.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// A directory for logs, data and the ids of processes.
    pub(crate) scratch: PathBuf,
    /// The program `omnichat`; without it, only direct calls and the floor are measured.
    omnichat: Option<PathBuf>,
    database_url: Option<String>,
    database_pid: Option<u32>,
    /// Whether to profile with `perf`.
    pub(crate) profile: bool,
    /// A file for the report.
    pub(crate) out: Option<PathBuf>,
    /// An old build of `omnichat` to compare the program with; nothing else is measured then.
    against: Option<PathBuf>,
    psql: Option<PathBuf>,
    rounds: Option<usize>,
    turns: Option<usize>,
    /// Measure pages of the history of a user with so many sessions; nothing else is measured then.
    history: Option<usize>,
    database_log: Option<PathBuf>,
}

/// The number of turns in each run of a comparison: a few seconds.
const TURNS: usize = 6_000;

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            if name == "--profile" {
                options.profile = true;
                continue;
            }
            let value = arguments.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
            match name.as_str() {
                "--scratch" => options.scratch = PathBuf::from(value),
                "--omnichat" => options.omnichat = Some(PathBuf::from(value)),
                "--database-url" => options.database_url = Some(value),
                "--database-pid" => options.database_pid = Some(value.parse()?),
                "--out" => options.out = Some(PathBuf::from(value)),
                "--against" => options.against = Some(PathBuf::from(value)),
                "--psql" => options.psql = Some(PathBuf::from(value)),
                "--rounds" => options.rounds = Some(value.parse()?),
                "--turns" => options.turns = Some(value.parse()?),
                "--history" => options.history = Some(value.parse()?),
                "--database-log" => options.database_log = Some(PathBuf::from(value)),
                _ => bail!("{name}: unknown; {USAGE}"),
            }
        }
        if options.scratch.as_os_str().is_empty()
            || options.database_url.is_some() != options.database_pid.is_some()
            || (options.against.is_some() && options.omnichat.is_none())
        {
            bail!("{USAGE}");
        }
        Ok(options)
    }

    /// The comparison, if one is asked for.
    pub(crate) fn comparison(&self) -> Option<Plan<'_>> {
        Some(Plan {
            old: self.against.as_deref()?,
            new: self.omnichat.as_deref()?,
            rounds: self.rounds.unwrap_or(ENOUGH_ROUNDS).max(1),
            turns: self.turns.unwrap_or(TURNS).max(1),
            psql: self.psql.as_deref(),
        })
    }

    /// The measure of pages of the history, if it is asked for.
    pub(crate) fn history(&self) -> Option<history::Plan<'_>> {
        Some(history::Plan {
            sessions: self.history?.max(1),
            psql: self.psql.as_deref(),
            log: self.database_log.as_deref(),
        })
    }

    /// The path of another program of the benchmark.
    pub(crate) fn beside(name: &str) -> anyhow::Result<PathBuf> {
        Ok(std::env::current_exe()?.with_file_name(name))
    }

    /// OmniChat on SQLite and, if there is a server, on PostgreSQL.
    pub(crate) fn installations(&self, provider: SocketAddr) -> Vec<Installation> {
        let Some(program) = &self.omnichat else { return Vec::new() };
        let on = |name, database| Installation {
            name,
            program: program.clone(),
            directory: self.scratch.join(name),
            provider,
            database,
        };
        let postgres = self.database_url.clone().zip(self.database_pid);
        let postgres = postgres.map(|database| on("PostgreSQL", Some(database)));
        [on("SQLite", None)].into_iter().chain(postgres).collect()
    }
}
