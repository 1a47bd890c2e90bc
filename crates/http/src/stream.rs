//! Streamed responses: a body that follows a turn and writes its events in the form of a dialect.

mod body;
mod chunks;
mod encoder;
mod log;
mod stall;

pub(crate) use body::respond;
pub(crate) use encoder::{BodyEnd, Encoder, VisibleText, data_line};
pub(crate) use stall::keep_socket;
