//! Values as HTML.

use cloakroom_core::html::escape;
use minijinja::{AutoEscape, Output, State, Value};

use super::page::CsrfWord;

/// Escapes as Django does.
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
