//! A network between a client and a server that can fall silent.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The network. Connections to its address reach the server, until it falls silent: then nothing arrives any more, and no
/// connection is closed. What was sent meanwhile arrives when it speaks again, as TCP would send it again.
#[derive(Debug)]
pub struct Network {
    address: SocketAddr,
    is_silent: watch::Sender<bool>,
    delay: watch::Sender<Duration>,
}

impl Network {
    /// A network to the server at this address.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_silent, silence) = watch::channel(false);
        let (delay, slowness) = watch::channel(Duration::ZERO);
        // It ends with the runtime of its test.
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (silence, slowness) = (silence.clone(), slowness.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::spawn(forward(from_client, to_server, silence.clone(), slowness.clone()));
                    forward(from_server, to_client, silence, slowness).await;
                });
            }
        });
        Self { address, is_silent, delay }
    }

    /// The same network, in which everything arrives so much later.
    #[must_use]
    pub fn slowed_by(self, delay: Duration) -> Self {
        self.delay.send_replace(delay);
        self
    }

    /// Where clients find it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing through any more.
    pub fn fall_silent(&self) {
        self.is_silent.send_replace(true);
    }

    /// Lets everything through again.
    pub fn speak_again(&self) {
        self.is_silent.send_replace(false);
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut silence: watch::Receiver<bool>,
    slowness: watch::Receiver<Duration>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let delay = *slowness.borrow();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        // The end of a connection does not arrive either.
        if silence.wait_for(|is_silent| !is_silent).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
