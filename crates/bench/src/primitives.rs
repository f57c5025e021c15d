//! What one signature, one token and one header cost, beside the primitive below them.

use std::hint::black_box;

use cloakroom_core::cookie::{self, SignedCookies};
use cloakroom_core::csrf::CsrfSecret;
use cloakroom_core::time::Timestamp;
use cloakroom_core::version::DjangoVersion;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::clock;
use crate::pairs::{Pairs, Turn, spread};
use crate::visitors::secrets;

/// So many calls are measured together.
const CALLS: u32 = 10_000;
/// Bytes of the hostile headers: as many as the server lets a request's head have.
const HEADER: usize = 32 << 10;

/// The rows of the table, as text and as JSON.
pub(crate) fn table(rounds: usize) -> (String, Value) {
    let mut table = String::from(
        "| one call | ours ns | beside ns | ours is, median (least to most) |\n|---|---:|---:|---:|",
    );
    let mut figures = Vec::new();
    let pairs = signed_cookies(rounds);
    let (least, median, most) = pairs.ratios();
    let (ours, beside) = (pairs.ours() * 1e3, pairs.theirs() * 1e3);
    table.push_str(&format!(
        "\n| verify a signed cookie, beside its HMAC | {ours:.0} | {beside:.0} | {median:.2} ({least:.2} to {most:.2}) |"
    ));
    figures.push(
        json!({"what": "signed cookie", "ours_ns": ours, "beside_ns": beside, "ratio": median}),
    );

    let mut alone = |what: String, calls: u32, work: &dyn Fn()| {
        let nanoseconds = (0..=rounds).map(|_| each(calls, work) * 1e3).skip(1);
        let (least, median, most) = spread(nanoseconds.collect());
        table.push_str(&format!(
            "\n| {what} | {median:.0} | – | ({least:.0} to {most:.0} ns) |"
        ));
        figures.push(json!({"what": what, "ours_ns": median}));
    };
    let secret = CsrfSecret::generate().expect("the system has random numbers");
    let token = secret.masked().expect("the system has random numbers");
    alone("check a masked CSRF token".into(), CALLS, &|| {
        black_box(secret.verify(black_box(&token))).expect("it is its own");
    });
    for filling in HOSTILE {
        let mut header = filling.repeat(HEADER / filling.len());
        header.truncate(HEADER);
        let name = filling.escape_debug();
        alone(format!("32 kB of `{name}` as a map"), 20, &|| {
            black_box(cookie::map([black_box(header.as_bytes())]));
        });
        alone(format!("32 kB of `{name}`, one name"), 20, &|| {
            black_box(cookie::find_last(black_box(header.as_bytes()), "sessionid"));
        });
    }
    (table, Value::Array(figures))
}

/// What a client may fill a header with.
const HOSTILE: [&str; 11] = [
    "a=b; ",
    "a=b;",
    ";",
    "=",
    " ",
    "a",
    "\\",
    "a=\"\\0\";",
    "a=\"\\054\"; ",
    "\u{e9}=\u{2000};",
    "sessionid=x;",
];

fn signed_cookies(rounds: usize) -> Pairs {
    let cookies = SignedCookies::new(&secrets(), DjangoVersion::LATEST);
    let signer = cookies.signer("theme", "");
    let signed = signer.sign("a value of some thirty-two bytes", Timestamp::now());
    let (payload, _) = signed
        .rsplit_once(':')
        .expect("a signature stands behind a colon");
    // Its state after the key, as ours is kept.
    let prepared = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("HMAC takes keys of any length");
    Pairs::measure(rounds, |turn| match turn {
        Turn::Ours => each(CALLS, &|| {
            black_box(signer.unsign(black_box(&signed))).expect("it is our own");
        }),
        Turn::Theirs => each(CALLS, &|| {
            let mut mac = prepared.clone();
            mac.update(black_box(payload.as_bytes()));
            black_box(mac.finalize());
        }),
    })
}

/// Microseconds of CPU for one of so many calls.
fn each(calls: u32, work: &dyn Fn()) -> f64 {
    let taken = clock::time(|| (0..calls).for_each(|_| work()));
    taken.as_secs_f64() * 1e6 / f64::from(calls)
}
