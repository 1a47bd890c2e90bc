//! Reads HTTP/1.1 messages from a kept-alive connection.

use std::io::{self, ErrorKind};

use httparse::{Header, Status};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const HEADERS: usize = 32;
const READ_BYTES: usize = 16 * 1024;

/// A socket, and the bytes that were read from it and are not used yet.
#[derive(Debug)]
pub struct Incoming {
    /// The socket. The caller writes to it directly.
    pub stream: TcpStream,
    unused: Vec<u8>,
    used: usize,
}

/// The start line and headers of a message, as far as they are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// A request's path; empty for a response.
    pub path: String,
    /// A response's status; 0 for a request.
    pub status: u16,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
}

impl Incoming {
    /// Reads from this socket, with Nagle's algorithm off.
    ///
    /// # Errors
    /// If the socket refuses the option.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, unused: Vec::new(), used: 0 })
    }

    /// The head of the next request; `None` if the peer has closed the connection.
    ///
    /// # Errors
    /// If reading fails, or the bytes are not HTTP.
    pub async fn request(&mut self) -> io::Result<Option<Head>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            if let Status::Complete(length) = request.parse(self.rest()).map_err(broken)? {
                let path = request.path.unwrap_or_default().to_owned();
                let head = Head { path, status: 0, body: body_of(request.headers)? };
                self.used += length;
                return Ok(Some(head));
            }
            if self.rest().is_empty() {
                if self.read().await? == 0 {
                    return Ok(None);
                }
            } else {
                self.read_more().await?;
            }
        }
    }

    /// The head of the response.
    ///
    /// # Errors
    /// If reading fails, the bytes are not HTTP, or the peer closes the connection first.
    pub async fn response(&mut self) -> io::Result<Head> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            if let Status::Complete(length) = response.parse(self.rest()).map_err(broken)? {
                let status = response.code.unwrap_or_default();
                let head = Head { path: String::new(), status, body: body_of(response.headers)? };
                self.used += length;
                return Ok(head);
            }
            self.read_more().await?;
        }
    }

    /// Appends the next piece of a body to `into`: the whole body if its length is known, else one chunk. Returns
    /// whether more follows.
    ///
    /// # Errors
    /// If reading fails, or the connection ends before the body.
    pub async fn piece(&mut self, head: &Head, into: &mut Vec<u8>) -> io::Result<bool> {
        match head.body {
            Body::Length(length) => {
                self.wait_for(length).await?;
                into.extend_from_slice(&self.rest()[..length]);
                self.used += length;
                Ok(false)
            }
            Body::Chunked => {
                let (line, size) = loop {
                    match httparse::parse_chunk_size(self.rest()).map_err(broken)? {
                        Status::Complete((line, size)) => break (line, size as usize),
                        Status::Partial => self.read_more().await?,
                    }
                };
                self.wait_for(line + size + 2).await?;
                into.extend_from_slice(&self.rest()[line..line + size]);
                self.used += line + size + 2;
                Ok(size > 0)
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.unused[self.used..]
    }

    async fn wait_for(&mut self, length: usize) -> io::Result<()> {
        while self.rest().len() < length {
            self.read_more().await?;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.read().await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    async fn read(&mut self) -> io::Result<usize> {
        if self.used > 0 {
            self.unused.drain(..self.used);
            self.used = 0;
        }
        self.unused.reserve(READ_BYTES);
        self.stream.read_buf(&mut self.unused).await
    }
}

fn body_of(headers: &[Header<'_>]) -> io::Result<Body> {
    let mut body = Body::Length(0);
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(header.value).ok().and_then(|value| value.parse().ok());
            body = Body::Length(length.ok_or(ErrorKind::InvalidData)?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Body::Chunked);
        }
    }
    Ok(body)
}

fn broken<E: std::fmt::Debug>(error: E) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("not HTTP/1.1: {error:?}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Incoming, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, server) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (Incoming::new(client.unwrap()).unwrap(), server.unwrap().0)
    }

    #[tokio::test]
    async fn a_chunked_answer_is_read_however_it_is_cut() {
        let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        for cut in 1..wire.len() {
            let (mut incoming, mut peer) = pair().await;
            let writing = async {
                peer.write_all(&wire[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                peer.write_all(&wire[cut..]).await.unwrap();
            };
            let reading = async {
                let head = incoming.response().await.unwrap();
                let mut body = Vec::new();
                while incoming.piece(&head, &mut body).await.unwrap() {}
                (head.status, body)
            };
            let ((), read) = tokio::join!(writing, reading);
            assert_eq!(read, (200, b"abc0123456789abcdef".to_vec()), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn requests_follow_one_another_until_the_peer_closes() {
        let (mut incoming, mut peer) = pair().await;
        let request = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
        peer.write_all(&[request.as_slice(), request].concat()).await.unwrap();
        drop(peer);
        for _ in 0..2 {
            let head = incoming.request().await.unwrap().unwrap();
            let mut body = Vec::new();
            assert!(!incoming.piece(&head, &mut body).await.unwrap());
            assert_eq!((head.path.as_str(), body.as_slice()), ("/a", b"hi".as_slice()));
        }
        assert_eq!(incoming.request().await.unwrap(), None);
    }
}
