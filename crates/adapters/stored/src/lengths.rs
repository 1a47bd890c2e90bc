//! Lengths of deltas as LEB128: seven bits a byte, low bits first, the high bit set where more bytes follow.

use crate::StoredError;

const MORE: u8 = 0x80;

/// Writes lengths, in bytes of UTF-8. One below 128 takes one byte.
#[must_use]
pub fn lengths_to_bytes(lengths: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for mut rest in lengths {
        while let Some(next) = Some(rest >> 7).filter(|next| *next > 0) {
            bytes.push(low_bits(rest) | MORE);
            rest = next;
        }
        bytes.push(low_bits(rest));
    }
    bytes
}

/// Reads lengths.
///
/// # Errors
/// [`StoredError::Lengths`] where the bytes break off, or a length is beyond 32 bits.
pub fn lengths_from_bytes(bytes: &[u8]) -> Result<Vec<u32>, StoredError> {
    let mut lengths = Vec::with_capacity(bytes.len());
    let mut length: u64 = 0;
    let mut shift: u32 = 0;
    for byte in bytes {
        length |= u64::from(byte & !MORE) << shift;
        if byte & MORE == 0 {
            lengths.push(u32::try_from(length).map_err(|_| StoredError::Lengths)?);
            length = 0;
            shift = 0;
        } else {
            shift += 7;
        }
        // Five bytes hold 32 bits; a sixth is an error.
        if shift > 28 {
            return Err(StoredError::Lengths);
        }
    }
    if shift > 0 {
        return Err(StoredError::Lengths);
    }
    Ok(lengths)
}

fn low_bits(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low & !MORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_size_come_back() {
        let lengths = [1, 5, 127, 128, 300, 16_383, 16_384, 2_097_151, 268_435_455, 268_435_456, u32::MAX, 0];
        let bytes = lengths_to_bytes(lengths.into_iter());
        assert_eq!(lengths_from_bytes(&bytes).unwrap(), lengths);
    }

    #[test]
    fn the_bytes_are_those_of_the_first_version() {
        assert_eq!(lengths_to_bytes([1, 127, 128, 300].into_iter()), [0x01, 0x7f, 0x80, 0x01, 0xac, 0x02]);
    }

    #[test]
    fn ordinary_deltas_take_one_byte_each() {
        assert_eq!(lengths_to_bytes(std::iter::repeat_n(5, 1_000)).len(), 1_000);
    }

    #[test]
    fn bytes_that_break_off_are_an_error() {
        assert!(matches!(lengths_from_bytes(&[0x05, 0x80]), Err(StoredError::Lengths)));
    }

    #[test]
    fn a_length_beyond_32_bits_is_an_error() {
        assert!(matches!(lengths_from_bytes(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(StoredError::Lengths)));
        assert!(matches!(lengths_from_bytes(&[0x80; 9]), Err(StoredError::Lengths)));
    }
}
