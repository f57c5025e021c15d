//! Django's base 62: how timestamps are written (`django.core.signing.b62_encode`).

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Appends `number` without padding, a minus sign before negative ones.
pub(super) fn encode(number: i64, text: &mut String) {
    if number < 0 {
        text.push('-');
    }
    let mut rest = number.unsigned_abs();
    let mut digits = [0; 11];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = ALPHABET[(rest % 62) as usize];
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

/// Reads what [`encode`] writes; `None` for anything else, and for numbers beyond 64 bits.
pub(super) fn decode(text: &str) -> Option<i64> {
    let (digits, sign) = text
        .strip_prefix('-')
        .map_or((text, 1), |digits| (digits, -1));
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0_i64, |number, digit| {
        number
            .checked_mul(62)?
            .checked_add(sign * i64::from(value(digit)?))
    })
}

/// A digit's place in the alphabet.
const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        b'a'..=b'z' => Some(digit - b'a' + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(number: i64) -> String {
        let mut text = String::new();
        encode(number, &mut text);
        text
    }

    #[test]
    fn each_digit_has_its_place_in_the_alphabet() {
        for digit in 0..=u8::MAX {
            let place = ALPHABET.iter().position(|symbol| *symbol == digit);
            assert_eq!(value(digit).map(usize::from), place);
        }
    }

    #[test]
    fn numbers_are_written_as_django_writes_them() {
        let rows = [
            (0, "0"),
            (9, "9"),
            (10, "A"),
            (61, "z"),
            (62, "10"),
            (1_700_000_000, "1r31eq"),
            (-62, "-10"),
        ];
        for (number, text) in rows {
            assert_eq!(encoded(number), text);
            assert_eq!(decode(text), Some(number));
        }
        for number in [i64::MAX, i64::MIN] {
            assert_eq!(decode(&encoded(number)), Some(number));
        }
    }

    #[test]
    fn garbage_is_no_number() {
        for text in ["", "-", "a_b", "é", " 1", "zzzzzzzzzzzz", "--1"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
