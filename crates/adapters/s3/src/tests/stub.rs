//! A server that gives the same answer to every request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A request as it was received.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// Names are in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name).unwrap();
        value
    }
}

/// The server.
pub(super) struct Stub {
    pub(super) endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Stub {
    /// Answers every request with these bytes; with `None` it never answers.
    pub(super) fn saying(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        // It ends with the process of the tests.
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = read(&stream) else { continue };
                log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                match answer {
                    Some(answer) => drop((&stream).write_all(answer.as_bytes())),
                    None => unanswered.push(stream),
                }
            }
        });
        Self { endpoint, received }
    }

    /// A status with a body of one line, as a store gives it.
    pub(super) fn answering(status: &str, body: &str) -> Self {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        Self::saying(Some(answer.leak()))
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request with its body; `None` where the client left.
fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&length| length != 0)?;
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let (first, headers) = lines.split_first()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(Ok(0), |(_, length)| length.parse()).ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, target, headers, body })
}
