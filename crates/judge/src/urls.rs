//! Where a login may lead.

use cloakroom_core::auth::{NextRule, is_safe_next, login_redirect};
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask};

#[derive(Deserialize)]
pub(crate) struct SafeNext {
    url: String,
    hosts: Vec<String>,
    https: bool,
}

impl Ask for SafeNext {
    fn answer(self) -> Answer {
        let hosts: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        Ok(json!(is_safe_next(
            &self.url,
            &hosts,
            self.https,
            NextRule::Django
        )))
    }
}

#[derive(Deserialize)]
pub(crate) struct LoginRedirect {
    login_url: String,
    next: String,
    field: String,
}

impl Ask for LoginRedirect {
    fn answer(self) -> Answer {
        Ok(json!(login_redirect(
            &self.login_url,
            &self.next,
            &self.field
        )))
    }
}
