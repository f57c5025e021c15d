//! The hidden field of a form.

use super::FORM_FIELD;
use crate::html::escape;

/// The field that brings a token back: Django's `{% csrf_token %}`, and `csrf_input` of its Jinja2 backend.
///
/// ```
/// use cloakroom_core::csrf::hidden_input;
///
/// assert_eq!(
///     hidden_input("l33t"),
///     r#"<input type="hidden" name="csrfmiddlewaretoken" value="l33t">"#
/// );
/// ```
#[must_use]
pub fn hidden_input(token: &str) -> String {
    // A token of ours needs no escaping, but nothing says that this text is one.
    let token = escape(token);
    let parts = [
        "<input type=\"hidden\" name=\"",
        FORM_FIELD,
        "\" value=\"",
        &token,
        "\">",
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_token_stays_within_the_field() {
        assert_eq!(
            hidden_input("a\"><b c='&'>"),
            "<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"a&quot;&gt;&lt;b c=&#x27;&amp;&#x27;&gt;\">"
        );
    }
}
