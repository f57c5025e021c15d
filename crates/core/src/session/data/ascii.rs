//! JSON strings and numbers in exactly the form that Python's JSON writer gives them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

use super::ValueError;

/// The content of a JSON string literal, without its quotes, as Python writes it: ASCII only.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if are_literal(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        push_escaped(character, &mut escaped);
    }
    Cow::Owned(escaped)
}

/// Undoes [`escaped`]; a lone surrogate becomes U+FFFD.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let units: Vec<u16> = units(text).collect();
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// A valid string content in UTF-8, with lone surrogates as Python's `surrogatepass` writes them.
pub(in crate::session) fn to_wtf8(raw: &str) -> Cow<'_, [u8]> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw.as_bytes());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    for unit in char::decode_utf16(units(raw)) {
        match unit {
            Ok(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => bytes.extend(surrogate_bytes(lone.unpaired_surrogate())),
        }
    }
    Cow::Owned(bytes)
}

/// A lone surrogate in such a text: three bytes, as for any other character of its size.
pub(in crate::session) const fn surrogate_bytes(surrogate: u16) -> [u8; 3] {
    let [high, low] = surrogate.to_be_bytes();
    [0xED, 0x80 + high % 16 * 4 + low / 64, 0x80 + low % 64]
}

/// Adds a text in UTF-8 or with lone surrogates as a string's content. Other bytes are left out.
pub(in crate::session) fn push_wtf8(bytes: &[u8], text: &mut String) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let literal = literal_prefix(rest);
        // These are ASCII, so nothing is ever left out here.
        text.push_str(str::from_utf8(&rest[..literal]).unwrap_or_default());
        if literal == rest.len() {
            return;
        }
        let (valid, error) = match str::from_utf8(&rest[literal..]) {
            Ok(valid) => (valid, None),
            Err(error) => {
                let (valid, _) = rest[literal..].split_at(error.valid_up_to());
                (str::from_utf8(valid).unwrap_or_default(), Some(error))
            }
        };
        for character in valid.chars() {
            push_escaped(character, text);
        }
        let after = &rest[literal + valid.len()..];
        rest = match (error, after) {
            (None, _) => return,
            (Some(_), [0xED, middle @ 0xA0..=0xBF, last @ 0x80..=0xBF, after @ ..]) => {
                let unit = 0xD000 + u16::from(middle % 64) * 64 + u16::from(last % 64);
                push_unit(unit, text);
                after
            }
            (Some(_), [_, after @ ..]) => after,
            (Some(_), []) => return,
        };
    }
}

/// A number as Python's JSON writer writes it, with the words that JSON has not.
pub(in crate::session) fn float_text(number: f64) -> String {
    match number {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ if number.is_nan() => "NaN".to_owned(),
        _ => finite(number),
    }
}

/// How long the JSON string is with which `text` begins, its quotes included. All of `text` if it does not end.
pub(in crate::session) fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += literal_prefix(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// The same string content written as Python writes it. `raw` must be valid and ASCII.
pub(super) fn normal_form(raw: &str) -> Cow<'_, str> {
    if are_literal(raw) {
        return Cow::Borrowed(raw);
    }
    let mut normal = String::with_capacity(raw.len());
    for unit in units(raw) {
        push_unit(unit, &mut normal);
    }
    if normal == raw {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(normal)
    }
}

/// Text of these bytes with every one beyond ASCII as the escape of the Latin-1 character it is.
pub(super) fn from_latin1(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            push_unit(u16::from(*byte), &mut text);
        }
    }
    text
}

/// JSON text with every character beyond ASCII as its escape. Such a character can only stand in a string.
pub(crate) fn from_text(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            push_escaped(character, &mut text);
        }
    }
    text
}

/// A text as a JSON string.
pub(crate) fn text(text: &str) -> String {
    ["\"", &escaped(text), "\""].concat()
}

/// A value as Python's `json.dumps(value, separators=(",", ":"))` writes it.
///
/// # Errors
/// The value's own serializer fails, or a map's key is no text.
pub(crate) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String, ValueError> {
    let mut bytes = Vec::with_capacity(32);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, PythonFormatter);
    value
        .serialize(&mut serializer)
        .map_err(|_| ValueError::Unwritable)?;
    String::from_utf8(bytes).map_err(|_| ValueError::Unwritable)
}

