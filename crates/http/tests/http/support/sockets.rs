//! A server on a free port, and a client that sees every byte.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use omnichat_http::{HttpSettings, Services};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Serves until the test ends.
pub async fn serve(settings: HttpSettings, services: Services) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let settings = HttpSettings { workers: Some(1), ..settings };
    let server = omnichat_http::server(settings, services, vec![listener]).unwrap();
    actix_web::rt::spawn(server);
    address
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    to: SocketAddr,
    from: SocketAddr,
    seen: Vec<u8>,
}

/// How long a client waits for bytes.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Client {
    pub async fn send(address: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let from = stream.local_addr().unwrap();
        Self { stream, to: address, from, seen: Vec::new() }
    }

    /// A GET, or a POST with JSON, by user 1.
    pub async fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Self::send(address, &head).await
    }

    /// Reads until the response contains this text, and returns all of it so far.
    pub async fn until(&mut self, text: &str) -> String {
        while !self.text().contains(text) {
            assert!(self.read().await, "closed before {text:?}: {}", self.text());
        }
        self.text()
    }

    /// Reads until the server closes the connection, and returns the response.
    pub async fn until_closed(&mut self) -> String {
        while self.read().await {}
        self.text()
    }

    /// Closes the client's side of the connection, as a closed tab does.
    pub async fn hang_up(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether the server has closed its side, according to the kernel. Reading or writing would change what is tested.
    pub fn is_closed_by_server(&self) -> bool {
        let port = |address: SocketAddr| format!(":{:04X}", address.port());
        let (server, client) = (port(self.to), port(self.from));
        let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        // Established, or closed only by the client.
        let is_open = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields[1].ends_with(&server) && fields[2].ends_with(&client) && matches!(fields[3], "01" | "08")
        };
        !sockets.lines().skip(1).any(is_open)
    }

    /// Waits until the server has closed its side, for at most `patience`.
    pub async fn is_closed_within(&self, patience: Duration) {
        let closed = async {
            while !self.is_closed_by_server() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(patience, closed).await.expect("the server closes the connection in time");
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    async fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        let count = read.expect("no bytes in time").unwrap_or(0);
        self.seen.extend_from_slice(&buffer[..count]);
        count > 0
    }
}

/// The chunks of a body, and whether it has its last, empty one.
pub fn chunks(answer: &str) -> (Vec<&str>, bool) {
    let (_, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    let mut chunks = Vec::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (chunks, true);
        }
        let (chunk, tail) = tail.split_at(size);
        chunks.push(chunk);
        rest = &tail[2..];
    }
    (chunks, false)
}
