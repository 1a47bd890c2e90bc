//! Both decoders, with recorded events and the special cases of both APIs.

mod chat;
mod responses;
mod support;
