//! omnichat-local
