//! The middleware, from the outside in: [`request_context`] around the application, [`cors`] inside it, and
//! [`authenticate`] around each endpoint.

pub(crate) mod authenticate;
pub(crate) mod cors;
pub(crate) mod request_context;
mod unread_body;
