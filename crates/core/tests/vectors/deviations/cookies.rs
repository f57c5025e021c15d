//! Signatures and cookies that deviate.

use cloakroom_core::cookie::SignedCookies;
use cloakroom_core::version::DjangoVersion;

use super::{DELETED, Deviation, ENDED, alike, everywhere, only_in};
use crate::rows::{NOW, SECRET, secrets};

pub(crate) fn signing() -> Vec<Deviation> {
    vec![
        everywhere(
            "timestamp_sign",
            "moments end with the year 9999, as Python's datetimes do; this is signed as of then",
            [
                (
                    " at 1099511627776",
                    ":4SbCEFr:CHPIiKomWGkLDO8Du22aiBJyq_RMJohuPtNwPOhaehM",
                ),
                (
                    "hello at 1099511627776",
                    "hello:4SbCEFr:3LqZXp1EXDGTQyVlAUADv7XHZjVg4QQQpkKVgfpLi_4",
                ),
                (
                    "a:b at 1099511627776",
                    "a:b:4SbCEFr:a4RKyqSRNlk358PBI3WCmXogwn78Uh0drdp4rii4mT0",
                ),
                (
                    "é at 1099511627776",
                    "é:4SbCEFr:mtA3LB-ukSHPujPf8NApdSkNW1_8Q9HUgJ2UB_VtlSM",
                ),
            ],
        ),
        everywhere(
            "timestamp_unsign",
            "a date of no digits, or beyond 64 bits: only who has the key could sign it, and Django never does",
            alike(
                "no date",
                [
                    "hello:-",
                    "hello:- within 10",
                    "hello:zzzzzzzzzzzzzz",
                    "hello:zzzzzzzzzzzzzz within 10",
                ],
            ),
        ),
        everywhere(
            "dumps",
            "another deflate, which misses by a byte what makes compression worth having",
            [(
                r#""\u0000\u001f\u007f\u0080\u2028\"\\/""#,
                "Ilx1MDAwMFx1MDAxZlx1MDA3Zlx1MDA4MFx1MjAyOFwiXFwvIg:1r31eq:\
                 6CbDudt8obsJzcNTmCPuGm1IPnbZXy9dt21oP6nNp_k",
            )],
        ),
    ]
}

pub(crate) fn cookies() -> Vec<Deviation> {
    let controls = (0..32).chain([127]).map(char::from);
    let controls = controls.flat_map(|control| [format!("{control}"), format!("a{control}b")]);
    vec![
        everywhere(
            "parse_cookie",
            "browsers trim space and tab only, and let any page set a name that begins with another blank; who \
             trims that too reads a `__Host-x` whose prefix no browser has checked",
            other_blanks(),
        ),
        everywhere(
            "cookie_values",
            "control characters, which Python's security releases refuse too",
            alike("refuses: Value", controls),
        ),
        everywhere(
            "cookie_values",
            "beyond Latin-1 there is no form on the wire",
            alike("refuses: Value", ["é’", "’", "\u{1F600}", "\u{100}"]),
        ),
        everywhere(
            "cookie_names",
            "an attribute from Python 3.14 on",
            [("partitioned", "false")],
        ),
        everywhere(
            "set_cookie",
            "the later of the two ends counts; Django refuses to be given both",
            [(
                r#"[{"expires_at":1700000005,"max_age":5,"name":"n","value":"v"}]"#,
                header("n=v; expires=Tue, 14 Nov 2023 22:13:26 GMT; Max-Age=6; Path=/"),
            )],
        ),
        everywhere(
            "set_cookie",
            "attributes are ASCII, for nobody knows how browsers read others",
            [(
                r#"[{"name":"n","path":"/é","value":"v"}]"#,
                "refuses: Attribute",
            )],
        ),
        everywhere(
            "set_cookie",
            "SameSite is written as usual, not as the setting spells it; browsers ignore its case",
            unusual_same_sites(),
        ),
        everywhere(
            "set_cookie",
            "browsers read the prefixes in any case, and would ignore this deletion without Secure",
            lower_case_prefixes(),
        ),
    ]
}

pub(crate) fn signed_cookies() -> Vec<Deviation> {
    let v2 = "é’:1r31eq:Zwxhq5jAbRSXk3WRTQXA3-8qVQS0c2m6g3zLykntA44";
    let legacy = "é’:1r31eq:tP9RdMtNuZ3k-1Vj9EyAMslFEwx67-meI1geWJgiR_0";
    let reason = "the signed value is none that a cookie carries: beyond Latin-1 there is no form on the wire";
    vec![
        only_in(
            &["4.2"],
            "signed_cookies",
            reason,
            [("é’", format!("{legacy} {legacy} refuses: Value false"))],
        ),
        only_in(
            &["5.2", "6.1"],
            "signed_cookies",
            reason,
            [("é’", format!("{v2} {legacy} refuses: Value true"))],
        ),
        only_in(
            &["4.2"],
            "signed_cookies_read",
            "signatures under the newer salt are always read, so that a fleet can move",
            newer_signatures(),
        ),
    ]
}

