//! Both decoders over recorded frames, every trap of the wires among them.

mod chat;
mod responses;
mod support;
