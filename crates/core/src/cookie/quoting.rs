//! Python's quoting of values (`http.cookies`). Browsers know nothing of it and hand values back as they are.

use super::CookieError;

/// The empty value as it stands on the wire.
pub(super) const EMPTY: &str = "\"\"";

/// The value as it stands on the wire (`_quote`).
pub(super) fn quote(value: &str) -> Result<String, CookieError> {
    if !value.is_empty() && value.bytes().all(|byte| LEGAL[usize::from(byte)]) {
        return Ok(value.to_owned());
    }
    if value.chars().any(|c| c.is_ascii_control() || c > '\u{FF}') {
        return Err(CookieError::Value);
    }
    let mut quoted = String::with_capacity(value.len() + 8);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if is_legal(character) || " ()/<=>?@[]{}".contains(character) => {
                quoted.push(character)
            }
            _ => {
                let code = u32::from(character);
                let digit = |shift: u32| char::from_digit(code >> shift & 7, 8).unwrap_or_default();
                quoted.extend(['\\', digit(6), digit(3), digit(0)]);
            }
        }
    }
    quoted.push('"');
    Ok(quoted)
}

/// What names consist of, and values without quotes.
pub(super) fn is_legal(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| LEGAL[usize::from(byte)])
}

/// By their code. Nearly every value consists of nothing else.
const LEGAL: [bool; 256] = {
    let mut legal = [false; 256];
    let mut byte = 0_u8;
    while byte.is_ascii() {
        legal[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~:";
    let mut at = 0;
    while at < others.len() {
        legal[others[at] as usize] = true;
        at += 1;
    }
    legal
};

/// What stood between the quotes (`_unquote`).
///
/// Each character is looked at once, whatever the number of backslashes: Python's own loop was quadratic
/// (CVE-2024-7592).
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        if let [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..] = after.as_bytes()
            && let Ok(code) = u8::from_str_radix(&after[..3], 8)
        {
            plain.push(char::from(code));
            rest = &after[3..];
            continue;
        }
        // The dot of Python's pattern is any character but a newline.
        match after.chars().next().filter(|escaped| *escaped != '\n') {
            Some(escaped) => {
                plain.push(escaped);
                rest = &after[escaped.len_utf8()..];
            }
            None => {
                plain.push('\\');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_quoted_as_python_quotes_them() {
        let rows = [
            ("v", "v"),
            ("", r#""""#),
            ("a:b.c~", "a:b.c~"),
            ("a,b;c", r#""a\054b\073c""#),
            ("a/b", r#""a/b""#),
            ("a b", r#""a b""#),
            ("a=b", r#""a=b""#),
            ("{@}", r#""{@}""#),
            (r#"a"\"#, r#""a\"\\""#),
            ("é", r#""\351""#),
            ("\u{80}\u{FF}", r#""\200\377""#),
        ];
        for (value, coded) in rows {
            assert_eq!(quote(value).unwrap(), coded, "{value}");
        }
    }

    /// C10.
    #[test]
    fn escapes_are_read_as_python_reads_them() {
        let rows = [
            ("", ""),
            ("é", "é"),
            (r"\054\54\", r",54\"),
            (r"\400\08\18\477", "4000818477"),
            (r#"\377\000\12\\\q\""#, "\u{FF}\u{0}12\\q\""),
            (r"\303\244", "\u{C3}\u{A4}"),
            (r"\é\012", "é\n"),
            ("\\\n\\\r", "\\\n\r"),
        ];
        for (escaped, plain) in rows {
            assert_eq!(unescape(escaped), plain, "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(value in "[ -~\u{80}-\u{FF}]{0,30}") {
            let quoted = quote(&value).unwrap();
            prop_assert!(quoted.is_ascii());
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            prop_assert_eq!(inner.map_or_else(|| quoted.clone(), unescape), value);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = quote(&text);
            prop_assert!(unescape(&text).chars().count() <= text.chars().count());
        }
    }
}
