//! What the page of plain cookies shows.

use cloakroom::Cookies;
use serde::Serialize;

use super::form::{CookieForm, EXAMPLES};

#[derive(Serialize)]
pub(super) struct View {
    /// Names and values.
    sent: Vec<(String, String)>,
    /// The lines `Set-Cookie` of this answer.
    pub(super) sets: Vec<String>,
    pub(super) form: CookieForm,
    pub(super) problem: Option<String>,
    /// Whether the test's cookie came back.
    pub(super) kept: Option<bool>,
    examples: &'static [(&'static str, &'static str)],
}

impl View {
    pub(super) fn new(cookies: &Cookies, form: CookieForm) -> Self {
        let sent = cookies.iter();
        Self {
            sent: sent
                .map(|(name, value)| (shortened(&name), shortened(&value)))
                .collect(),
            sets: Vec::new(),
            form,
            problem: None,
            kept: None,
            examples: &EXAMPLES,
        }
    }
}

/// An answer that no template made.
pub(super) const PLAIN_PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A plain page | Classroom</title>
<link rel="stylesheet" href="/static/classroom.css">
<main>
<h1>A plain page</h1>
<p>This answer is some lines of text in the program, and the cookie stands in its head.
<a href="/cookies/">See whether the browser sends it back</a>.</p>
</main>
</html>
"#;

/// Long values are keys of sessions, signatures and the like. A page that shows them whole hands them to every script
/// that can read the page.
fn shortened(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_SHOWN {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(6).collect();
    format!("{beginning}… ({length} characters)")
}

/// A session's key has 32 characters.
const LONGEST_SHOWN: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_long_as_a_session_s_key_is_shortened() {
        assert_eq!(shortened("green"), "green");
        assert_eq!(shortened(&"é".repeat(31)), "é".repeat(31));
        assert_eq!(shortened(&"é".repeat(32)), "éééééé… (32 characters)");
    }
}
