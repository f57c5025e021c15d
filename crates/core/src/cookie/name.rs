//! What a cookie may be called.

use super::CookieError;
use super::quoting::is_legal;

/// Python's rule (`Morsel.set`).
pub(super) fn check_name(name: &str) -> Result<(), CookieError> {
    const RESERVED: [&str; 10] = [
        "comment",
        "domain",
        "expires",
        "httponly",
        "max-age",
        "partitioned",
        "path",
        "samesite",
        "secure",
        "version",
    ];
    if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name)) {
        Err(CookieError::ReservedName)
    } else if name.is_empty() || !name.chars().all(is_legal) {
        Err(CookieError::Name)
    } else {
        Ok(())
    }
}

/// True if browsers see this prefix in the name: they ignore its case (RFC 6265bis, section 4.1.3).
pub(super) fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_none_are_refused() {
        for name in [
            "",
            "a b",
            "a=b",
            "a;b",
            "a,b",
            "a/b",
            "é",
            "a\"",
            "\u{2000}a",
            "[a]",
        ] {
            assert_eq!(check_name(name).unwrap_err(), CookieError::Name, "{name}");
        }
        for name in ["expires", "Path", "MAX-AGE", "SameSite", "partitioned"] {
            assert_eq!(
                check_name(name).unwrap_err(),
                CookieError::ReservedName,
                "{name}"
            );
        }
        assert!(check_name("!#$%&'*+-.^_`|~:").is_ok());
    }

    #[test]
    fn prefixes_are_seen_in_either_case() {
        for name in ["__Host-", "__host-x", "__HOST-x"] {
            assert!(has_prefix(name, "__Host-"), "{name}");
        }
        for name in ["", "__Host", "x__Host-", "__Hos\u{2000}-x"] {
            assert!(!has_prefix(name, "__Host-"), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_apart() {
        let errors = [
            (
                CookieError::Name,
                "a cookie's name is empty or has a character that it may not have",
            ),
            (
                CookieError::ReservedName,
                "a cookie is named as an attribute",
            ),
            (
                CookieError::Value,
                "a cookie's value has a control character or a code point above 255",
            ),
            (
                CookieError::Attribute,
                "a cookie's attribute has a semicolon, a control character or one that is not ASCII",
            ),
            (
                CookieError::SameSite,
                "SameSite must be Lax, None or Strict",
            ),
        ];
        for (error, text) in errors {
            assert_eq!(error.to_string(), text);
        }
    }
}
