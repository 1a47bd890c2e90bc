//! omnichat-identity
