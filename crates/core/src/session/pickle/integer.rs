//! Integers of any size, between decimal digits and the bytes in which pickle keeps them.

/// An integer's bytes in two's complement, the lowest first, and as few as there can be. `digits` is what JSON
/// and `repr` write: an optional minus sign and digits.
///
/// Takes time by the square of the length; who asks has bounded that.
pub(super) fn to_bytes(digits: &str) -> Vec<u8> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    // Nine digits at a time, in words of 32 bits, the lowest first.
    let mut words: Vec<u32> = Vec::new();
    for part in digits.as_bytes().rchunks(9).rev() {
        let mut carry = part.iter().fold(0, |sum, digit| {
            sum * 10 + u64::from(digit.wrapping_sub(b'0') & 15)
        });
        for word in &mut words {
            carry += u64::from(*word) * 1_000_000_000;
            *word = low(carry);
            carry >>= 32;
        }
        words.push(low(carry));
    }
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    if negative {
        negate(&mut bytes);
    }
    // The sign stands in the highest bit.
    bytes.push(if negative && bytes.iter().any(|byte| *byte != 0) {
        0xFF
    } else {
        0
    });
    while let [.., next, last] = bytes[..] {
        if (last == 0 && next < 0x80) || (last == 0xFF && next >= 0x80) {
            bytes.pop();
        } else {
            break;
        }
    }
    if bytes == [0] {
        bytes.clear();
    }
    bytes
}

/// The decimal digits of such bytes, however many of them only repeat the sign.
///
/// Takes time by the square of the length; who asks has bounded that.
pub(super) fn to_digits(bytes: &[u8]) -> String {
    let negative = bytes.last().is_some_and(|last| *last >= 0x80);
    let mut magnitude = bytes.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    let mut words: Vec<u32> = magnitude
        .chunks(4)
        .map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        })
        .collect();
    let mut parts = Vec::new();
    while !words.is_empty() {
        let mut rest = 0_u64;
        for word in words.iter_mut().rev() {
            rest = (rest << 32) + u64::from(*word);
            *word = low(rest / 1_000_000_000);
            rest %= 1_000_000_000;
        }
        parts.push(rest);
        while words.last() == Some(&0) {
            words.pop();
        }
    }
    let mut digits = String::from(if negative { "-" } else { "" });
    let mut parts = parts.iter().rev();
    digits.push_str(&parts.next().unwrap_or(&0).to_string());
    for part in parts {
        digits.push_str(&format!("{part:09}"));
    }
    digits
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
const fn low(number: u64) -> u32 {
    number as u32
}

/// The two's complement: every bit turned, and one more.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes {
        let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
        *byte = sum;
        carry = over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_python_s() {
        // `pickle.encode_long` of each.
        let rows: [(&str, &[u8]); 17] = [
            ("0", b""),
            ("-0", b""),
            ("1", b"\x01"),
            ("-1", b"\xff"),
            ("127", b"\x7f"),
            ("128", b"\x80\x00"),
            ("255", b"\xff\x00"),
            ("-128", b"\x80"),
            ("-129", b"\x7f\xff"),
            ("-256", b"\x00\xff"),
            ("32767", b"\xff\x7f"),
            ("-32768", b"\x00\x80"),
            ("4294967296", b"\x00\x00\x00\x00\x01"),
            ("-4294967296", b"\x00\x00\x00\x00\xff"),
            ("1000000000000000000", b"\x00\x00\x64\xa7\xb3\xb6\xe0\x0d"),
            ("9223372036854775808", b"\0\0\0\0\0\0\0\x80\0"),
            ("-9223372036854775808", b"\0\0\0\0\0\0\0\x80"),
        ];
        for (digits, bytes) in rows {
            assert_eq!(to_bytes(digits), bytes, "{digits}");
            let back = to_digits(bytes);
            assert_eq!(back, if digits == "-0" { "0" } else { digits });
        }
    }

    #[test]
    fn bytes_that_only_repeat_the_sign_change_nothing() {
        assert_eq!(to_digits(b"\x01\0\0\0\0\0\0\0\0"), "1");
        assert_eq!(to_digits(&[0xFF; 40]), "-1");
        assert_eq!(to_digits(&[0; 40]), "0");
    }

    #[test]
    fn every_size_comes_back() {
        for length in 1..=300 {
            for digits in ["9".repeat(length), format!("1{}", "0".repeat(length))] {
                assert_eq!(to_digits(&to_bytes(&digits)), digits);
                let negative = format!("-{digits}");
                assert_eq!(to_digits(&to_bytes(&negative)), negative);
            }
        }
        let longest = "8".repeat(4300);
        assert_eq!(to_digits(&to_bytes(&longest)), longest);
    }
}
