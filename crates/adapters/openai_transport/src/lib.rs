//! Carries OpenAI-style calls: POST, server-sent events, timeouts.
