//! Fields that hold sizes and prices.

use crate::lines::{Mismatch, number, quote};

/// Reads a size that is not zero.
pub(crate) fn size(field: &[u8]) -> Result<u64, Mismatch> {
    let expected = "a size of at least 1";
    match number(field, expected)? {
        0 => Err(Mismatch::new(expected, quote(field))),
        size => Ok(size),
    }
}

/// Reads a decimal number of at most `decimals` decimals, as a count of the last decimal's unit.
pub(crate) fn decimal(
    field: &[u8],
    decimals: u32,
    expected: &'static str,
) -> Result<i64, Mismatch> {
    scaled(field, decimals).ok_or_else(|| Mismatch::new(expected, quote(field)))
}

fn scaled(field: &[u8], decimals: u32) -> Option<i64> {
    let text = std::str::from_utf8(field).ok()?;
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let missing = decimals.checked_sub(u32::try_from(part.len()).ok()?)?;
    let part = part.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(missing)?)?;
    whole.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(decimals)?)?.checked_add(part)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_64_bits_but_not_zero() {
        assert_eq!(size(b"18446744073709551615"), Ok(u64::MAX));
        for field in [&b"0"[..], b"-5", b"18446744073709551616"] {
            let mismatch = size(field).unwrap_err();
            assert_eq!(mismatch.expected, "a size of at least 1");
            assert_eq!(mismatch.found, quote(field));
        }
    }

    #[test]
    fn decimals_become_whole_units() {
        for (field, cents) in [(&b"236.47"[..], 23_647), (b"236.4", 23_640), (b"236", 23_600)] {
            assert_eq!(decimal(field, 2, "a price"), Ok(cents));
        }
        for field in [
            &b""[..],
            b".",
            b"1.",
            b".5",
            b"-1.00",
            b"+1.00",
            b"1.234",
            b"1.2.3",
            b"1e3",
            b"92233720368547758.08",
            b"1.\xff",
        ] {
            assert!(decimal(field, 2, "a price").is_err(), "{field:?}");
        }
    }
}
