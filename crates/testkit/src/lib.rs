//! omnichat-testkit
