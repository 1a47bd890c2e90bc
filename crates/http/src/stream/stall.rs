//! Closes the connections of clients that neither read their stream nor close it.
//!
//! `actix-http` 3.20 does not do so. It polls a response body only while its write buffer has room
//! (`h1_write_buffer_size`, added by actix/actix-web#3986), and it has timeouts for request headers, idle connections and
//! shutdown, but none for writing: its maintainers leave all timeouts after the headers to the application (#928). So
//! while a client does not read, the body is not polled and cannot end itself. A separate task has to watch it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt;
use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::chunks::{Chunks, CutOff};
use super::log::{StreamEnd, StreamLog};

/// A second handle of a connection's socket. It is the only way to close the connection from outside the server.
struct Socket(Rc<TcpStream>);

/// Keeps a handle of the socket of each connection, for as long as the connection lives.
pub(crate) fn keep_socket(connection: &dyn Any, kept: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<rt::net::TcpStream>() else { return };
    if let Ok(handle) = stream.as_fd().try_clone_to_owned() {
        kept.insert(Socket(Rc::new(TcpStream::from(handle))));
    }
}

/// A body that is cut off when the client does not read it.
pub(super) struct StallGuard {
    shared: Rc<Shared>,
    watch: JoinHandle<()>,
}

struct Shared {
    /// `None` once the client has stalled: dropping the chunks frees what they hold, such as the turn's log.
    chunks: RefCell<Option<Chunks>>,
    /// When the server took the last chunk, if it has not asked for another one since.
    taken_at: Cell<Option<Instant>>,
    log: Rc<StreamLog>,
}

impl StallGuard {
    /// A body that may be left unread for as long as `limit`.
    pub(super) fn new(chunks: Chunks, limit: Duration, request: &HttpRequest, log: Rc<StreamLog>) -> Self {
        let shared = Rc::new(Shared { chunks: RefCell::new(Some(chunks)), taken_at: Cell::new(None), log });
        let socket = request.conn_data::<Socket>().map(|socket| Rc::downgrade(&socket.0));
        // Not a tracked task of the service: it belongs to the connection, and ends with it.
        let watch = rt::spawn(watch(Rc::downgrade(&shared), limit, socket.unwrap_or_default()));
        Self { shared, watch }
    }
}

impl Drop for StallGuard {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Stream for StallGuard {
    type Item = Result<Bytes, CutOff>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let shared = &self.shared;
        shared.taken_at.set(None);
        let mut chunks = shared.chunks.borrow_mut();
        let Some(chunks) = chunks.as_mut() else { return Poll::Ready(Some(Err(CutOff))) };
        let polled = chunks.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            shared.taken_at.set(Some(Instant::now()));
        }
        polled
    }
}

impl Shared {
    fn is_stalled(&self, limit: Duration) -> bool {
        self.taken_at.get().is_some_and(|at| at.elapsed() >= limit)
    }
}

async fn watch(body: Weak<Shared>, limit: Duration, socket: Weak<TcpStream>) {
    loop {
        tokio::time::sleep(limit / 4).await;
        let Some(body) = body.upgrade() else { return };
        if body.is_stalled(limit) {
            body.log.end(StreamEnd::Stalled);
            drop(body.chunks.take());
            if let Some(socket) = socket.upgrade() {
                // Fails only if the connection is already closed.
                let _ = socket.shutdown(Shutdown::Both);
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures_util::{StreamExt, stream};

    use super::*;

    fn guard(chunks: impl Stream<Item = Result<Bytes, CutOff>> + 'static) -> StallGuard {
        let request = TestRequest::default().to_http_request();
        let log = Rc::new(StreamLog::new(&request, None));
        StallGuard::new(Box::pin(chunks), Duration::from_mins(1), &request, log)
    }

    /// A body of two chunks that holds `held` until it is dropped.
    fn body(held: &Rc<()>) -> StallGuard {
        let held = Rc::clone(held);
        let chunks = stream::iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        guard(chunks.inspect(move |_| assert!(Rc::strong_count(&held) > 1)))
    }

    #[actix_web::test]
    async fn an_unread_stream_is_dropped() {
        tokio::time::pause();
        let held = Rc::new(());
        let mut body = body(&held);
        assert!(body.next().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert_eq!(Rc::strong_count(&held), 2);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(Rc::strong_count(&held), 1);
        assert!(body.next().await.unwrap().is_err());
    }

    #[actix_web::test]
    async fn a_stream_without_events_that_is_read_is_kept() {
        tokio::time::pause();
        let mut body = guard(stream::pending());
        let waited = tokio::time::timeout(Duration::from_mins(5), body.next()).await;
        assert!(waited.is_err());
        assert!(body.shared.chunks.borrow().is_some());
    }

    #[actix_web::test]
    async fn a_dropped_stream_ends_its_watch() {
        let held = Rc::new(());
        let body = body(&held);
        let watch = body.watch.abort_handle();
        drop(body);
        assert_eq!(Rc::strong_count(&held), 1);
        tokio::task::yield_now().await;
        assert!(watch.is_finished());
    }
}
