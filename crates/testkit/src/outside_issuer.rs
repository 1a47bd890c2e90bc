//! An outside issuer of tokens: private keys, and a server that publishes public ones.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A private RSA key of 2048 bits, in PEM form. It is public knowledge.
pub const RSA_KEY: &str = include_str!("outside_issuer/rsa.pem");
/// A private P-256 key, in PEM form. It is public knowledge.
pub const P256_KEY: &str = include_str!("outside_issuer/p256.pem");
/// A private Ed25519 key, in PEM form. It is public knowledge.
pub const ED25519_KEY: &str = include_str!("outside_issuer/ed25519.pem");

/// The responses of a key server.
#[derive(Debug, Clone)]
pub enum Published {
    /// This key set, with status 200.
    Keys(Value),
    /// This status and body.
    Answer(u16, String),
    /// Status 302, to this address.
    MovedTo(String),
    /// Nothing: the connection stays open.
    Silence,
}

/// A server that publishes keys on 127.0.0.1 and counts its calls. It ends when it is dropped.
pub struct KeyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    answer: Mutex<Published>,
    calls: AtomicUsize,
    /// A permit for each response that may be sent.
    gate: Semaphore,
}

impl KeyServer {
    /// Starts a server with this key set, on a free port.
    pub async fn start(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(Published::Keys(keys)),
            calls: AtomicUsize::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let for_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&for_task)));
            }
        });
        Self { address, shared, task }
    }

    /// The address of the key set.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// Changes the response.
    pub fn publish(&self, answer: Published) {
        *self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// The number of calls so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// Holds responses back until [`KeyServer::let_through`].
    pub fn hold(&self) {
        self.shared.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Sends the responses that were held back, and all later ones.
    pub fn let_through(&self) {
        self.shared.gate.add_permits(Semaphore::MAX_PERMITS - self.shared.gate.available_permits());
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, shared: Arc<Shared>) {
    let (mut head, mut part) = (Vec::new(), [0; 4_096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&part[..length]),
        }
    }
    shared.calls.fetch_add(1, Ordering::SeqCst);
    let _held = shared.gate.acquire().await;
    let answer = shared.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, location, body) = match answer {
        Published::Keys(keys) => (200, String::new(), keys.to_string()),
        Published::Answer(status, body) => (status, String::new(), body),
        Published::MovedTo(address) => (302, format!("Location: {address}\r\n"), String::new()),
        Published::Silence => return std::future::pending().await,
    };
    let head = format!(
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n{location}Connection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let _ = stream.shutdown().await;
}
