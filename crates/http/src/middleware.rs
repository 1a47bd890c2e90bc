//! What stands between the server and the handlers, from the outside in: [`request_context`] around all routes, [`cors`]
//! inside it, and [`authenticate`] around each route.

pub(crate) mod authenticate;
pub(crate) mod cors;
mod drain_body;
pub(crate) mod request_context;
