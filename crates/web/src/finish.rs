//! The end of a request: its session is carried out and its cookies are written, in Django's order.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use cloakroom_core::cookie::SetCookie;
use cloakroom_core::session::{Committed, WrittenCookie};
use cloakroom_core::time::Timestamp;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderMap, SET_COOKIE, VARY};

use crate::error::Error;
use crate::site::Sessions;
use crate::visit::{Slot, State, Visit};

/// Takes up what the request did. If that fails, the handler's response is not sent: it would acknowledge
/// what did not happen.
pub(crate) async fn finish(visit: Visit, mut response: Response) -> Response {
    visit.state().sealed = true;
    let failed = response.status().is_server_error();
    let outcome = if failed {
        Ok(None)
    } else {
        settle(&visit).await
    };
    let mut sets_ours = false;
    match outcome {
        Ok(cookie) => {
            match write_cookies(&visit, cookie.as_ref(), failed, response.headers_mut()) {
                Ok(ours) => sets_ours = ours,
                Err(error) => response = error.into_response(),
            }
        }
        Err(error) => response = error.into_response(),
    }
    if visit.state().reads_cookies {
        vary_by_cookie(response.headers_mut());
    }
    let signed_in = matches!(visit.state().user, Some(Some(_)));
    let privacy = match (signed_in, sets_ours) {
        (true, _) => Some("private, no-store"),
        // A cache that varies by cookie may still keep it for everybody who has none.
        (false, true) => Some("private"),
        (false, false) => None,
    };
    if let Some(privacy) = privacy
        && visit.site().config.login.pages_are_private
        && !response.headers().contains_key(CACHE_CONTROL)
    {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(privacy));
    }
    response
}

/// Carries the session out; the session cookie that is due.
async fn settle(visit: &Visit) -> Result<Option<SetCookie>, Error> {
    let site = Arc::clone(visit.site());
    let config = &site.config.session;
    let secure = || visit.secure(config.cookie.secure);
    let (modified, empty) = {
        let state = visit.state();
        match &state.session {
            // An early save may still be on its way in a task of its own; `commit` waits for it.
            Slot::Unloaded => return Ok(None),
            Slot::Away => (true, false),
            Slot::Open(session) => {
                let dead = session.is_empty() && !session.is_modified() && !session.is_unreadable();
                (
                    session.is_modified() || session.was_saved() || config.save_every_request,
                    dead,
                )
            }
        }
    };
    if empty && config.deletes_dead_cookie && visit.state().sent_session_cookie {
        return Ok(Some(config.cookie.deletion()?));
    }
    if !modified {
        return Ok(None);
    }
    let now = Timestamp::now();
    if let Sessions::SignedCookie(engine) = &site.sessions {
        let last_login = visit.state().last_login.take();
        if let Some((id, at)) = last_login {
            let _ = site.users.set_last_login(&id, at).await?;
        }
        let written = {
            let mut state = visit.state();
            let Slot::Open(mut session) = std::mem::replace(&mut state.session, Slot::Away) else {
                return Ok(None);
            };
            engine.write(
                &mut session,
                &config.cookie.name,
                config.save_every_request,
                now,
            )?
        };
        return Ok(match written {
            WrittenCookie::Untouched => None,
            WrittenCookie::Deleted => Some(config.cookie.deletion()?),
            WrittenCookie::Saved { value, max_age } => {
                Some(lasting(config.cookie.cookie(&value, secure())?, max_age))
            }
        });
    }
    Ok(match visit.commit(true).await? {
        None | Some(Committed::Untouched) => None,
        Some(Committed::Deleted) => Some(config.cookie.deletion()?),
        Some(Committed::Saved(cookie)) => Some(lasting(
            config.cookie.cookie(cookie.key.as_str(), secure())?,
            cookie.max_age,
        )),
    })
}

fn lasting(cookie: SetCookie, max_age: Option<i64>) -> SetCookie {
    match max_age {
        Some(seconds) => cookie.max_age(seconds),
        None => cookie,
    }
}

/// The handler's cookies, then the CSRF cookie, then the session's: the order of Django's middleware.
///
/// True if one of the latter two is set or deleted.
fn write_cookies(
    visit: &Visit,
    session_cookie: Option<&SetCookie>,
    failed: bool,
    headers: &mut HeaderMap,
) -> Result<bool, Error> {
    let now = Timestamp::now();
    let mut guard = visit.state();
    let State {
        cookies,
        cookie_names,
        csrf,
        reads_cookies,
        ..
    } = &mut *guard;
    if failed && !cookie_names.is_empty() {
        tracing::warn!(cookies = ?cookie_names, "the handler failed, so its cookies are not sent");
        *cookies = Default::default();
    }
    let csrf_cookie = csrf.cookie_due();
    *reads_cookies |= csrf_cookie.is_some() || session_cookie.is_some();
    drop(guard);
    let config = &visit.site().config.csrf;
    let csrf_cookie = match csrf_cookie.filter(|_| !failed) {
        None => None,
        Some(secret) => {
            let cookie = config
                .cookie
                .cookie(&secret, visit.secure(config.cookie.secure))?;
            Some(lasting(cookie, config.cookie_age))
        }
    };
    let mut state = visit.state();
    for cookie in csrf_cookie.iter().chain(session_cookie) {
        state.cookies.set(cookie, now);
    }
    for value in state.cookies.header_values() {
        // The writer lets nothing through that a header cannot carry.
        let value = HeaderValue::try_from(value).map_err(|_| Error::closed())?;
        headers.append(SET_COOKIE, value);
    }
    Ok(csrf_cookie.is_some() || session_cookie.is_some())
}

/// Django's `patch_vary_headers`: adds `Cookie` unless it is there; a `*` stands for everything.
fn vary_by_cookie(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if named.iter().any(|name| name == "*") {
        headers.insert(VARY, HeaderValue::from_static("*"));
    } else if named.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
    } else if !named.iter().any(|name| name.eq_ignore_ascii_case("cookie")) {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
}
