//! omnichat-demo
