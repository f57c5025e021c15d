//! Text in pages.

/// `text` as it may stand in HTML, between tags and inside a quoted attribute: the five characters that Django escapes,
/// in Django's form (`django.utils.html.escape`).
///
/// ```
/// assert_eq!(cloakroom_core::html::escape("a<b & 'c'"), "a&lt;b &amp; &#x27;c&#x27;");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            other => escaped.push(other),
        }
    }
    escaped
}
