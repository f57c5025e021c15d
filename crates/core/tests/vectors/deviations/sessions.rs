//! Sessions that deviate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{DELETED, Deviation, alike, everywhere};

pub(crate) fn sessions() -> Vec<Deviation> {
    let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(900), "]".repeat(900));
    let cookie_deleted = format!(
        "cookie {:?}, live {:?}, new None, varies true",
        Some(format!("sessionid={DELETED}; Path=/; SameSite=Lax")),
        Some(r#"{"a": 1}"#)
    );
    let nothing = format!("cookie None, live {:?}, new None", Some(r#"{"a": 1}"#));
    let nothing_done = format!("{nothing}, varies true");
    let not_looked_at = format!("{nothing}, varies false");
    vec![
        everywhere(
            "session_decode",
            "901 levels deep: where Python gives up depends on its version, and we stop before all of them",
            [(URL_SAFE_NO_PAD.encode(nested), "{}")],
        ),
        everywhere(
            "session_keys",
            "a NUL in a key makes Django answer 500 on PostgreSQL",
            [("aaaaaaaa\0", "false")],
        ),
        everywhere(
            "session_set_expiry",
            "whole seconds are enough, and what has ended already can be said in other ways",
            alike(
                "cannot be asked for",
                [
                    r#"number "1.5""#,
                    r#"number "true""#,
                    r#"number "false""#,
                    "seconds -60",
                ],
            ),
        ),
        everywhere(
            "session_set_expiry",
            "the same moment, written in UTC",
            [(
                "offset 19800",
                r#"Some("\"2023-11-14T22:13:20+00:00\""), modified true"#,
            )],
        ),
        everywhere(
            "session_middleware",
            "what is cleared has been loaded, so that a key without a live session is known to be none; Django \
             goes on with that key, and so brings the expired session back",
            alike(
                &cookie_deleted,
                ["clear on unknown 200", "clear on expired 200"],
            ),
        ),
        everywhere(
            "session_middleware",
            "of a request that failed nothing is carried out; Django deletes while the view still runs",
            alike(&nothing_done, ["flush on live 500"]),
        ),
        everywhere(
            "session_middleware",
            "a response of a request that failed sends no cookie; Django deletes one that opens nothing",
            alike(
                &nothing_done,
                [
                    "read on unknown 500",
                    "read on expired 500",
                    "read on short 500",
                    "read on empty 500",
                    "flush on unknown 500",
                    "flush on expired 500",
                    "flush on short 500",
                    "flush on empty 500",
                ],
            ),
        ),
        everywhere(
            "session_middleware",
            "the cookie is read when the session is asked for; Django looks at each, and deletes what can be no key",
            alike(
                &not_looked_at,
                [
                    "nothing on short 200",
                    "nothing on short 302",
                    "nothing on short 404",
                    "nothing on short 500",
                    "nothing on empty 200",
                    "nothing on empty 302",
                    "nothing on empty 404",
                    "nothing on empty 500",
                ],
            ),
        ),
        everywhere(
            "session_middleware",
            "changes are made name by name, and this one has no name",
            alike(&nothing_done, ["update {} on live 200"]),
        ),
    ]
}

pub(crate) fn expiries() -> Vec<Deviation> {
    let site_default = "age 1209600, for 1209600000000 µs, at browser close false";
    let section = "session_expiry";
    vec![
        everywhere(
            section,
            "Django raises when it saves such a session, so that every page of its visitor fails; here the site's \
             own age counts",
            alike(
                site_default,
                [
                    r#""""#,
                    "NaN",
                    "[1]",
                    r#"{"a": 1}"#,
                    r#"" ""#,
                    r#""0""#,
                    r#""300""#,
                    r#""garbage""#,
                    r#""2023-11-14T23:13:20+24:00""#,
                    r#""20231114231320Z""#,
                    r#""2023-318T00:00:00Z""#,
                    r#""2023-11-14t23:13:20z""#,
                    r#"" 2023-11-14T23:13:20Z""#,
                    r#""2023-11-14T23:13:20Z ""#,
                    r#""2023-11-14T23:13:60Z""#,
                    r#""2023-11-31T00:00:00Z""#,
                    r#""2023-13-01T00:00:00Z""#,
                    r#""2023-02-29T00:00:00Z""#,
                    r#""10000-01-01T00:00:00Z""#,
                    r#""2023-1-1""#,
                    r#""23-11-14""#,
                    r#""2023-11-14T23:1Z""#,
                    r#""2023-11-14T""#,
                    r#""T23:13:20Z""#,
                    r#""\uff12\uff10\uff12\uff13-11-14T23:13:20Z""#,
                    r#""2023-11-14T23:13:20+00:00Z""#,
                    r#""2023-11-14T23:13:20\u221201:00""#,
                ],
            ),
        ),
        everywhere(
            section,
            "a date without a zone: Django cannot tell its age and raises",
            alike(
                site_default,
                [
                    r#""2023-11-14""#,
                    r#""20231114""#,
                    r#""2023-11-14T23:13:20""#,
                    r#""2023-11-14T23:13:20.000001""#,
                ],
            ),
        ),
        everywhere(
            section,
            "slips of one Python's reader: nothing writes such dates, and ISO 8601 has none",
            alike(
                site_default,
                [
                    r#""2023-11-14T23:13:20 Z""#,
                    r#""2023-11-14T23:13:20.Z""#,
                    r#""2023-11-14T23:13:20.+00:00""#,
                ],
            ),
        ),
        everywhere(
            section,
            "Python 3.13 and later read it so; the rows are 3.12's",
            [
                (
                    r#""2023-11-14T24:00:00Z""#,
                    "age 6400, for 6400000000 µs, at browser close false",
                ),
                (
                    r#""2023-11-14T24:00:00Z""#,
                    "age 6399, for 6399250000 µs, at browser close false",
                ),
            ],
        ),
        everywhere(
            section,
            "beyond the years of Python's dates Django raises; here the last moment there is stands for it",
            alike(
                "age 251702300799, until the last moment, at browser close false",
                [
                    "1000000000000",
                    "1000000000000000000",
                    "1000000000000000000000000000000",
                    "1e+300",
                    "Infinity",
                ],
            ),
        ),
        everywhere(
            section,
            "and here the first",
            [
                (
                    "-1000000000000",
                    "age -63835596800, until the first moment, at browser close false",
                ),
                (
                    "-1000000000000",
                    "age -63835596801, until the first moment, at browser close false",
                ),
            ],
        ),
        everywhere(
            section,
            "ages are rounded down, not towards zero; either has ended",
            [("-0.5", "age -1, for -500000 µs, at browser close false")],
        ),
    ]
}
