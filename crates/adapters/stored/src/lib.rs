//! omnichat-stored
