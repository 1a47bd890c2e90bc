//! What the programs of the benchmark share: the models that the fake provider speaks as, and HTTP's framing.

pub mod framing;
pub mod models;
