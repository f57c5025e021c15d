//! The visitors whose requests are served: signed in, with some sessions' worth of data.

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::SignedCookieEngine;
use cloakroom_core::signing::{Compression, ObjectSigner};
use cloakroom_core::time::Timestamp;

use crate::case::{Endpoint, Engine};

pub(crate) const SECRET_KEY: &str = "a key for measurements, known to everybody who reads this";
pub(crate) const BACKEND: &str = "django.contrib.auth.backends.ModelBackend";
/// What a user's password column holds. Nothing here hashes it again.
pub(crate) const ENCODED_PASSWORD: &str =
    "pbkdf2_sha256$1500000$W8JYcVCFiQpQzLX3P5Jg7n$2RkYqzN7vC1ybSGyMbUV1vmHHRd9vRZIS3cIAu1Ki5M=";

/// How many there are: enough that not every request finds its session in the nearest cache.
const COUNT: u64 = 256;

/// Someone with a session.
pub(crate) struct Visitor {
    pub(crate) key: String,
    pub(crate) json: String,
    cookie: String,
    csrf: String,
}

pub(crate) struct Visitors;

impl Visitors {
    pub(crate) fn all() -> Vec<Visitor> {
        let now = Timestamp::now();
        let signer = ObjectSigner::new(&secrets(), SignedCookieEngine::SALT, Compression::Always);
        let visitor = |number: u64| {
            let json = format!(
                "{{\"_auth_user_id\":\"{}\",\"_auth_user_backend\":\"{BACKEND}\",\"_auth_user_hash\":\"{}\",\
                 \"_auth_signed_in_at\":{},\"visits\":{number}}}",
                1000 + number,
                text(number, b"0123456789abcdef", 64),
                now.unix_seconds(),
            );
            Visitor {
                key: text(number, b"abcdefghijklmnopqrstuvwxyz0123456789", 32),
                cookie: signer.dumps(&json, now),
                json,
                csrf: text(
                    number,
                    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                    32,
                ),
            }
        };
        (1..=COUNT).map(visitor).collect()
    }
}

impl Visitor {
    /// The `Cookie` header. Who signs in has no session yet.
    pub(crate) fn cookies(&self, engine: Engine, endpoint: Endpoint) -> String {
        let Self {
            key, cookie, csrf, ..
        } = self;
        match (endpoint, engine) {
            (Endpoint::Login, _) => format!("theme=dark; csrftoken={csrf}"),
            (_, Engine::Cookie) => format!("theme=dark; csrftoken={csrf}; sessionid={cookie}"),
            _ => format!("theme=dark; csrftoken={csrf}; sessionid={key}"),
        }
    }
}

pub(crate) fn secrets() -> Secrets {
    Secrets::new(SecretKey::new(SECRET_KEY).expect("it is long enough"))
}

/// Characters that look random and are the same in every run.
fn text(seed: u64, alphabet: &[u8], length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        alphabet[(state >> 33) as usize % alphabet.len()]
    };
    (0..length).map(|_| char::from(next())).collect()
}
