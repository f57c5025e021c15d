//! What the headers of one part say that it is.

use percent_encoding::percent_decode_str;

use super::super::FORM_FIELD;
use super::super::form::NEXT_FIELD;
use super::parameters::{Parameter, has_controls, parameters};

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The token's field.
    Token,
    /// The field `next`.
    Next,
    /// Another field, or a file: under every parser its content is nothing else.
    Other,
}

impl Part {
    /// Reads the headers of a part, with the line break before them. `None` where Djangos might disagree.
    pub(super) fn read(headers: &[u8]) -> Option<Self> {
        let headers = str::from_utf8(headers).ok()?.strip_prefix("\r\n")?;
        let mut part = None;
        let mut has_encoding = false;
        for line in headers.split("\r\n") {
            let (name, value) = line.split_once(':')?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if name.is_empty() || !name.bytes().all(plain) || has_controls(value) {
                return None;
            }
            let value = value.trim_matches(' ');
            if name.eq_ignore_ascii_case("content-disposition") {
                if part.replace(disposition(value)?).is_some() {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
                let changes_nothing = ["7bit", "8bit", "binary"]
                    .iter()
                    .any(|encoding| value.eq_ignore_ascii_case(encoding));
                if has_encoding || !changes_nothing {
                    return None;
                }
                has_encoding = true;
            } else if has_extended_parameter(value) {
                return None;
            }
        }
        // Django skips a part without a name, but not always its content: of a large one, it reads the rest as a part.
        part
    }
}

/// Some Djangos fail at parameters in the form of RFC 2231 that they cannot decode.
fn has_extended_parameter(value: &str) -> bool {
    let bytes = value.as_bytes();
    memchr::memchr_iter(b'*', bytes).any(|at| matches!(bytes.get(at + 1), Some(b'=' | b'0'..=b'9')))
}

fn disposition(value: &str) -> Option<Part> {
    let kind = value.get(.."form-data".len())?;
    if !kind.eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename, mut extended) = (None, None, None);
    for parameter in parameters(&value[kind.len()..])? {
        let place = if parameter.name.eq_ignore_ascii_case("name") {
            &mut name
        } else if parameter.name.eq_ignore_ascii_case("filename") {
            &mut filename
        } else if parameter.name.eq_ignore_ascii_case("filename*") {
            &mut extended
        } else if parameter.name.contains('*') {
            return None;
        } else {
            continue;
        };
        // Of two the last counts for some, the first for others.
        if place.replace(parameter).is_some() {
            return None;
        }
    }
    let name = name?.value;
    let is_file = filename.is_some() || extended.is_some();
    // An empty name, and no other: what browsers send where no file was chosen. Django takes it for a field.
    let no_file = extended.is_none() && filename.is_some_and(|filename| filename.value.is_empty());
    let named = filename.is_none_or(|filename| keeps_a_name(filename.value))
        && extended.is_none_or(is_extended_name);
    if is_file && !no_file && !named {
        return None;
    }
    match name {
        FORM_FIELD if is_file => None,
        FORM_FIELD => Some(Part::Token),
        NEXT_FIELD if !is_file => Some(Part::Next),
        _ if may_become_the_token(name) => None,
        _ => Some(Part::Other),
    }
}

/// Whether some parser takes away of a name what stands around the token's: blanks, escapes, brackets.
fn may_become_the_token(name: &str) -> bool {
    let rest = name
        .chars()
        .filter(|character| !" \\\"<>".contains(*character));
    rest.eq(FORM_FIELD.chars())
}

/// `UTF-8''` and a name in percent signs, not in quotes.
fn is_extended_name(parameter: Parameter<'_>) -> bool {
    let mut parts = parameter.value.split('\'');
    let charset = parts.next().unwrap_or_default();
    let (Some(""), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    !parameter.quoted
        && charset.eq_ignore_ascii_case("utf-8")
        && percent_decode_str(name)
            .decode_utf8()
            .is_ok_and(|name| keeps_a_name(&name))
}

/// Whether Django surely leaves something of a file's name. A file whose name is gone it does not read to its end, and
/// then takes the rest of a large one for a part.
///
/// Django decodes HTML's entities first, then takes what stands behind the last slash or backslash and can be printed, and
/// refuses `.` and `..`.
fn keeps_a_name(filename: &str) -> bool {
    let mut rest = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    if rest.contains('&') {
        // An entity that ends in a semicolon may be a slash; a number needs no semicolon for that.
        if rest.contains("&#") {
            return false;
        }
        rest = rest.rsplit(';').next().unwrap_or_default();
    }
    let mut in_entity = false;
    rest.chars().any(|character| {
        in_entity = character == '&' || (in_entity && character.is_ascii_alphanumeric());
        let prints =
            character.is_ascii_graphic() || (!character.is_ascii() && character.is_alphanumeric());
        prints && character != '.' && !in_entity
    })
}
