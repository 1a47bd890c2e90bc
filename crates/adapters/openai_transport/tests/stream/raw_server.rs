//! A server that sends the same bytes to every client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Pieces of an answer, and the pause before each.
pub(crate) type Pieces = Vec<(Duration, Vec<u8>)>;

pub(crate) struct RawServer {
    pub(crate) base_url: String,
    calls: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) async fn start(pieces: Pieces) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(connection, pieces.clone()));
            }
        });
        Self { base_url, calls }
    }

    /// The number of connections. Each one is used for several calls, unless a response closes it.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn answer(mut connection: TcpStream, pieces: Pieces) {
    let mut request = vec![0; 64 * 1024];
    let keeps_alive = pieces.iter().any(|(_, piece)| piece.ends_with(b"\r\n0\r\n\r\n"));
    while connection.read(&mut request).await.is_ok_and(|read| read > 0) {
        for (pause, piece) in &pieces {
            tokio::time::sleep(*pause).await;
            if connection.write_all(piece).await.is_err() {
                return;
            }
        }
        if !keeps_alive {
            break;
        }
    }
    // A clean end, even if the client has not sent everything.
    let _closed = connection.shutdown().await;
    let _rest = connection.read(&mut request).await;
}
