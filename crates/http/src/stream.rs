//! Streamed answers: a body that listens to a turn and writes its events in a dialect's bytes.

mod body;
mod encoder;
mod piece;
mod stall;

pub(crate) use body::{as_events, as_text};
pub(crate) use encoder::{Encoder, Finish, VisibleText, data_line};
pub(crate) use stall::keep_socket;
