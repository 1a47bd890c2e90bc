//! Bodies in chunks that nobody reads to their end.
//!
//! Where the reader of such a body is gone, the framework takes what is left of it, however long that is, to keep the
//! connection. Where the reader is still there when the answer ends, it closes the connection within a second.

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

/// A hold on the body of a request.
pub(crate) struct HeldBody(Option<Rc<RefCell<Payload>>>);

impl HeldBody {
    /// Takes hold of a body that comes in chunks; others end by themselves.
    pub(crate) fn of(request: &mut ServiceRequest) -> Self {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return Self(None);
        }
        let held = Rc::new(RefCell::new(request.take_payload()));
        request.set_payload(Payload::Stream { payload: Box::pin(Shared(Rc::clone(&held))) });
        Self(Some(held))
    }

    /// Holds it until the answer has ended.
    pub(crate) fn until_end_of(self, answer: BoxBody) -> BoxBody {
        match self.0 {
            Some(held) => BoxBody::new(Holding { answer, _held: held }),
            None => answer,
        }
    }
}

/// The body for its reader.
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

/// An answer that holds the body of its request.
struct Holding {
    answer: BoxBody,
    _held: Rc<RefCell<Payload>>,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
