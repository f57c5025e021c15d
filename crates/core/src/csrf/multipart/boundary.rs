//! The boundary that a form's `Content-Type` names.

use super::parameters::{has_controls, parameters};

/// The longest boundary. Django takes one more, and RFC 2046 allows 70.
const LONGEST: usize = 200;
/// The longest `Content-Type` that is read for a boundary.
const LONGEST_CONTENT_TYPE: usize = 1024;

/// The text between the parts of a `multipart/form-data` body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartBoundary(Box<str>);

impl MultipartBoundary {
    /// Reads the value of a `Content-Type` header.
    ///
    /// `None` for other types, and where some Django would find no boundary or another one: letters of the type in upper case,
    /// a charset other than UTF-8, two boundaries, characters that RFC 2046 does not allow in one.
    #[must_use]
    pub fn from_content_type(value: &[u8]) -> Option<Self> {
        if value.len() > LONGEST_CONTENT_TYPE {
            return None;
        }
        let value = str::from_utf8(value)
            .ok()
            .filter(|value| value.is_ascii())?;
        let rest = value.strip_prefix("multipart/form-data")?;
        if has_controls(rest) {
            return None;
        }
        let mut boundary = None;
        for parameter in parameters(rest)? {
            if parameter.name.contains('*') {
                return None;
            } else if parameter.name.eq_ignore_ascii_case("boundary") {
                if boundary.replace(parameter.value).is_some() {
                    return None;
                }
            } else if parameter.name.eq_ignore_ascii_case("charset")
                && !parameter.value.eq_ignore_ascii_case("utf-8")
            {
                // Everything in the body would be decoded by it.
                return None;
            }
        }
        let boundary = boundary?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
        let valid =
            !boundary.is_empty() && boundary.len() <= LONGEST && boundary.bytes().all(allowed);
        valid.then(|| Self(boundary.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
