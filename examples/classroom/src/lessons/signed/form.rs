//! What comes in by the forms of the lesson, and what it says of a cookie.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// One of the discounts that there are.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Discount {
    pub(super) percent: String,
}

impl From<HashMap<String, String>> for Discount {
    /// Whatever else is asked for is the smallest of them.
    fn from(mut fields: HashMap<String, String>) -> Self {
        let percent = fields.remove("percent");
        let percent = percent.filter(|percent| ["5", "10", "20"].contains(&percent.as_str()));
        Self {
            percent: percent.unwrap_or_else(|| "5".to_owned()),
        }
    }
}

/// A text for the cookie, without what no cookie can hold.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Tampered {
    pub(super) text: String,
}

/// A character takes four bytes on the wire at most, and browsers keep 4096 for a cookie.
const MOST_CHARACTERS: usize = 1000;

impl From<HashMap<String, String>> for Tampered {
    fn from(fields: HashMap<String, String>) -> Self {
        let typed = fields.get("text").map_or("", String::as_str);
        let text = typed
            .chars()
            .filter(|character| matches!(character, ' '..='~'));
        Self {
            text: text.take(MOST_CHARACTERS).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "word", content = "percent")]
pub(super) enum Verdict {
    Good(String),
    Missing,
    Expired,
    Forged,
}

#[cfg(test)]
mod tests {
    use cloakroom::cookie::SetCookie;
    use cloakroom::time::Timestamp;

    use super::*;

    #[test]
    fn whatever_is_typed_is_a_cookie_that_browsers_keep() {
        for typed in [
            "",
            "20:1abc:def",
            "é\u{0}\n;",
            &"\"".repeat(30_000),
            &";".repeat(30_000),
        ] {
            let fields = HashMap::from([("text".to_owned(), typed.to_owned())]);
            let cookie = SetCookie::new("discount", &Tampered::from(fields).text).unwrap();
            assert_eq!(
                cookie.refusal(Timestamp::now()),
                None,
                "{} bytes",
                typed.len()
            );
        }
    }
}
