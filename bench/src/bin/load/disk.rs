//! Measures a synced write to the disk. A durable turn waits for two of them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// A page, which is written in place to a file that has its full size already, as databases do.
const PAGE: [u8; 8192] = [7; 8192];
const PAGES: u64 = 256;

/// The median time of a synced write, in milliseconds, at this rate: the disk is idle between two writes, as it is at
/// the same rate of turns.
pub(crate) async fn synced_write(directory: &Path, per_second: u32, time: Duration) -> anyhow::Result<f64> {
    let path = directory.join("synced");
    let file = File::create(&path)?;
    for page in 0..PAGES {
        file.write_all_at(&PAGE, page * PAGE.len() as u64)?;
    }
    file.sync_all()?;
    let mut times = Vec::new();
    let mut clock = interval(Duration::from_secs(1) / per_second);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let writes = time.as_secs() * u64::from(per_second);
    for page in 0..writes {
        clock.tick().await;
        let file = file.try_clone()?;
        let took = spawn_blocking(move || {
            let start = Instant::now();
            file.write_all_at(&PAGE, page % PAGES * PAGE.len() as u64)?;
            file.sync_data()?;
            anyhow::Ok(start.elapsed())
        });
        times.push(took.await??);
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(median.as_secs_f64() * 1e3)
}
