//! omnichat-services
