//! What comes in by the forms of the token that is made by hand, and what the page shows of each step.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Key, signature, verify};

/// A message that is to be signed.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Message {
    pub(super) message: String,
}

/// So that its token fits into a cookie.
const LONGEST_MESSAGE: usize = 200;

impl From<HashMap<String, String>> for Message {
    fn from(fields: HashMap<String, String>) -> Self {
        let typed = fields.get("message").map_or("", String::as_str);
        Self {
            message: typed.chars().take(LONGEST_MESSAGE).collect(),
        }
    }
}

/// A token as somebody changed it, without what no cookie can hold.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Typed {
    pub(super) token: String,
}

/// A character takes four bytes on the wire at most, and browsers keep 4096 for a cookie.
const LONGEST_TOKEN: usize = 1000;

impl From<HashMap<String, String>> for Typed {
    fn from(fields: HashMap<String, String>) -> Self {
        let typed = fields.get("token").map_or("", String::as_str);
        let token = typed
            .trim()
            .chars()
            .filter(|character| matches!(character, ' '..='~'));
        Self {
            token: token.take(LONGEST_TOKEN).collect(),
        }
    }
}

/// What verifying a token comes to, step by step.
#[derive(Serialize)]
pub(super) struct Steps {
    token: String,
    /// What stands before the last dot; `None` if there is none.
    payload: Option<String>,
    /// What the payload says, whoever wrote it.
    says: String,
    sent: String,
    again: String,
    /// What is believed.
    message: Option<String>,
}

impl Steps {
    pub(super) fn of(key: &Key, token: String) -> Self {
        let cut = token.rsplit_once('.');
        let (payload, sent) = cut.unwrap_or_default();
        Self {
            says: decoded(payload),
            sent: sent.to_owned(),
            again: signature(key, payload),
            message: verify(key, &token),
            payload: cut.map(|(payload, _)| payload.to_owned()),
            token,
        }
    }
}

/// The text that stands in base64, or nothing if it is none.
pub(super) fn decoded(part: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
