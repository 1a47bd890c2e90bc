//! omnichat-postgres
