//! omnichat-openrouter
