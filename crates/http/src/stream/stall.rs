//! Lets go of clients that neither read nor close.
//!
//! Once its buffer is full the server polls a body no more, and times nobody out.

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

use super::piece::{Cut, Pieces};

/// A second handle on a connection's socket: the only way to close it from outside.
struct Socket(Rc<TcpStream>);

/// Keeps a handle on the socket of each connection, for as long as the connection lives.
pub(crate) fn keep_socket(connection: &dyn Any, kept: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<rt::net::TcpStream>() else { return };
    if let Ok(handle) = stream.as_fd().try_clone_to_owned() {
        kept.insert(Socket(Rc::new(TcpStream::from(handle))));
    }
}

/// A body under a watch.
pub(super) struct StallGuard {
    shared: Rc<Shared>,
    watch: JoinHandle<()>,
}

struct Shared {
    /// Taken away when the client is let go: with it goes the turn's log.
    pieces: RefCell<Option<Pieces>>,
    /// When the last piece was handed over, if the server has not asked again since.
    handed_over: Cell<Option<Instant>>,
}

impl StallGuard {
    /// A body that may be left unread for as long as `limit`.
    pub(super) fn new(pieces: Pieces, limit: Duration, request: &HttpRequest) -> Self {
        let shared = Rc::new(Shared { pieces: RefCell::new(Some(pieces)), handed_over: Cell::new(None) });
        let socket = request.conn_data::<Socket>().map(|socket| Rc::downgrade(&socket.0));
        // Not a task of the service's: it belongs to the connection and ends with it.
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
    type Item = Result<Bytes, Cut>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let shared = &self.shared;
        shared.handed_over.set(None);
        let mut slot = shared.pieces.borrow_mut();
        let Some(pieces) = slot.as_mut() else { return Poll::Ready(Some(Err(Cut))) };
        let polled = pieces.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            shared.handed_over.set(Some(Instant::now()));
        }
        polled
    }
}

impl Shared {
    fn is_stalled(&self, limit: Duration) -> bool {
        self.handed_over.get().is_some_and(|at| at.elapsed() >= limit)
    }
}

async fn watch(body: Weak<Shared>, limit: Duration, socket: Weak<TcpStream>) {
    loop {
        tokio::time::sleep(limit / 4).await;
        let Some(body) = body.upgrade() else { return };
        if body.is_stalled(limit) {
            tracing::debug!("a client has left its stream unread, and is let go");
            drop(body.pieces.take());
            if let Some(socket) = socket.upgrade() {
                // Fails only where the connection is gone already.
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

    /// A body of two pieces that tells when it is dropped.
    fn body(told: &Rc<()>) -> StallGuard {
        let kept = Rc::clone(told);
        let pieces = stream::iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        let pieces = pieces.inspect(move |_| assert!(Rc::strong_count(&kept) > 1));
        let request = TestRequest::default().to_http_request();
        StallGuard::new(Box::pin(pieces), Duration::from_mins(1), &request)
    }

    #[actix_web::test]
    async fn an_unread_stream_is_let_go() {
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
    async fn a_silent_stream_that_is_read_is_kept() {
        tokio::time::pause();
        let request = TestRequest::default().to_http_request();
        let pending = Box::pin(stream::pending());
        let mut body = StallGuard::new(pending, Duration::from_mins(1), &request);
        let waited = tokio::time::timeout(Duration::from_mins(5), body.next()).await;
        assert!(waited.is_err());
        assert!(body.shared.pieces.borrow().is_some());
    }

    #[actix_web::test]
    async fn a_dropped_stream_leaves_nothing_behind() {
        let held = Rc::new(());
        let body = body(&held);
        let watch = body.watch.abort_handle();
        drop(body);
        assert_eq!(Rc::strong_count(&held), 1);
        tokio::task::yield_now().await;
        assert!(watch.is_finished());
    }
}
