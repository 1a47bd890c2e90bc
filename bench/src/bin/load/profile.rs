//! Profiles durable turns with `perf`.

use std::fmt::Write;
use std::path::Path;

use anyhow::ensure;
use tokio::process::Command;

use crate::report::Report;
use crate::scenarios;
use crate::targets::Target;

const SECONDS: &str = "3";
const LINES: usize = 20;

/// Adds to the report, for OmniChat on each store, the functions that take the most time.
pub(crate) async fn profile(targets: &[Target], scratch: &Path, report: &mut Report) -> anyhow::Result<()> {
    for target in targets.iter().filter(|target| target.token.is_some()) {
        for (what, pid) in ["server", "database"].into_iter().zip(&target.pids) {
            let data = scratch.join("perf.data");
            let shares = scenarios::turns_during(target, shares(what, *pid, &data)).await?;
            report
                .section(format!("What costs most in a durable turn, {}, {what}:\n\n{shares}", target.name));
        }
    }
    Ok(())
}

/// The functions that take the most time of a process, as a table.
async fn shares(what: &str, pid: u32, data: &Path) -> anyhow::Result<String> {
    let mut record = Command::new("perf");
    record.args(["record", "--quiet", "--event=cpu-clock", "--freq=999", "--output"]).arg(data);
    if what == "database" {
        // It has many processes, which come and go: all processes are recorded, and filtered below.
        record.arg("--all-cpus");
    } else {
        record.args(["--pid", &pid.to_string()]);
    }
    let recorded = record.args(["--", "sleep", SECONDS]).output().await?;
    let stderr = String::from_utf8_lossy(&recorded.stderr);
    ensure!(recorded.status.success(), "perf record failed: {stderr}");
    let mut read = Command::new("perf");
    read.args(["report", "--stdio", "--no-children", "--percent-limit=0.8", "--input"]);
    read.arg(data).args(["--field-separator", "\t", "--fields=overhead,dso,symbol"]);
    if what == "database" {
        read.arg("--comms=postgres");
    }
    let found = read.output().await?;
    let stderr = String::from_utf8_lossy(&found.stderr);
    ensure!(found.status.success(), "perf report failed: {stderr}");
    let mut table = "| share % | in | function |\n| ---: | --- | --- |\n".to_owned();
    let lines = String::from_utf8_lossy(&found.stdout).into_owned();
    // The columns are share, file and function; some machines add further ones.
    let lines = lines.lines().filter(|line| !line.starts_with('#') && line.contains('\t'));
    let mut rows: Vec<Vec<&str>> =
        lines.map(|line| line.split('\t').map(str::trim).take(3).collect()).collect();
    rows.sort_by(|one, other| share(other).total_cmp(&share(one)));
    for row in rows.into_iter().take(LINES) {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {} |", row.join(" | ").replace('%', ""));
    }
    Ok(table)
}

fn share(row: &[&str]) -> f64 {
    row.first().and_then(|share| share.trim_end_matches('%').parse().ok()).unwrap_or_default()
}
