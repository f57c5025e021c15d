//! Where a login may lead.

use cloakroom_core::auth::{
    NextRule, full_path, iri_to_uri, is_safe_next, login_redirect, next_of_request,
};
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

/// Where a request that needs a login is sent.
#[derive(Deserialize)]
pub(crate) struct LoginNext {
    login_url: String,
    scheme: String,
    host: String,
    path: String,
    query: Option<String>,
    field: String,
}

impl Ask for LoginNext {
    fn answer(self) -> Answer {
        let path = full_path(&self.path, self.query.as_deref());
        let next = next_of_request(&self.login_url, &self.scheme, &self.host, &path);
        let location = login_redirect(&self.login_url, &next, &self.field);
        Ok(json!({"full_path": path, "location": location}))
    }
}

#[derive(Deserialize)]
pub(crate) struct IriToUri {
    iri: String,
}

impl Ask for IriToUri {
    fn answer(self) -> Answer {
        Ok(json!(iri_to_uri(&self.iri)))
    }
}
