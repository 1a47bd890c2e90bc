//! omnichat-http
