//! The cookies of these pages, and the random text in them.

use std::time::{Duration, SystemTime};

use axum::extract::Request;
use http::header::COOKIE;
use httpdate::HttpDate;

const ALPHANUMERIC: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const KEY: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The value of the cookie that begins with `name`, which ends with `=`.
pub(super) fn find<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let header = request.headers().get(COOKIE)?.to_str().ok()?;
    header.split("; ").find_map(|pair| pair.strip_prefix(name))
}

pub(super) fn csrf(secret: &str, now: SystemTime) -> String {
    let end = HttpDate::from(now + Duration::from_secs(31_449_600));
    format!("csrftoken={secret}; expires={end}; Max-Age=31449600; Path=/; SameSite=Lax; Secure")
}

pub(super) fn session(value: &str, now: SystemTime) -> String {
    let end = HttpDate::from(now + Duration::from_secs(1_209_600));
    format!(
        "sessionid={value}; expires={end}; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax; Secure"
    )
}

/// A new CSRF secret.
pub(super) fn secret() -> String {
    random(ALPHANUMERIC)
}

/// A new session key.
pub(super) fn key() -> String {
    random(KEY)
}

/// A form's token; `None` if the cookie holds no secret.
pub(super) fn masked(secret: &str) -> Option<String> {
    if secret.len() != 32 {
        return None;
    }
    let mut token = secret_with_room();
    for (index, character) in secret.bytes().enumerate() {
        let sum = place(character)? + place(token.as_bytes()[index])?;
        token.push(char::from(ALPHANUMERIC[sum % 62]));
    }
    Some(token)
}

fn secret_with_room() -> String {
    let mut mask = String::with_capacity(64);
    mask.push_str(&secret());
    mask
}

fn place(character: u8) -> Option<usize> {
    let place = match character {
        b'a'..=b'z' => character - b'a',
        b'A'..=b'Z' => character - b'A' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        _ => return None,
    };
    Some(usize::from(place))
}

/// 32 characters, each as likely as any other.
fn random<const N: usize>(alphabet: &[u8; N]) -> String {
    let fair = 256 - 256 % N;
    let mut text = String::with_capacity(32);
    let mut bytes = [0; 48];
    loop {
        getrandom::fill(&mut bytes).expect("the generator answers");
        for byte in bytes {
            if usize::from(byte) < fair {
                text.push(char::from(alphabet[usize::from(byte) % N]));
            }
            if text.len() == 32 {
                return text;
            }
        }
    }
}

pub(super) fn hex(bytes: [u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}
