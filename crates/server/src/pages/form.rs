//! What a form says about the fields that were not accepted.

use std::borrow::Cow;

use serde::Serialize;

/// One message. The page puts it above the form, as a link to its field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FieldError {
    /// The field's name.
    pub(crate) field: &'static str,
    /// Its label, to stand before the message; empty where the message says what it means by itself.
    pub(crate) label: &'static str,
    /// A sentence.
    pub(crate) message: String,
}

/// Django's words for a field that was left empty.
pub(crate) const REQUIRED: &str = "This field is required.";

/// The last field of this name, as Django's `QueryDict` gives it; empty if there is none.
pub(crate) fn last_field<'a>(form: &'a [u8], name: &str) -> Cow<'a, str> {
    form_urlencoded::parse(form)
        .filter(|(known, _)| known == name)
        .last()
        .map(|(_, value)| value)
        .unwrap_or_default()
}
