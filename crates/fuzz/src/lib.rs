//! What must hold of core's parsers whatever the bytes: one function for each target of the fuzzer.
//!
//! A target takes any bytes and panics if what it says of them does not hold. The fuzzer looks for such bytes
//! (`tests/fuzz`), and a test puts all that were worth keeping to their target (`tests/corpus.rs`). Where it can, a
//! target asks somebody else for the right answer: serde_json, the `url` crate, or a model that is slower and
//! simpler than core.

#![forbid(unsafe_code)]
#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how a target says that it found something"
)]

mod cookies;
mod csrf;
mod forms;
mod names;
mod parts;
mod passwords;
mod secrets;
mod sessions;
mod signing;
mod time;
mod tokens;
mod urls;

pub use cookies::{cookie_header, set_cookie};
pub use csrf::{csrf_page, csrf_token, trusted_origin};
pub use forms::multipart_form;
pub use names::{django_version, username};
pub use passwords::password_hash;
pub use secrets::secret_keys;
pub use sessions::data::session_data;
pub use sessions::expiry::session_expiry;
pub use sessions::key::session_key;
pub use sessions::merge::session_merge;
pub use sessions::pickle::pickle;
pub use sessions::rows::{session_row, signed_cookie_session};
pub use signing::{signature, signed_cookie, signed_object, signed_time};
pub use time::timestamp;
pub use tokens::{jwt, reset_token};
pub use urls::{login_redirect, safe_next};

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::time::Timestamp;

/// Lists the targets under their names.
macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// Every target and its name, which is also that of its folder in `corpus/` and of its file in
        /// `fuzz/targets/`.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    cookie_header,
    set_cookie,
    signature,
    signed_time,
    signed_object,
    signed_cookie,
    session_data,
    session_merge,
    session_row,
    pickle,
    signed_cookie_session,
    session_key,
    session_expiry,
    csrf_token,
    csrf_page,
    trusted_origin,
    multipart_form,
    safe_next,
    login_redirect,
    password_hash,
    timestamp,
    secret_keys,
    django_version,
    username,
    reset_token,
    jwt,
}

/// The moment at which everything here happens: 2023-11-14 22:13:20 UTC.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// A site's keys: the one that signs and one that is on its way out.
fn secrets() -> Secrets {
    let key = |text: &str| SecretKey::insecure_new(text).expect("it is not empty");
    Secrets::new(key("test-secret-key-0123456789")).with_fallbacks(vec![key("old")])
}
