//! The parameters of a header, as far as all parsers agree on them.

/// One `name=value`.
#[derive(Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    /// Without its quotes, and with its backslashes.
    pub(super) value: &'a str,
    pub(super) quoted: bool,
}

/// Reads `; name=value; name="value"` to the end. `None` where another parser might read something else.
///
/// Linear: each byte is looked at a few times. (Django's own search for the `;` behind a quote was not, which was
/// CVE-2026-84429.)
pub(super) fn parameters(mut text: &str) -> Option<Vec<Parameter<'_>>> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches(' ');
        if text.is_empty() {
            return Some(found);
        }
        let (name, rest) = text.strip_prefix(';')?.split_once('=')?;
        let name = name.trim_start_matches(' ');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return None;
        }
        let (value, quoted) = match rest.strip_prefix('"') {
            Some(rest) => (&rest[..closing_quote(rest)?], true),
            None => (unquoted(rest)?, false),
        };
        text = &rest[value.len() + if quoted { 2 } else { 0 }..];
        found.push(Parameter {
            name,
            value,
            quoted,
        });
    }
}

/// The first quote without a backslash before it: Python counts quotes so, even where two backslashes mean one.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'"', bytes).find(|at| *at == 0 || bytes[at - 1] != b'\\')
}

/// Without quotes there are none of the characters that some parsers take away or stop at.
fn unquoted(text: &str) -> Option<&str> {
    let end = text.find([';', ' ']).unwrap_or(text.len());
    let value = &text[..end];
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\<>".contains(&byte);
    (!value.is_empty() && value.bytes().all(plain)).then_some(value)
}

/// Visible ASCII, spaces, and what is beyond ASCII.
pub(super) fn has_controls(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || byte == 0x7f)
}
