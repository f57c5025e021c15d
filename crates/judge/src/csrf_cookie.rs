//! The CSRF cookie of a request and its response.
//!
//! What a request knows is kept by the site that asks, in its own `META`: a secret, and whether the cookie is to be
//! set.

use cloakroom_core::csrf::{CsrfCookie, CsrfSecret};
use cloakroom_core::random::RandomError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::question::{Answer, Ask, Fault};
use crate::sessions::Handle;

fn random(error: RandomError) -> Fault {
    Fault::new("random", error)
}

/// A request that knows this secret. A secret is also what a cookie may hold.
fn knowing(secret: Option<&str>) -> Result<CsrfCookie, Fault> {
    let mut cookie = CsrfCookie::default();
    if let Some(secret) = secret {
        CsrfSecret::from_stored(secret).map_err(|error| Fault::new("token", error))?;
        cookie.process_request(Some(secret)).map_err(random)?;
    }
    Ok(cookie)
}

fn known(cookie: &CsrfCookie) -> Value {
    json!({
        "secret": cookie.secret().map(CsrfSecret::as_str),
        "needs_update": cookie.process_response().is_some(),
    })
}

/// The secret may be a cookie's or a session's.
#[derive(Deserialize)]
pub(crate) struct ProcessRequest {
    sent: Option<String>,
    session: Option<Handle>,
}

impl Ask for ProcessRequest {
    fn answer(self) -> Answer {
        let mut cookie = CsrfCookie::default();
        match self.session {
            None => cookie
                .process_request(self.sent.as_deref())
                .map_err(random)?,
            Some(session) => session
                .with(|session| cookie.process_request_in_session(session).map_err(random))?,
        }
        Ok(known(&cookie))
    }
}

#[derive(Deserialize)]
pub(crate) struct GetToken {
    secret: Option<String>,
}

impl Ask for GetToken {
    fn answer(self) -> Answer {
        let mut cookie = knowing(self.secret.as_deref())?;
        let token = cookie.token().map_err(random)?;
        let mut answer = known(&cookie);
        answer["token"] = json!(token);
        Ok(answer)
    }
}

#[derive(Deserialize)]
pub(crate) struct RotateToken {
    secret: Option<String>,
}

impl Ask for RotateToken {
    fn answer(self) -> Answer {
        let mut cookie = knowing(self.secret.as_deref())?;
        cookie.rotate_token().map_err(random)?;
        Ok(known(&cookie))
    }
}

#[derive(Deserialize)]
pub(crate) struct ProcessResponse {
    secret: Option<String>,
    needs_update: bool,
    session: Option<Handle>,
}

impl Ask for ProcessResponse {
    /// The cookie's secret, if it is due; of a session whether it was changed.
    fn answer(self) -> Answer {
        let mut cookie = knowing(self.secret.as_deref())?;
        if self.needs_update {
            // Whatever else needs it, a token that was shown does.
            cookie.token().map_err(random)?;
        }
        if let Some(session) = self.session {
            let is_changed =
                session.with(|session| Ok(cookie.process_response_in_session(session)))?;
            return Ok(json!(is_changed));
        }
        Ok(json!(cookie.process_response().map(CsrfSecret::as_str)))
    }
}
