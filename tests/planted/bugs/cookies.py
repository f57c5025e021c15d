"""Cookies as they stand on the wire."""

from bug import Bug, core

HEADER = "crates/core/src/cookie/header.rs"
QUOTING = "crates/core/src/cookie/quoting.rs"
RESPONSE = "crates/core/src/cookie/response.rs"
SET_COOKIE = "crates/core/src/cookie/set_cookie.rs"
TIME = "crates/core/src/time.rs"

# An escape's first digit, the type of its number, and what becomes of that.
OCTAL = """[b'0'..=b'{}', b'0'..=b'7', b'0'..=b'7', ..] = after.as_bytes()
            && let Ok(code) = {}::from_str_radix(&after[..3], 8){}"""

ENDS = core("cookie::set_cookie::tests::ends_are_django_s")
ORDER = core("cookie::set_cookie::tests::attributes_stand_in_django_s_order")
CONTROLS = core("cookie::set_cookie::tests::control_characters_are_refused_everywhere")
TEXTS = core("time::tests::texts_are_django_s")

BUGS = [
    Bug(
        "octal escapes have two digits",
        QUOTING,
        "digit(6), digit(3), digit(0)",
        "digit(3), digit(0)",
        core("cookie::quoting::tests::values_are_quoted_as_python_quotes_them"),
    ),
    Bug(
        "a quote within a value is not escaped",
        QUOTING,
        """'"' | '\\\\' => quoted""",
        """'\\\\' => quoted""",
        core("cookie::quoting::tests::values_are_quoted_as_python_quotes_them"),
    ),
    Bug(
        "escapes beyond a byte are read",
        QUOTING,
        OCTAL.format("3", "u8", ""),
        OCTAL.format("7", "u16", ".map(|code| code as u8)"),
        core("cookie::quoting::tests::escapes_are_read_as_python_reads_them"),
    ),
    Bug(
        "control characters are written into values",
        QUOTING,
        "c.is_ascii_control() || c > ",
        "c > ",
        CONTROLS,
    ),
    Bug(
        "an attribute may hold a semicolon",
        SET_COOKIE,
        "matches!(byte, b' '..=b'~') && byte != b';'",
        "matches!(byte, b' '..=b'~')",
        CONTROLS,
    ),
    Bug(
        "the quotes around a value stay",
        HEADER,
        """[b'"', inner @ .., b'"'] => text(inner),""",
        """[b'"', .., b'"'] => text(raw),""",
        core("cookie::header::tests::headers_are_read_as_django_reads_them"),
    ),
    Bug(
        "of two cookies of one name the first counts",
        HEADER,
        "find_all(header, name).next()",
        "find_all(header, name).last()",
        core("cookie::header::tests::no_other_cookie_passes_for_the_session_s"),
    ),
    Bug(
        "more blanks than space and tab are trimmed from names",
        HEADER,
        "while let [b' ' | b'\\t', rest @ ..] = bytes",
        "while let [b' ' | b'\\t' | 0x0b | 0x0c, rest @ ..] = bytes",
        core("cookie::header::tests::no_other_cookie_passes_for_the_session_s"),
    ),
    Bug(
        "a piece without an equals sign is a name",
        HEADER,
        "map_or((&piece[..0], piece),",
        "map_or((piece, &piece[..0]),",
        core("cookie::header::tests::headers_are_read_as_django_reads_them"),
    ),
    Bug(
        "Max-Age stands before HttpOnly",
        RESPONSE,
        """        if self.http_only {
            push(["; ", "HttpOnly", ""]);
        }
        if let Some(seconds) = self.max_age {
            push(["; ", "Max-Age=", &seconds.to_string()]);
        }
""",
        """        if let Some(seconds) = self.max_age {
            push(["; ", "Max-Age=", &seconds.to_string()]);
        }
        if self.http_only {
            push(["; ", "HttpOnly", ""]);
        }
""",
        ORDER,
    ),
    Bug("expires begins with a capital", RESPONSE, '"expires="', '"Expires="', ORDER),
    Bug(
        "SameSite is not written",
        RESPONSE,
        "if let Some(same_site) = self.same_site {",
        "if let Some(same_site) = self.same_site.filter(|_| false) {",
        ORDER,
    ),
    Bug(
        "a cookie of a handler's own loses SameSite",
        RESPONSE,
        "        self.same_site = cookie.same_site.or(self.same_site);\n",
        "",
        core("cookie::response::tests::a_cookie_set_again_keeps_what_the_later_call_does_not_name"),
    ),
    Bug(
        "a cookie that is set again forgets its attributes",
        RESPONSE,
        "Some(written) => written.set(cookie, now)",
        "Some(written) => *written = Written::new(cookie, now)",
        core("cookie::response::tests::a_cookie_set_again_keeps_what_the_later_call_does_not_name"),
    ),
    Bug("Max-Age is rounded", RESPONSE, "let whole = seconds as i64", "let whole = seconds.round() as i64", ENDS),
    Bug(
        "a cookie that ends at a moment ends a second before Django's",
        RESPONSE,
        "(moment.micros_since(now) + 1_000_000)",
        "moment.micros_since(now)",
        ENDS,
    ),
    Bug(
        "the parts of a date in a cookie are joined by dashes",
        TIME,
        'b"Thu, 01 Jan 1970 00:00:00 GMT"',
        'b"Thu, 01-Jan-1970 00:00:00 GMT"',
        TEXTS,
    ),
    Bug(
        "the fraction of a cookie's date is rounded up",
        TIME,
        "let moment = Self(self.0.max(0)).civil();",
        "let moment = Self::from_unix_micros(self.0.max(0) + 999_999).civil();",
        TEXTS,
    ),
    Bug(
        "a cookie whose name has a prefix is deleted without Secure",
        SET_COOKIE,
        "self.secure || (self.deletes && insisted())",
        "self.secure || (self.deletes && insisted() && self.name.is_empty())",
        core("cookie::set_cookie::tests::a_deletion_is_django_s"),
    ),
    Bug(
        "a prefix counts only as it is usually written",
        "crates/core/src/cookie/name.rs",
        "start.eq_ignore_ascii_case(prefix)",
        "start == prefix",
        core("cookie::browser::tests::prefixes_bind_whatever_their_case"),
    ),
    Bug(
        "the size of a cookie is that of its value before quoting",
        "crates/core/src/cookie/browser.rs",
        "cookie.name.len() + cookie.coded_value.len()",
        'cookie.name.len() + cookie.coded_value.replace("\\\\054", ",").len()',
        core("cookie::browser::tests::the_size_counts_the_name_and_what_stands_on_the_wire"),
    ),
]
