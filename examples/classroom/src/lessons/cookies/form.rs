//! The form of a cookie, as it was filled in.

use std::collections::HashMap;

use cloakroom::cookie::SameSite;
use cloakroom::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What was typed. Any form can be read as one: what is missing is empty, and what is wrong is told on the page.
#[derive(Default, Deserialize, Serialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct CookieForm {
    pub(super) name: String,
    pub(super) value: String,
    max_age: String,
    expires: String,
    pub(super) path: String,
    pub(super) domain: String,
    same_site: String,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) partitioned: bool,
    pub(super) answer: Answer,
    /// The button *Delete* was pressed.
    #[serde(skip)]
    pub(super) deletes: bool,
}

/// What carries the cookie to the browser.
#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    #[default]
    Redirect,
    Page,
    Template,
}

impl CookieForm {
    pub(super) fn max_age(&self) -> Result<Option<i64>, Failure> {
        if self.max_age.is_empty() {
            return Ok(None);
        }
        if !self.expires.is_empty() {
            return Err("Max-Age and Expires say the same: fill in one of them".into());
        }
        let seconds = self.max_age.parse();
        Ok(Some(
            seconds.map_err(|_| "Max-Age is a whole number of seconds")?,
        ))
    }

    pub(super) fn expires(&self) -> Result<Option<Timestamp>, Failure> {
        if self.expires.is_empty() {
            return Ok(None);
        }
        let moment = Timestamp::from_sql_text(&self.expires);
        Ok(Some(moment.ok_or(
            "Expires is a date and a time, as 2030-12-31T23:59",
        )?))
    }

    pub(super) fn same_site(&self) -> Result<Option<SameSite>, Failure> {
        if self.same_site.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.same_site.parse()?))
    }

    pub(super) fn ordinary() -> Self {
        Self {
            name: "colour".into(),
            value: "green".into(),
            max_age: "3600".into(),
            path: "/".into(),
            same_site: "Lax".into(),
            ..Self::default()
        }
    }

    /// The form filled in with one of the [`EXAMPLES`].
    fn example(name: &str) -> Self {
        let mut form = Self::ordinary();
        match name {
            "below" => (form.path, form.http_only) = ("/cookies/".into(), true),
            "large" => form.value = "x".repeat(4096),
            "long" => form.max_age = (500 * 86_400).to_string(),
            "host" => {
                (form.name, form.path, form.secure) =
                    ("__Host-colour".into(), "/cookies/".into(), true)
            }
            "none" => form.same_site = "None".into(),
            _ => {}
        }
        form
    }
}

/// What can be filled in at once: a name for the query, and words.
pub(super) const EXAMPLES: [(&str, &str); 5] = [
    ("below", "HttpOnly, for /cookies/ alone"),
    ("large", "more than 4096 bytes"),
    ("long", "for 500 days"),
    ("host", "__Host- with a path"),
    ("none", "SameSite=None without Secure"),
];

impl From<HashMap<String, String>> for CookieForm {
    fn from(mut fields: HashMap<String, String>) -> Self {
        if !fields.contains_key("name") {
            return Self::example(fields.get("example").map_or("", String::as_str));
        }
        let is_ticked = |name| fields.contains_key(name);
        let (secure, http_only, partitioned) = (
            is_ticked("secure"),
            is_ticked("http_only"),
            is_ticked("partitioned"),
        );
        let mut text = |name| fields.remove(name).unwrap_or_default();
        Self {
            name: text("name"),
            value: text("value"),
            max_age: text("max_age").trim().to_owned(),
            expires: text("expires").trim().to_owned(),
            path: text("path"),
            domain: text("domain"),
            same_site: text("same_site"),
            secure,
            http_only,
            partitioned,
            answer: match text("answer").as_str() {
                "page" => Answer::Page,
                "template" => Answer::Template,
                _ => Answer::Redirect,
            },
            deletes: text("do") == "delete",
        }
    }
}
