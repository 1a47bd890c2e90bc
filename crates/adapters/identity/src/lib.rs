//! Access tokens and password hashes.

mod passwords;
mod secret;
mod tokens;

pub use passwords::Argon2Hasher;
pub use secret::new_secret;
pub use tokens::{
    IssuerError, JwtIdentity, KeyError, OWN_ISSUER, OutsideIssuer, OutsideKeys, PublicKey, SHARED,
    TokenSettings,
};
