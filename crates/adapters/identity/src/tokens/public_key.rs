//! Public keys of outside issuers.

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, crypto};

/// The allowed length of an RSA key, in bits: shorter keys are weak, and the library refuses longer ones.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;
/// The allowed length of the exponent of an RSA key, in bits.
const EXPONENT_BITS: std::ops::RangeInclusive<usize> = 2..=32;
const ED25519_BYTES: usize = 32;

/// A public key. The kind of the key alone decides the algorithm: RS256 for RSA, ES256 for P-256, `EdDSA` for Ed25519.
#[derive(Debug, Clone)]
pub struct PublicKey {
    pub(super) decoding: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// A text or a document does not hold a usable key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM, or holds more than one item.
    #[error("must hold one public key in PEM form (`BEGIN PUBLIC KEY`)")]
    NotOnePublicKey,
    /// The key cannot be read.
    #[error("holds a key that cannot be read")]
    Unreadable(#[source] Error),
    /// The key is of another kind.
    #[error("holds a key that is neither RSA, P-256 nor Ed25519")]
    Kind,
    /// The RSA key is too short or too long.
    #[error("holds an RSA key whose length is not 2048 to 4096 bits")]
    Size,
}

impl PublicKey {
    /// The key in a PEM text: one `PUBLIC KEY` or `RSA PUBLIC KEY`.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let mut labels = text.split("-----BEGIN ").skip(1).filter_map(|rest| rest.split("-----").next());
        match (labels.next(), labels.next()) {
            (Some("PUBLIC KEY" | "RSA PUBLIC KEY"), None) => {}
            _ => return Err(KeyError::NotOnePublicKey),
        }
        let pem = text.as_bytes();
        let key = DecodingKey::from_rsa_pem(pem)
            .or_else(|_| DecodingKey::from_ec_pem(pem))
            .or_else(|_| DecodingKey::from_ed_pem(pem))
            .map_err(KeyError::Unreadable)?;
        Self::from_jwk(&Jwk::from_decoding_key(&key, None).map_err(KeyError::Unreadable)?)
    }

    /// The key in a JSON web key.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum, which may grow")]
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return Err(KeyError::Kind),
        };
        let decoding = DecodingKey::from_jwk(jwk).map_err(KeyError::Unreadable)?;
        match decoding.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                if !RSA_BITS.contains(&bits(n)) || !EXPONENT_BITS.contains(&bits(e)) {
                    return Err(KeyError::Size);
                }
            }
            // The library does not check the length itself.
            DecodingKeyKind::SecretOrDer(bytes) => {
                if algorithm == Algorithm::EdDSA && bytes.len() != ED25519_BYTES {
                    return Err(KeyError::Kind);
                }
            }
        }
        // The library checks a key only when it first verifies with it, so an empty signature is verified here.
        crypto::verify("", b"", &decoding, algorithm).map_err(KeyError::Unreadable)?;
        Ok(Self { decoding, algorithm })
    }
}

/// The length of a number in bits.
fn bits(big_endian: &[u8]) -> usize {
    let mut digits = big_endian.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    digits.count() * 8 + 8 - first.leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_number_counts_no_leading_zeros() {
        for (number, length) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[3], 2),
            (&[0, 0x80], 8),
            (&[1, 0, 1], 17),
            (&[0, 0, 0x7f, 0xff], 15),
        ] {
            assert_eq!(bits(number), length, "{number:?}");
        }
    }
}
