//! Secret keys as the environment and files carry them.
//!
//! Nothing is trimmed: a blank is a character of the key, as it is for Django. Each function takes the
//! reader of a single key, [`SecretKey::parse`] or [`SecretKey::insecure_parse`], so that the caller's
//! line says whether weak keys pass.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::{SecretError, SecretKey};

/// The characters are checked, the padding may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Marks a key that is not UTF-8 text.
const BASE64_MARK: &str = "base64:";

type Parse = fn(&str) -> Result<SecretKey, SecretError>;

impl SecretKey {
    /// Reads a key that is fit for a site others can reach: its text, or `base64:` and its bytes.
    ///
    /// ```
    /// use cloakroom_core::secret::{SecretError, SecretKey};
    ///
    /// assert!(SecretKey::parse("one that is forty-two characters long, easily").is_ok());
    /// assert_eq!(SecretKey::parse("too short").unwrap_err(), SecretError::Short);
    /// ```
    ///
    /// # Errors
    /// What follows `base64:` is not base64, or [`new`](Self::new) refuses the key.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Self::new(bytes(text)?)
    }

    /// Reads any key that is not empty: its text, or `base64:` and its bytes.
    ///
    /// # Security
    /// As for [`insecure_new`](Self::insecure_new): whoever guesses the key can sign in as anybody.
    ///
    /// # Errors
    /// What follows `base64:` is not base64, or the key is empty.
    pub fn insecure_parse(text: &str) -> Result<Self, SecretError> {
        Self::insecure_new(bytes(text)?)
    }
}

/// Reads `SECRET_KEY_FALLBACKS`: a JSON list of strings if it begins with `[`, else keys with commas between.
///
/// `[]` is the list without keys; an empty text is a list whose one key is empty, and so an error.
///
/// # Errors
/// The JSON is not a list of strings, or one of the keys is refused.
pub fn parse_list(text: &str, parse: Parse) -> Result<Vec<SecretKey>, SecretError> {
    if text.starts_with('[') {
        let items = serde_json::from_str::<Vec<String>>(text).map_err(|_| SecretError::NotAList)?;
        let items = items.into_iter().map(zeroize::Zeroizing::new);
        items.map(|item| parse(&item)).collect()
    } else {
        text.split(',').map(parse).collect()
    }
}

/// Reads the text of a `SECRET_KEY_FILE`: one key, with or without the end of its line.
///
/// # Errors
/// There is more than one line, or the key is refused.
pub fn parse_key_file(text: &str, parse: Parse) -> Result<SecretKey, SecretError> {
    let mut lines = text.lines();
    let key = parse(lines.next().unwrap_or_default())?;
    match lines.next() {
        None => Ok(key),
        Some(_) => Err(SecretError::SeveralLines),
    }
}

/// Reads the text of a `SECRET_KEY_FALLBACKS_FILE`: a key on each line, none in an empty file.
///
/// # Errors
/// One of the keys is refused; an empty line is an empty key.
pub fn parse_list_file(text: &str, parse: Parse) -> Result<Vec<SecretKey>, SecretError> {
    text.lines().map(parse).collect()
}

