//! Values as HTML.

use minijinja::{AutoEscape, Output, State, Value};

use super::page::CsrfWord;

/// Escapes the five characters that Django escapes, in Django's form.
///
/// minijinja's own way is as safe but also writes `/` as `&#x2f;`, in which no one who searches a page's
/// source for an address finds it.
pub(super) fn write(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if let Some(word) = value.downcast_object_ref::<CsrfWord>() {
        return Ok(output.write_str(&word.html())?);
    }
    let text = match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => text,
        _ => return minijinja::escape_formatter(output, state, value),
    };
    Ok(output.write_str(&escape(text))?)
}

/// `text` as it may stand in HTML, between tags and inside a quoted attribute.
fn escape(text: &str) -> String {
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
