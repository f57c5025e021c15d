//! The `Cookie` header (`django.http.cookie.parse_cookie`).

use std::borrow::Cow;
use std::collections::HashMap;

use super::quoting::unescape;

/// The cookies of one `Cookie` header, names and values, in the header's order.
///
/// Of several cookies with one name Django takes the last; of several headers likewise. Names are
/// case-sensitive and not checked. A piece without `=` is a value whose name is empty, so `__Host-x` and
/// `=__Host-x=v` never pass for a cookie named `__Host-x`. `;` separates also between quotes, and
/// `$Version` is a name as any other. Bytes that are not UTF-8 become U+FFFD, as under WSGI.
///
/// Unlike Django this trims only space and tab. A browser compares names byte by byte, and so lets any
/// page set `U+2000__Host-sessionid`; whoever trims Unicode's blanks reads that as `__Host-sessionid`.
///
/// # Security
/// A quoted value can hold any code point below 256, NUL among them: `"\000"`. Readers check what they take.
///
/// ```
/// let cookies: Vec<_> = cloakroom_core::cookie::parse(br#"a=1; b="x\054y""#).collect();
/// assert_eq!(cookies, [("a".into(), "1".into()), ("b".into(), "x,y".into())]);
/// ```
pub fn parse(header: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    pieces(header).map(|(name, raw)| (String::from_utf8_lossy(name), value(raw)))
}

/// What Django's `request.COOKIES` holds, of all the `Cookie` headers of a request: each name where it came first, with
/// the last of its values.
///
/// ```
/// let cookies = cloakroom_core::cookie::map([b"a=1; b=2".as_slice(), b"a=3"]);
/// assert_eq!(cookies, [("a".into(), "3".into()), ("b".into(), "2".into())]);
/// ```
pub fn map<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut cookies: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
    let mut places = HashMap::new();
    for (name, value) in headers.into_iter().flat_map(parse) {
        match places.get(&name) {
            Some(place) => {
                let (_, known): &mut (_, Cow<'a, str>) = &mut cookies[*place];
                *known = value;
            }
            None => {
                places.insert(name.clone(), cookies.len());
                cookies.push((name, value));
            }
        }
    }
    cookies
}

/// The value that Django would find under `name`: the last one of the header.
///
/// It searches from the end and allocates only for a value with escapes in it.
#[must_use]
pub fn find_last<'a>(header: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    find_all(header, name).next()
}

/// The values of all cookies of this name, the header's last one first.
///
/// A sibling host can set a second one beside ours ("cookie tossing"); a strict reader takes neither.
pub fn find_all<'a>(header: &'a [u8], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    let mut end = Some(header.len());
    std::iter::from_fn(move || {
        while let Some(before) = end {
            let rest = &header[..before];
            let semicolon = memchr::memrchr(b';', rest);
            end = semicolon;
            let piece = &rest[semicolon.map_or(0, |at| at + 1)..];
            if let Some(raw) = raw_value(piece, name) {
                return Some(value(raw));
            }
        }
        None
    })
}

/// The raw value of a piece that has this name. Most pieces are other cookies, which their beginning tells.
fn raw_value<'a>(piece: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let name = name.as_bytes();
    let (found, raw) = Some(piece)
        .filter(|piece| trim_start(piece).starts_with(name))
        .and_then(split_piece)?;
    (found == name).then_some(raw)
}

/// Name and raw value of each piece. Splitting before decoding gives what Django gets by decoding first:
/// no invalid sequence swallows an ASCII byte.
fn pieces(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header.split(|byte| *byte == b';').filter_map(split_piece)
}

fn split_piece(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = piece.iter().position(|byte| *byte == b'=');
    let (name, value) = equals.map_or((&piece[..0], piece), |at| (&piece[..at], &piece[at + 1..]));
    let (name, value) = (trim(name), trim(value));
    (!name.is_empty() || !value.is_empty()).then_some((name, value))
}

