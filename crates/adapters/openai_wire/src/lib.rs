//! omnichat-openai-wire
