//! What a form says about the fields that were not accepted.

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
