//! Streamed responses: a body that follows a turn and writes its events in the form of a dialect, and JSON that is too
//! long to stand in memory.

mod body;
mod chunks;
mod encoder;
mod json_writer;
mod log;
mod long_json;
mod stall;

pub(crate) use body::respond;
pub(crate) use encoder::{BodyEnd, Encoder, VisibleText, data_line};
pub(crate) use json_writer::{JsonWriter, LIST};
pub(crate) use long_json::respond_json;
pub(crate) use stall::keep_socket;
