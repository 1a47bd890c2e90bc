//! omnichat-sqlite
