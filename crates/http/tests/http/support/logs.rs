//! The log lines of this process, for tests to look into.

use std::io;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use serde_json::Value;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps the log lines from now on. Servers run in their own threads, so it is the subscriber of the whole process.
static CAPTURE: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt().json().with_writer(|| Sink).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
});

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn capture() {
    LazyLock::force(&CAPTURE);
}

/// The first line of this request that has this field, as its fields and its span. Waits for it for a while.
pub async fn line(request_id: &str, field: &str) -> Value {
    for _ in 0..3_000 {
        let lines = String::from_utf8(LINES.lock().unwrap().clone()).unwrap();
        let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found =
            lines.find(|line| line["span"]["request.id"] == request_id && !line["fields"][field].is_null());
        if let Some(found) = found {
            return found["fields"].clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("request {request_id} has no line with {field}");
}
