//! omnichat-openai