/// What Python's `str.strip` strips.
fn other_blanks() -> Vec<(String, String)> {
    let blanks = ('\n'..='\r')
        .chain('\x1c'..='\x1f')
        .chain(['\u{85}', '\u{A0}', '\u{1680}'])
        .chain('\u{2000}'..='\u{200A}')
        .chain(['\u{2028}', '\u{2029}', '\u{202F}', '\u{205F}', '\u{3000}']);
    let mut rows = vec![(
        "\u{2000}__Host-x=evil".to_owned(),
        format!("{:?}", [("\u{2000}__Host-x", "evil")]),
    )];
    for blank in blanks {
        let read = |cookies: &[(&str, &str)]| format!("{cookies:?}");
        let (before, after) = (format!("{blank}a"), format!("b{blank}"));
        rows.push((format!("{blank}a=b"), read(&[(&before, "b")])));
        rows.push((format!("a=b{blank}"), read(&[("a", &after)])));
        let before = format!("{blank}b");
        rows.push((
            format!("a={blank}b; c=d"),
            read(&[("a", &before), ("c", "d")]),
        ));
    }
    rows
}

fn unusual_same_sites() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (given, usual) in [("lax", "Lax"), ("STRICT", "Strict")] {
        rows.push((
            format!(r#"[{{"name":"n","samesite":"{given}","value":"v"}}]"#),
            header(&format!("n=v; Path=/; SameSite={usual}")),
        ));
    }
    rows.push((
        r#"[{"name":"n","samesite":"none","secure":true,"value":"v"}]"#.to_owned(),
        header("n=v; Path=/; SameSite=None; Secure"),
    ));
    for name in ["c", "__Secure-c", "__Host-c", "__secure-c", "__host-c"] {
        for (given, usual) in [("lax", "Lax"), ("none", "None")] {
            let secure = if name == "c" && usual == "Lax" {
                ""
            } else {
                "; Secure"
            };
            rows.push((
                format!(r#"[{{"delete":true,"name":"{name}","samesite":"{given}"}}]"#),
                header(&format!(
                    "{name}={DELETED}; Path=/; SameSite={usual}{secure}"
                )),
            ));
        }
    }
    rows
}

fn lower_case_prefixes() -> Vec<(String, String)> {
    let rows = ["__secure-c", "__host-c"].into_iter().flat_map(|name| {
        [
            (
                format!(r#"[{{"delete":true,"name":"{name}"}}]"#),
                header(&format!("{name}={DELETED}; Path=/; Secure")),
            ),
            (
                format!(r#"[{{"delete":true,"name":"{name}","path":null}}]"#),
                header(&format!("{name}={DELETED}; Secure")),
            ),
            (
                format!(
                    r#"[{{"delete":true,"domain":"example.com","name":"{name}","path":"/p"}}]"#
                ),
                header(&format!(
                    "{name}=\"\"; Domain=example.com; {ENDED}; Path=/p; Secure"
                )),
            ),
        ]
    });
    rows.collect()
}

fn newer_signatures() -> Vec<(String, String)> {
    let cookies = SignedCookies::new(&secrets(SECRET, &[]), DjangoVersion::LATEST);
    let signed = [
        ("c", "", "hello"),
        ("c", "sé", "hello"),
        ("c", "x", "hello"),
        ("a", "bc", "v"),
        ("ab", "c", "v"),
        ("abc", "", "v"),
        ("sessionid", "", ""),
        ("c", "", "a:b"),
        ("c", "", "é’"),
        ("c", "\u{1F600}", "x y;z"),
        ("c", "1:x", "v"),
    ];
    let rows = signed.into_iter().flat_map(|(name, salt, value)| {
        let cookie = cookies.signer(name, salt).sign(value, NOW);
        let read = format!("{value:?}");
        [
            (format!("{name} {salt} {cookie} after 0"), read.clone()),
            (format!("{name} {salt} {cookie} after 10"), read),
            (
                format!("{name} {salt} {cookie} after 11"),
                "SignatureExpired".to_owned(),
            ),
        ]
    });
    rows.collect()
}

/// The only header of a response.
fn header(text: &str) -> String {
    format!("{:?}", [text])
}