fn bytes(text: &str) -> Result<Vec<u8>, SecretError> {
    match text.strip_prefix(BASE64_MARK) {
        Some(encoded) => BASE64.decode(encoded).map_err(|_| SecretError::NotBase64),
        None => Ok(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONG: &str = "0123456789abcdef0123456789abcdef";

    fn exposed(keys: Result<Vec<SecretKey>, SecretError>) -> Result<Vec<Vec<u8>>, SecretError> {
        Ok(keys?.iter().map(|key| key.expose().to_vec()).collect())
    }

    /// K1.
    #[test]
    fn a_weak_key_is_refused() {
        let insecure = format!("django-insecure-{STRONG}");
        let rows = [
            ("", SecretError::Empty),
            ("base64:", SecretError::Empty),
            ("12345678", SecretError::Short),
            (&STRONG[1..], SecretError::Short),
            ("base64:MDEyMzQ1Njc=", SecretError::Short),
            (&insecure, SecretError::DjangoInsecure),
        ];
        for (text, error) in rows {
            assert_eq!(SecretKey::parse(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(
            SecretKey::parse(STRONG).unwrap().expose(),
            STRONG.as_bytes()
        );
        assert_eq!(
            SecretKey::insecure_parse("").unwrap_err(),
            SecretError::Empty
        );
        assert!(SecretKey::insecure_parse(&insecure).is_ok());
    }

    #[test]
    fn base64_carries_keys_that_are_not_text() {
        for text in ["base64:5wD/", "base64:5wD/AA==", "base64:5wD/AA"] {
            let key = SecretKey::insecure_parse(text).unwrap();
            assert_eq!(key.expose()[..3], [0xE7, 0, 0xFF], "{text}");
        }
        for text in ["base64:5wD_", "base64: 5wD/", "base64:5wD/\n", "base64:é"] {
            assert_eq!(
                SecretKey::insecure_parse(text).unwrap_err(),
                SecretError::NotBase64,
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_is_trimmed() {
        let key = SecretKey::insecure_parse(" k\n").unwrap();
        assert_eq!(key.expose(), b" k\n");
        assert_eq!(
            exposed(parse_list("a, b ", SecretKey::insecure_parse)),
            Ok(vec![b"a".to_vec(), b" b ".to_vec()])
        );
    }

    #[test]
    fn a_list_is_json_or_has_commas() {
        let rows: [(&str, &[&[u8]]); 4] = [
            ("a", &[b"a"]),
            ("a,b", &[b"a", b"b"]),
            (
                r#"["a,b","é","base64:5w=="]"#,
                &[b"a,b", "é".as_bytes(), b"\xE7"],
            ),
            ("[]", &[]),
        ];
        for (text, keys) in rows {
            let keys = keys.iter().map(|key| key.to_vec()).collect();
            assert_eq!(
                exposed(parse_list(text, SecretKey::insecure_parse)),
                Ok(keys),
                "{text}"
            );
        }
        let refused = [
            ("", SecretError::Empty),
            (",", SecretError::Empty),
            ("old,", SecretError::Empty),
            ("a,,b", SecretError::Empty),
            (r#"["a",""]"#, SecretError::Empty),
            (r#"["a",1]"#, SecretError::NotAList),
            (r#"["a""#, SecretError::NotAList),
        ];
        for (text, error) in refused {
            assert_eq!(
                exposed(parse_list(text, SecretKey::insecure_parse)),
                Err(error),
                "{text}"
            );
        }
        assert_eq!(
            exposed(parse_list("a,b", SecretKey::parse)),
            Err(SecretError::Short)
        );
    }

    #[test]
    fn a_file_holds_a_key_on_each_line() {
        let lines = |text| exposed(parse_list_file(text, SecretKey::insecure_parse));
        let both = || Ok(vec![b"a,b".to_vec(), b" c".to_vec()]);
        for text in ["a,b\n c", "a,b\n c\n", "a,b\r\n c\r\n"] {
            assert_eq!(lines(text), both(), "{text:?}");
        }
        assert_eq!(lines(""), Ok(vec![]));
        for text in ["\n", "a\n\n", "a\n\nb", "\na"] {
            assert_eq!(lines(text), Err(SecretError::Empty), "{text:?}");
        }
    }

    #[test]
    fn a_key_file_holds_one_key() {
        let key = |text| parse_key_file(text, SecretKey::insecure_parse);
        for text in ["k", "k\n", "k\r\n"] {
            assert_eq!(key(text).unwrap().expose(), b"k", "{text:?}");
        }
        for text in ["", "\n"] {
            assert_eq!(key(text).unwrap_err(), SecretError::Empty, "{text:?}");
        }
        for text in ["k\n\n", "k\nl"] {
            assert_eq!(
                key(text).unwrap_err(),
                SecretError::SeveralLines,
                "{text:?}"
            );
        }
    }
}
