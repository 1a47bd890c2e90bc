//! Stops reading chunked request bodies that the handler does not read to their end.
//!
//! When the payload of a chunked request is dropped, `actix-http` 3.20 reads and discards the rest of it, so that the
//! connection can be used again. There is no limit to how much it reads (actix/actix-web#2972; the pull request #3936
//! that added this says so too). If the payload still exists when the response ends, it closes the connection within a
//! second instead (#3967, #3985). So the payload is kept until then.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// Keeps the payload of a request until its response has ended.
pub(super) struct PayloadGuard(Option<Rc<RefCell<Payload>>>);

impl PayloadGuard {
    /// Keeps the payload if it is chunked. One with a `Content-Length` is bounded by it.
    pub(super) fn new(request: &mut ServiceRequest) -> Self {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return Self(None);
        }
        let payload = Rc::new(RefCell::new(request.take_payload()));
        request.set_payload(Payload::Stream { payload: Box::pin(SharedPayload(Rc::clone(&payload))) });
        Self(Some(payload))
    }

    /// Wraps the response body, so that the payload is kept until the body ends.
    pub(super) fn attach_to(self, body: BoxBody) -> BoxBody {
        match self.0 {
            Some(payload) => BoxBody::new(GuardedBody { body, _payload: payload }),
            None => body,
        }
    }
}

/// The payload that the handler reads.
struct SharedPayload(Rc<RefCell<Payload>>);

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

/// A response body that keeps the payload of its request.
struct GuardedBody {
    body: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for GuardedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
