//! Public keys that outside issuers sign with.

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, crypto};

/// How long an RSA key may be, in bits: shorter ones are weak, longer ones are not computed with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;
/// How long the exponent of an RSA key may be, in bits.
const EXPONENT_BITS: std::ops::RangeInclusive<usize> = 2..=32;
const ED25519_BYTES: usize = 32;

/// A public key. Its kind says how it signs, and nothing else does: RSA is RS256, P-256 is
/// ES256, Ed25519 is `EdDSA`.
#[derive(Debug, Clone)]
pub struct PublicKey {
    pub(super) decoding: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// A text or a document that holds no key to be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM text, or holds several things.
    #[error("must hold one public key in PEM form (`BEGIN PUBLIC KEY`)")]
    NotOnePublicKey,
    /// The key cannot be read.
    #[error("holds a key that cannot be read")]
    Unreadable(#[source] Error),
    /// Nothing that we know is signed with such a key.
    #[error("holds a key that is neither RSA, P-256 nor Ed25519")]
    Kind,
    /// The RSA key is too short, or too long.
    #[error("holds an RSA key that has not 2048 to 4096 bits")]
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

    /// The key in a published document.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the library's kinds, which may become more")]
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
            // The library takes it for granted that so many are there.
            DecodingKeyKind::SecretOrDer(bytes) => {
                if algorithm == Algorithm::EdDSA && bytes.len() != ED25519_BYTES {
                    return Err(KeyError::Kind);
                }
            }
        }
        // No signature is this one. It is tried because the library looks at a key when it first works with it.
        crypto::verify("", b"", &decoding, algorithm).map_err(KeyError::Unreadable)?;
        Ok(Self { decoding, algorithm })
    }
}

/// The length of a number.
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