/// Not `trim_ascii`, and never `str::trim`: see [`parse`].
fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// `http.cookies._unquote`.
fn value(raw: &[u8]) -> Cow<'_, str> {
    match raw {
        [b'"', inner @ .., b'"'] if inner.contains(&b'\\') => unescape(&text(inner)).into(),
        [b'"', inner @ .., b'"'] => text(inner),
        _ => text(raw),
    }
}

/// As `from_utf8_lossy`, which looks at every byte for itself even where all of them are ASCII.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(header: &[u8]) -> Vec<(String, String)> {
        let owned =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        let mut found: Vec<_> = map([header]).into_iter().map(owned).collect();
        found.sort();
        found
    }

    /// C8, CVE-2023-23934, C7.
    #[test]
    fn headers_are_read_as_django_reads_them() {
        let rows: [(&str, &[(&str, &str)]); 25] = [
            ("", &[]),
            ("a=b; c=d", &[("a", "b"), ("c", "d")]),
            ("a=b;c=d;", &[("a", "b"), ("c", "d")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a", &[("", "a")]),
            ("=a", &[("", "a")]),
            ("a=", &[("a", "")]),
            ("=;;  ;\t= ", &[]),
            ("a b=c d", &[("a b", "c d")]),
            ("A=1; a=2", &[("A", "1"), ("a", "2")]),
            ("a=1; b=2; a=3", &[("a", "3"), ("b", "2")]),
            ("a=%41+", &[("a", "%41+")]),
            (
                r#"keebler="E=mc2; L=\"Loves\"; fudge=\012;""#,
                &[
                    ("", "\""),
                    ("L", r#"\"Loves\""#),
                    ("fudge", r"\012"),
                    ("keebler", r#""E=mc2"#),
                ],
            ),
            ("  =  b  ;  ;  =  ;   c  =  ;  ", &[("", "b"), ("c", "")]),
            (r#"a="b\""#, &[("a", r"b\")]),
            (r#"a="b"c""#, &[("a", r#"b"c"#)]),
            (r#"a=""#, &[("a", "\"")]),
            (r#"a="""#, &[("a", "")]),
            (r#"a="b\"#, &[("a", r#""b\"#)]),
            (r#"a="\400\08\18\477""#, &[("a", "4000818477")]),
            (r#"a="\377\000\12\\\q""#, &[("a", "\u{FF}\u{0}12\\q")]),
            (r#"a="\303\244""#, &[("a", "\u{C3}\u{A4}")]),
            (r#"a="\é\012""#, &[("a", "é\n")]),
            ("a=\"\\\n\"", &[("a", "\\\n")]),
            (r#"a=x\054"#, &[("a", r"x\054")]),
        ];
        for (header, cookies) in rows {
            let cookies: Vec<_> = cookies
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(found(header.as_bytes()), cookies, "{header}");
        }
    }

    #[test]
    fn a_name_stands_where_it_came_first_with_its_last_value() {
        let headers = [
            b"a=1; b=2; a=3".as_slice(),
            b"",
            b"; c=\"\\054\"; b=4; =5; d",
            b"A=6; =",
        ];
        let rows = [("a", "3"), ("b", "4"), ("c", ","), ("", "d"), ("A", "6")];
        assert_eq!(
            map(headers),
            rows.map(|(name, value)| (name.into(), value.into()))
        );
        assert_eq!(map([]), []);
    }

    /// C6, CVE-2016-7401.
    #[test]
    fn no_other_cookie_passes_for_the_session_s() {
        let good = |header: &[u8], name| find_last(header, name).as_deref() == Some("good");
        // A sandwich of quotes, the pieces of other parsers, other spellings of the name.
        let rows: [&[u8]; 6] = [
            br#"$Version=1; a="x; sessionid=evil"; sessionid=good"#,
            br#"sessionid=good; $Version="1; Sessionid=evil""#,
            b"sessionid=good; ga=x]sessionid=evil",
            b"sessionid=good; ga=x,sessionid=evil",
            b"sessionid=good; =sessionid=evil; sessionid",
            b"sessionid=good; xsessionid=evil; sessionidx=evil; session id=evil",
        ];
        for header in rows {
            assert!(good(header, "sessionid"), "{}", header.escape_ascii());
        }
        let name = "__Host-sessionid";
        for blank in [
            "\u{B}", "\u{C}", "\u{1F}", "\u{85}", "\u{A0}", "\u{2000}", "\u{3000}",
        ] {
            let header = format!("__Host-sessionid=good; {blank}__Host-sessionid=evil");
            assert!(good(header.as_bytes(), name), "{blank:?}");
            let header = format!("__Host-sessionid=good; __Host-sessionid{blank}=evil");
            assert!(good(header.as_bytes(), name), "{blank:?}");
        }
        for header in [
            "=__Host-sessionid=evil",
            "__Host-sessionid",
            "\u{2000}__Host-sessionid=x",
        ] {
            assert_eq!(find_last(header.as_bytes(), name), None, "{header}");
            assert_eq!(find_all(header.as_bytes(), name).count(), 0, "{header}");
        }
        let both: Vec<_> = find_all(b"sessionid=a; x=1; sessionid=b", "sessionid").collect();
        assert_eq!(both, ["b", "a"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(
            found(b"\xC3=\xA9; b=\xC3\xA9; c=\"\xED\xA0\x80\\101\""),
            [
                ("b".to_owned(), "é".to_owned()),
                ("c".to_owned(), "\u{FFFD}\u{FFFD}\u{FFFD}A".to_owned()),
                ("\u{FFFD}".to_owned(), "\u{FFFD}".to_owned()),
            ]
        );
    }

    #[test]
    fn a_plain_value_is_borrowed() {
        for header in [b"a=b; sessionid=abc".as_slice(), b"sessionid=\"abc\""] {
            let value = find_last(header, "sessionid");
            assert!(matches!(value, Some(Cow::Borrowed("abc"))));
        }
    }

    /// C11, CVE-2024-7592, CVE-2024-52804.
    /// Counts nothing and times nothing: a quadratic scan of these would take minutes.
    #[test]
    fn hostile_headers_cost_no_more_than_their_length() {
        const SIZE: usize = 1 << 20;
        let quoted = |filling: &str| format!("a=\"{}\"", filling.repeat(SIZE / filling.len()));
        let headers = [
            quoted("\\"),
            quoted("\\\\"),
            quoted("\\0"),
            quoted("\""),
            ";".repeat(SIZE),
            "=".repeat(SIZE),
            " ".repeat(SIZE),
            "a=b;".repeat(SIZE / 4),
            "a=\"\\\";".repeat(SIZE / 6),
        ];
        for header in headers {
            assert!(parse(header.as_bytes()).count() <= SIZE / 4);
            assert!(map([header.as_bytes()]).len() <= 2);
            let _ = find_last(header.as_bytes(), "sessionid");
        }
    }

    proptest! {
        #[test]
        fn the_search_finds_what_the_map_holds(header in r#"([ab]|[ \t=;"\\0-7é]|\PC){0,40}"#, name in "[ab]{0,2}") {
            let cookies = map([header.as_bytes()]);
            let held = cookies.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
            let last = find_last(header.as_bytes(), &name);
            prop_assert_eq!(last.as_ref(), held);
            let mut same: Vec<_> = parse(header.as_bytes()).filter(|(other, _)| *other == name).collect();
            same.reverse();
            let found = find_all(header.as_bytes(), &name);
            prop_assert!(same.into_iter().map(|(_, value)| value).eq(found));
        }

        #[test]
        fn no_bytes_make_it_panic(header in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(parse(&header).count() <= header.len());
        }
    }
}
