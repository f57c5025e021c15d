//! Three ways to change a JWT that somebody might hope to get through with.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::KeyInit as _;
use serde::Deserialize;

use super::{Key, signature};

/// What is to be done to a JWT.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Forgery {
    payload: String,
    way: Way,
}

enum Way {
    /// The signature stays as it was.
    KeepSignature,
    /// The header says that nothing is signed.
    AlgNone,
    /// It is signed, by somebody who has not the site's key.
    OtherKey,
}

/// So that the token fits into a cookie.
const LONGEST_PAYLOAD: usize = 600;
/// Those of the library have less than half of it.
const LONGEST_PART: usize = 200;

impl From<HashMap<String, String>> for Forgery {
    fn from(fields: HashMap<String, String>) -> Self {
        let text = |name| fields.get(name).map_or("", String::as_str);
        let way = match text("way") {
            "none" => Way::AlgNone,
            "key" => Way::OtherKey,
            _ => Way::KeepSignature,
        };
        Self {
            payload: text("payload").chars().take(LONGEST_PAYLOAD).collect(),
            way,
        }
    }
}

impl Forgery {
    pub(super) fn forge(&self, jwt: &str) -> String {
        // A browser may send anything as this cookie.
        let mut parts = jwt.split('.').map(|part| {
            let base64 = part
                .chars()
                .filter(|character| character.is_ascii_alphanumeric() || "-_".contains(*character));
            base64.take(LONGEST_PART).collect::<String>()
        });
        let header = parts.next().unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.encode(self.payload.trim());
        match self.way {
            Way::KeepSignature => {
                format!("{header}.{payload}.{}", parts.nth(1).unwrap_or_default())
            }
            Way::AlgNone => format!(
                "{}.{payload}.",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)
            ),
            Way::OtherKey => {
                let key =
                    Key::new_from_slice(b"another key").expect("HMAC takes keys of any length");
                let text = format!("{header}.{payload}");
                format!("{text}.{}", signature(&key, &text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cloakroom::cookie::SetCookie;
    use cloakroom::time::Timestamp;

    use super::*;

    #[test]
    fn whatever_is_forged_is_a_cookie_that_browsers_keep() {
        let long = "€".repeat(10_000);
        for way in ["payload", "none", "key"] {
            for (jwt, payload) in [
                ("", ""),
                ("a.b.c", "{}"),
                (&*format!("{long}.{long}.{}", "x".repeat(9000)), &*long),
            ] {
                let fields = [("payload", payload), ("way", way)];
                let fields = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
                let forged = Forgery::from(HashMap::from(fields)).forge(jwt);
                let cookie = SetCookie::new("jwt", &forged).unwrap();
                assert_eq!(
                    cookie.refusal(Timestamp::now()),
                    None,
                    "{way}: {} bytes",
                    forged.len()
                );
            }
        }
    }
}
