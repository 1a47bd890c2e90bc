//! Finds the installed PostgreSQL.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory with the programs of a PostgreSQL.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
}

/// The variable that names the directory of the programs. It precedes all other directories.
const VARIABLE: &str = "OMNICHAT_TEST_PG_BIN";

/// Debian installs the programs of each version in `<version>/bin` of this directory.
const DEBIAN: &str = "/usr/lib/postgresql";

impl Binaries {
    /// The directory in the variable, else Debian's newest version, else a directory of the search path.
    pub(super) fn find() -> Self {
        if let Some(directory) = env::var_os(VARIABLE) {
            let directory = PathBuf::from(directory);
            assert!(
                is_complete(&directory),
                "{VARIABLE}: no initdb, pg_ctl, postgres and psql in {}",
                directory.display()
            );
            return Self { directory };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).filter_map(|entry| {
            // `initdb` may be a link to the directory with all programs.
            fs::canonicalize(entry.join("initdb")).ok()?.parent().map(Path::to_owned)
        });
        let directory = debian_versions().into_iter().chain(on_path).find(|directory| is_complete(directory));
        Self {
            directory: directory.unwrap_or_else(|| {
                panic!(
                    "these tests need the programs of PostgreSQL (initdb, pg_ctl, postgres, psql): run \
                     scripts/setup.sh, or install Debian's package `postgresql`, or name their directory in {VARIABLE}"
                )
            }),
        }
    }
}

fn is_complete(directory: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres", "psql"].iter().all(|program| directory.join(program).is_file())
}

/// The directories of Debian's versions, newest first.
fn debian_versions() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(DEBIAN) else { return Vec::new() };
    let version = |entry: fs::DirEntry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    };
    let mut found: Vec<(u32, PathBuf)> = entries.flatten().filter_map(version).collect();
    found.sort_unstable_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, directory)| directory).collect()
}
