//! What a response does with its session, and the cookies and `Vary` that follow.

use cloakroom_core::cookie::{SameSite, SiteCookie, Vary};
use cloakroom_core::session::{Due, Found, ResponseRules};
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask, Fault};
use crate::signing::Now;

/// What is due to a session that a response finds like this.
#[derive(Deserialize)]
pub(crate) struct SessionResponse {
    found: FoundSession,
    sent_cookie: bool,
    status: u16,
    save_every_request: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FoundSession {
    Unaccessed,
    Empty,
    Unmodified,
    Modified,
}

impl Ask for SessionResponse {
    fn answer(self) -> Answer {
        let rules = ResponseRules {
            save_every_request: self.save_every_request,
            deletes_dead_cookie: true,
        };
        let found = match self.found {
            FoundSession::Unaccessed => Found::Unaccessed,
            FoundSession::Empty => Found::Empty,
            FoundSession::Unmodified => Found::Unmodified,
            FoundSession::Modified => Found::Modified,
        };
        let at = rules.process_response(found, self.sent_cookie, self.status);
        let due = match at.due {
            Due::Nothing => "nothing",
            Due::CookieDeletion => "deletion",
            Due::Save => "save",
        };
        Ok(json!({"due": due, "varies": at.varies_by_cookie}))
    }
}

/// The header of a cookie that the site's settings describe; without a value its deletion.
#[derive(Deserialize)]
pub(crate) struct WriteSiteCookie {
    name: String,
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<String>,
    value: Option<String>,
    max_age: Option<i64>,
    now: Now,
}

impl Ask for WriteSiteCookie {
    fn answer(self) -> Answer {
        let same_site = self.same_site.as_deref().map(str::parse::<SameSite>);
        let site = SiteCookie {
            name: &self.name,
            domain: self.domain.as_deref(),
            path: &self.path,
            http_only: self.http_only,
            same_site: same_site
                .transpose()
                .map_err(|error| Fault::new("same_site", error))?,
        };
        let site = site
            .prepared()
            .map_err(|error| Fault::new("cookie", error))?;
        let cookie = match &self.value {
            Some(value) => site
                .cookie(value, self.max_age, self.secure)
                .map_err(|error| Fault::new("cookie", error))?,
            None => site.deletion(),
        };
        Ok(json!(cookie.header_value(self.now.timestamp())))
    }
}

/// What is to become of a response's `Vary` that is to name the cookies.
#[derive(Deserialize)]
pub(crate) struct VaryByCookie {
    values: Vec<String>,
}

impl Ask for VaryByCookie {
    fn answer(self) -> Answer {
        Ok(json!(
            match Vary::by("Cookie", self.values.iter().map(String::as_str)) {
                Vary::Keep => "keep",
                Vary::Set => "cookie",
                Vary::Add => "add",
                Vary::Everything => "everything",
            }
        ))
    }
}