/// True for what stands for itself in a string.
const fn is_literal(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// True if every byte is literal.
fn are_literal(text: &str) -> bool {
    literal_prefix(text.as_bytes()) == text.len()
}

/// How many bytes from the first on are literal. It looks at eight at once, because most of a session is strings.
pub(super) fn literal_prefix(bytes: &[u8]) -> usize {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // The high bit of each byte that is zero. Borrowing makes this wrong only above the first such byte.
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(each(1)) & !word
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(each(b' ')) & !word;
        let others =
            zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\')) | zeros(word ^ each(0x7F));
        let stops = (controls | others | word) & each(0x80);
        if stops != 0 {
            return number * 8 + stops.trailing_zeros() as usize / 8;
        }
    }
    let last = rest.iter().take_while(|byte| is_literal(**byte)).count();
    words.len() * 8 + last
}

fn push_escaped(character: char, text: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        push_unit(*unit, text);
    }
}

fn push_unit(unit: u16, text: &mut String) {
    match u8::try_from(unit) {
        Ok(b'"') => text.push_str("\\\""),
        Ok(b'\\') => text.push_str("\\\\"),
        Ok(0x08) => text.push_str("\\b"),
        Ok(b'\t') => text.push_str("\\t"),
        Ok(b'\n') => text.push_str("\\n"),
        Ok(0x0c) => text.push_str("\\f"),
        Ok(b'\r') => text.push_str("\\r"),
        Ok(byte) if is_literal(byte) => text.push(char::from(byte)),
        // Writing to a String cannot fail.
        _ => drop(write!(text, "\\u{unit:04x}")),
    }
}

/// The UTF-16 units of a valid, ASCII string content.
fn units(raw: &str) -> impl Iterator<Item = u16> + '_ {
    let mut rest = raw.bytes();
    std::iter::from_fn(move || {
        let byte = rest.next()?;
        if byte != b'\\' {
            return Some(u16::from(byte));
        }
        Some(match rest.next()? {
            b'b' => 0x08,
            b't' => 0x09,
            b'n' => 0x0a,
            b'f' => 0x0c,
            b'r' => 0x0d,
            b'u' => {
                let digits = [rest.next()?, rest.next()?, rest.next()?, rest.next()?];
                digits
                    .iter()
                    .fold(0, |unit, digit| unit << 4 | hexadecimal(*digit))
            }
            other => u16::from(other),
        })
    })
}

fn hexadecimal(digit: u8) -> u16 {
    u16::from(match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => digit.wrapping_sub(b'0') & 15,
    })
}

/// Writes JSON without spaces, in ASCII, with Python's form of floating-point numbers.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(escaped(fragment).as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let character = match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        };
        writer.write_all(escaped(character.encode_utf8(&mut [0; 4])).as_bytes())
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        writer.write_all(float(&format!("{value:e}")).as_bytes())
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(finite(value).as_bytes())
    }
}

/// Python's `repr` of a finite number.
fn finite(number: f64) -> String {
    float(&even(number, format!("{number:e}")))
}

/// Of two shortest forms that are equally near to a number Python takes the one that ends with an even digit, and Rust
/// the greater one. What lies in such a middle has one binary place more than the forms have decimal ones, so its own
/// digits end with 25 or 75, and only a 3 in the place of that 25 is odd.
fn even(value: f64, scientific: String) -> String {
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let Some(before) = digits.strip_suffix('3') else {
        return scientific;
    };
    // The number lies in the middle if a 5 follows the lower one's digits, and then nothing. So many zeros decide:
    // no number of 53 bits is nearer to a decimal one of seventeen digits without being it.
    let places = digits
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let exact = format!("{value:.*e}", places + 25);
    let middle = format!("{before}25{}e{exponent}", "0".repeat(24));
    let lower = format!("{before}2e{exponent}");
    if exact == middle && lower.parse() == Ok(value) {
        lower
    } else {
        scientific
    }
}

