//! What the forms of logins that are made by hand send.

use std::collections::HashMap;

use serde::Deserialize;

/// A name and a password; a field that is missing is an empty one.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

impl From<HashMap<String, String>> for Credentials {
    fn from(mut fields: HashMap<String, String>) -> Self {
        let mut field = |name| fields.remove(name).unwrap_or_default();
        Self {
            username: field("username"),
            password: field("password"),
        }
    }
}
