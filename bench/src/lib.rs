//! What the programs of the benchmark share: the models of the fake provider, and the reading of HTTP messages.

pub mod framing;
pub mod models;
