//! The child program of the tests. With an argument it does what a document could make it do, confined as ever.
#![expect(clippy::panic, reason = "that is what it is for")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitCode};
use std::{env, thread};

use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    let action: fn() = match env::args().nth(1).as_deref() {
        None => return omnichat_pdf::child_main(),
        Some("attempts") => return attempts(),
        Some("panic") => || panic!("a defect"),
        Some("abort") => || process::abort(),
        Some("overflow") => || {
            black_box(overflow(0));
        },
        Some("memory") => || drop(black_box(vec![1_u8; 1 << 30])),
        Some(other) => panic!("{other}"),
    };
    omnichat_pdf::confine().map_or_else(|error| panic!("{error}"), |()| action());
    ExitCode::FAILURE
}

/// Writes to standard error how each attempt ended.
fn attempts() -> ExitCode {
    let mut zero = File::open("/dev/zero").unwrap_or_else(|error| panic!("{error}"));
    omnichat_pdf::confine().unwrap_or_else(|error| panic!("{error}"));
    let attempts: [(&str, io::Result<()>); 11] = [
        ("read", zero.read(&mut [0]).map(drop)),
        ("open", File::open("/dev/null").map(drop)),
        ("list", fs::read_dir("/").map(drop)),
        ("remove", fs::remove_file("/tmp/omnichat-pdf-absent")),
        ("tcp", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("udp", UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("unix", UnixDatagram::unbound().map(drop)),
        ("start", Command::new("/bin/true").spawn().map(drop)),
        ("execute", Err(Command::new("/bin/true").exec())),
        ("thread", thread::Builder::new().spawn(|| ()).map(drop)),
        ("signal", kill_process(getpid(), Signal::CONT).map_err(io::Error::from)),
    ];
    for (name, ended) in attempts {
        eprintln!("{name}: {:?}", ended.map_err(|error| error.raw_os_error()));
    }
    ExitCode::SUCCESS
}

#[expect(unconditional_recursion, reason = "it ends with the stack")]
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    overflow(depth + 1) + frame.iter().sum::<u64>()
}
