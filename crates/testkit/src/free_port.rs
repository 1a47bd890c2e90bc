//! Ports for servers that must be told one before they start.

use std::fs;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Below it are the ports of well-known services.
const FIRST: u16 = 10_000;

/// The first port that Linux gives to outgoing connections, unless it says otherwise.
const FIRST_EPHEMERAL: u16 = 32_768;

/// A port of 127.0.0.1 that nothing listens on.
///
/// The kernel gives it to no outgoing connection and to no server that asks for any port, and this process gives it
/// out once: so it is still free when its server takes it, and when that server is started again.
///
/// # Panics
/// Where all ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static PORTS: OnceLock<Vec<u16>> = OnceLock::new();
    let ports = PORTS.get_or_init(|| {
        let mut ports: Vec<u16> = (FIRST..first_ephemeral()).collect();
        // Processes that run at the same time begin at different ports.
        let start = std::process::id() as usize * 997 % ports.len();
        ports.rotate_left(start);
        ports
    });
    let candidates = std::iter::repeat_with(|| ports[NEXT.fetch_add(1, Ordering::Relaxed) % ports.len()]);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(ports.len()).find(is_free).expect("a free port of 127.0.0.1")
}

fn first_ephemeral() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    first.unwrap_or(FIRST_EPHEMERAL).max(FIRST + 1_000)
}
