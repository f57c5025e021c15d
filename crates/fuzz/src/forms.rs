//! Forms that come in pieces.

use cloakroom_core::csrf::{FORM_FIELD, FormFault, MultipartBoundary, MultipartScan};

use crate::parts::Parts;

/// How large the pieces are, a boundary, and a body: the pieces change nothing, what is taken for the token is the
/// content of a part, and no second one goes by.
pub fn multipart_form(input: &[u8]) {
    let mut parts = Parts::of(input);
    let size = usize::try_from(parts.number()).unwrap_or_default();
    let name = parts.text();
    let content_type = format!("multipart/form-data; boundary={name}");
    let Some(boundary) = MultipartBoundary::from_content_type(content_type.as_bytes()) else {
        return;
    };
    let body = parts.bytes();
    let whole = scan(&boundary, body, usize::MAX);
    assert_eq!(whole, scan(&boundary, body, size.clamp(1, 4096)));
    assert_eq!(whole, scan(&boundary, body, 1));

    let delimiter = ["--", name.trim_matches(['"', ' '])].concat();
    let plain = format!("\r\nContent-Disposition: form-data; name=\"{FORM_FIELD}\"\r\n\r\n");
    // As somebody splits a form who has it whole.
    let text = String::from_utf8_lossy(body);
    let contents: Vec<&str> = text
        .split(&delimiter)
        .filter_map(|part| part.strip_prefix(&plain)?.strip_suffix("\r\n"))
        .collect();
    let (token, fault, closed) = whole;
    if contents.len() > 1 {
        assert!(fault.is_some(), "a second token has gone by");
    }
    let Some(token) = token else { return };
    if token.len() <= 64 && str::from_utf8(body).is_ok() {
        let ending = [&token, "\r\n", delimiter.as_str()].concat();
        assert!(text.contains(&ending), "{token:?} is no part's content");
        if let [only] = contents[..]
            && fault.is_none()
        {
            assert_eq!(token, only);
        }
    }
    if fault.is_none() && closed {
        let end = [delimiter.as_bytes(), b"--"].concat();
        let last = body.windows(end.len()).rposition(|bytes| bytes == end);
        let before = &body[..last.expect("the form is closed")];
        let twice = [before, delimiter.as_bytes(), plain.as_bytes()].concat();
        let (_, fault, _) = scan(&boundary, &twice, size.clamp(1, 4096));
        assert_eq!(fault, Some(FormFault::SecondToken));
    }
}

fn scan(
    boundary: &MultipartBoundary,
    body: &[u8],
    size: usize,
) -> (Option<String>, Option<FormFault>, bool) {
    let mut scan = MultipartScan::new(boundary);
    let pushed = body.chunks(size).try_for_each(|piece| scan.push(piece));
    assert_eq!(pushed.err(), scan.fault());
    (scan.token().map(Into::into), scan.fault(), scan.is_closed())
}
