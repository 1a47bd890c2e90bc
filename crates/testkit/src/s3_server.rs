//! An S3 server that lives as long as its test process: moto, a Python package. It does not check signatures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// Some signed header: without one, the server does not show private objects. It does not check the signature.
const ANYONE: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=anyone/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// The server. It ends when it is dropped, and also when the process ends in any way.
#[derive(Debug)]
pub struct S3Server {
    process: Mutex<Child>,
    port: u16,
    buckets: AtomicU32,
}

impl S3Server {
    /// Starts a separate server, and waits until it is ready.
    #[must_use]
    pub fn start() -> Self {
        let mut process = python()
            .args(["-c", include_str!("../s3_server/serve.py")])
            // The server ends at the end of its input, which this process holds open.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output is a pipe")).read_line(&mut line).unwrap();
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("the S3 server does not start: see its output above"));
        Self { process: Mutex::new(process), port, buckets: AtomicU32::new(0) }
    }

    /// The server that all tests of this process share. The first caller starts it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<S3Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address, without a path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The name of a new, empty bucket. Its region is `us-east-1`.
    #[must_use]
    pub fn bucket(&self) -> String {
        let name = format!("bucket-{}", self.buckets.fetch_add(1, Ordering::Relaxed) + 1);
        let (status, _) = self.request("PUT", &format!("/{name}"));
        assert_eq!(status, 200, "no bucket can be made");
        name
    }

    /// The bytes of an object, if it exists.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let (status, body) = self.request("GET", &format!("/{bucket}/{key}"));
        assert!([200, 404].contains(&status), "reading {key} answered {status}");
        (status == 200).then_some(body)
    }

    /// Ends the server at once. Its port refuses connections from then on.
    pub fn stop(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().expect("the server is ours to end");
        process.wait().unwrap();
    }

    fn request(&self, method: &str, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the S3 server listens");
        let host = format!("127.0.0.1:{}", self.port);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{ANYONE}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP answer");
        let status = std::str::from_utf8(&answer[..end]).unwrap().split(' ').nth(1).unwrap();
        (status.parse().unwrap(), answer[end + 4..].to_vec())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap();
        // It may have been stopped already.
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Python with the packages of the server and botocore, whose signatures are compared with ours.
#[must_use]
pub fn python() -> Command {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/s3-server-venv");
    let python: PathBuf = packages.join("bin/python");
    assert!(python.exists(), "the Python packages of the S3 server are missing: run scripts/setup.sh");
    let mut command = Command::new(python);
    // The tests must not use accounts of this machine.
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "*");
    command
}