/// Python's `repr` of a finite number given in Rust's shortest scientific form (`-1.25e-7`).
fn float(scientific: &str) -> String {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |digits| ("-", digits));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        return format!("{sign}{digits}e{exponent:+03}");
    }
    let digits = digits.replace('.', "");
    let places = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        format!("{sign}0.{}{digits}", "0".repeat(zeros))
    } else if digits.len() <= places {
        format!("{sign}{digits}{}.0", "0".repeat(places - digits.len()))
    } else {
        format!("{sign}{}.{}", &digits[..places], &digits[places..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_as_python_writes_them() {
        let text = "a\"\\/\u{8}\t\n\u{c}\r\u{1}\u{7f}é’😀";
        let json = r#""a\"\\/\b\t\n\f\r\u0001\u007f\u00e9\u2019\ud83d\ude00""#;
        assert_eq!(to_json(text).unwrap(), json);
        assert_eq!(super::text(text), json);
        assert_eq!(format!("\"{}\"", escaped(text)), json);
        assert_eq!(unescaped(&escaped(text)), text);
    }

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let rows: [(f64, &str); 22] = [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1.5, "1.5"),
            (100.0, "100.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (123_456_789.125, "123456789.125"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (-1e300, "-1e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            // Numbers in the middle of two shortest forms.
            (888_300_243_081_081.2, "888300243081081.2"),
            (-888_300_243_081_081.2, "-888300243081081.2"),
            (888_300_243_081_081.8, "888300243081081.8"),
            (9_007_199_254_740_993_000.0, "9.007199254740993e+18"),
            (9e12 + 0.0625, "9000000000000.062"),
            // In the middle too, but the lower form is another number, for the step down from a power of two is half.
            (2_f64.powi(-24), "5.960464477539063e-08"),
        ];
        for (number, text) in rows {
            assert_eq!(to_json(&number).unwrap(), text);
            assert_eq!(float_text(number), text);
        }
        assert_eq!(float_text(f64::NAN), "NaN");
        assert_eq!(float_text(f64::INFINITY), "Infinity");
        assert_eq!(float_text(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(to_json(&(0.1_f32, 1e16_f32)).unwrap(), "[0.1,1e+16]");
        assert_eq!(
            to_json(&(1, true, None::<u8>, "x")).unwrap(),
            r#"[1,true,null,"x"]"#
        );
    }

    #[test]
    fn a_map_with_keys_that_are_no_text_is_unwritable() {
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert_eq!(to_json(&map), Err(ValueError::Unwritable));
    }

    #[test]
    fn the_normal_form_is_the_same_string() {
        for (raw, normal) in [
            (r"\u0061", "a"),
            (r"\/", "/"),
            (r"\uD800", r"\ud800"),
            (r"\u000A", r"\n"),
            ("~", "~"),
        ] {
            assert_eq!(normal_form(raw), normal);
            assert!(matches!(normal_form(normal), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn lone_surrogates_have_the_bytes_that_python_passes() {
        // `encode("utf-8", "surrogatepass")` of each.
        let rows: [(&str, &[u8]); 7] = [
            (r"\ud800", b"\xed\xa0\x80"),
            (r"\ud83d", b"\xed\xa0\xbd"),
            (r"\ud8ff", b"\xed\xa3\xbf"),
            (r"\udbff", b"\xed\xaf\xbf"),
            (r"\udc00", b"\xed\xb0\x80"),
            (r"a\udf55b", b"a\xed\xbd\x95b"),
            (r"\udfff\ud800", b"\xed\xbf\xbf\xed\xa0\x80"),
        ];
        for (escaped, bytes) in rows {
            assert_eq!(&*to_wtf8(escaped), bytes, "{escaped}");
            let mut text = String::new();
            push_wtf8(bytes, &mut text);
            assert_eq!(text, escaped);
        }
    }

    #[test]
    fn what_is_literal_ends_at_the_first_byte_that_is_not() {
        for byte in 0..=u8::MAX {
            for length in 1..=17 {
                for at in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let end = if is_literal(byte) { length } else { at };
                    assert_eq!(literal_prefix(&bytes), end, "{byte} at {at} of {length}");
                    // What follows the first one makes no difference, nor do its neighbours.
                    bytes[at..].fill(byte);
                    assert_eq!(literal_prefix(&bytes), end, "{byte} from {at} of {length}");
                }
            }
        }
        assert_eq!(literal_prefix(b""), 0);
        assert!(!is_literal(b'"') && !is_literal(b'\\') && !is_literal(0x7F) && !is_literal(0x1F));
        assert!(is_literal(b' ') && is_literal(b'~') && is_literal(b'!') && is_literal(b'#'));
    }
}
