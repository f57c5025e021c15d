//! The end of a request: its session is carried out and its cookies are written, in Django's order.

use std::pin::Pin;

use axum::response::{IntoResponse, Response};
use cloakroom_core::cookie::{PreparedCookie, SetCookie, Vary};
use cloakroom_core::session::{Due, Found, failed};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, Entry, HeaderMap, SET_COOKIE, VARY};

use crate::config::{InvalidCookie, SecretPlace};
use crate::csrf::FormNext;
use crate::error::{Error, ErrorKind, json};
use crate::site::CarriedOut;
use crate::visit::{Slot, State, Visit};

/// The end of a request.
pub(crate) enum Finish {
    /// Nothing had to be waited for.
    Done(Response),
    /// The session is being carried out.
    Waits(Carrying),
}

pub(crate) type Carrying = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Takes up what the request did. If that fails, the handler's response is not sent: it would acknowledge
/// what did not happen.
pub(crate) fn finish(visit: Visit, response: Response) -> Finish {
    match settle(&visit, response.status().as_u16()) {
        Some(cookie) => Finish::Done(answer(&visit, response, cookie)),
        None => Finish::Waits(Box::pin(async move {
            let cookie = carry_out(&visit).await;
            answer(&visit, response, cookie)
        })),
    }
}

/// Seals the session. The session cookie that is due, or `None` if the session is to be carried out first.
fn settle(visit: &Visit, status: u16) -> Option<Result<Option<SetCookie>, Error>> {
    let site = visit.site();
    let mut state = visit.state();
    state.sealed = true;
    if let Some(failure) = state.body_failure {
        // The form turned out to be none after its handler had begun: nothing of what that did is kept or sent.
        return Some(Err(failure.into()));
    }
    visit.keep_csrf_secret(&mut state);
    let found = match &state.session {
        Slot::Unloaded => Found::Unaccessed,
        Slot::Open(session) => session.found(),
        // An early save may still be on its way in a task of its own; `commit` waits for it.
        Slot::Away => Found::Modified,
    };
    let rules = &site.response_rules;
    let at = rules.process_response(found, state.sent_session_cookie, status);
    state.reads_cookies |= at.varies_by_cookie;
    if site.guard_only {
        return Some(Ok(None));
    }
    match at.due {
        Due::Nothing => Some(Ok(None)),
        Due::CookieDeletion => {
            let cookie = site.session_cookie().map(PreparedCookie::deletion);
            Some(cookie.map(Some))
        }
        Due::Save => None,
    }
}

/// Carries the session out; the session cookie that is due.
async fn carry_out(visit: &Visit) -> Result<Option<SetCookie>, Error> {
    let site = visit.site();
    let cookie = site.session_cookie()?;
    let secure = visit.secure(site.config.session.cookie.secure);
    let written = match visit.commit(true).await? {
        CarriedOut::Nothing => Ok(None),
        CarriedOut::InStore(committed) => committed.cookie(cookie, secure),
        CarriedOut::InCookie(written) => written.cookie(cookie, secure),
    };
    written.map_err(unwritable)
}

/// The values of these cookies are always writable, so it is what the settings say of them.
fn unwritable(error: cloakroom_core::cookie::CookieError) -> Error {
    InvalidCookie::from(error).into()
}

/// The response with its cookies, and with what caches are to know of them.
fn answer(
    visit: &Visit,
    mut response: Response,
    session_cookie: Result<Option<SetCookie>, Error>,
) -> Response {
    let status = response.status().as_u16();
    let mut state = visit.state();
    let written = session_cookie.and_then(|cookie| {
        let headers = response.headers_mut();
        write_cookies(visit, &mut state, cookie.as_ref(), status, headers)
    });
    let sets_ours = match written {
        Ok(ours) => ours,
        Err(error) => {
            response = error.into_response();
            false
        }
    };
    if state.reads_cookies {
        vary_by(response.headers_mut(), "Cookie");
    }
    // A bearer token is whom the page is for, or why it is for nobody (CVE-2026-35193).
    if state.reads_authorization || (state.reads_cookies && visit.takes_no_cookies()) {
        vary_by(response.headers_mut(), "Authorization");
    }
    let signed_in = matches!(state.user, Some(Some(_))) || state.bearer.is_some();
    let privacy = match (signed_in, sets_ours) {
        (true, _) => Some("private, no-store"),
        // A cache that varies by cookie may still keep it for everybody who has none.
        (false, true) => Some("private"),
        (false, false) => None,
    };
    if let Some(privacy) = privacy
        && visit.site().config.login.pages_are_private
        && let Entry::Vacant(entry) = response.headers_mut().entry(CACHE_CONTROL)
    {
        entry.insert(HeaderValue::from_static(privacy));
    }
    if let Some(kind) = response.extensions().get::<ErrorKind>().copied() {
        if let (ErrorKind::CsrfFailed { .. }, Some(next)) = (kind, state.form_next.take()) {
            response.extensions_mut().insert(FormNext(next));
        }
        if visit.wants_json() {
            json::rewrite(&mut response);
        }
    }
    response
}

/// The handler's cookies, then the CSRF cookie, then the session's: the order of Django's middleware.
///
/// True if one of the latter two is set or deleted.
fn write_cookies(
    visit: &Visit,
    state: &mut State,
    session_cookie: Option<&SetCookie>,
    status: u16,
    headers: &mut HeaderMap,
) -> Result<bool, Error> {
    if failed(status) && !state.cookie_names.is_empty() {
        tracing::warn!(cookies = ?state.cookie_names, "the handler failed, so its cookies are not sent");
        state.cookies = Default::default();
    }
    let csrf_secret = match visit.site().config.csrf.secret {
        SecretPlace::Session => None,
        SecretPlace::Cookie | SecretPlace::CookieOfLogin => state.csrf.process_response(),
    };
    state.reads_cookies |= csrf_secret.is_some();
    let csrf_cookie = match csrf_secret {
        None => None,
        Some(secret) => {
            let config = &visit.site().config.csrf;
            let secure = visit.secure(config.cookie.secure);
            let cookie = visit.site().csrf_cookie()?;
            let cookie = cookie.cookie(secret.as_str(), config.cookie_age, secure);
            Some(cookie.map_err(unwritable)?)
        }
    };
    let ours = [csrf_cookie.as_ref(), session_cookie];
    let sets_ours = ours.iter().any(Option::is_some);
    if !sets_ours && state.cookies.is_empty() {
        return Ok(false);
    }
    let now = visit.site().now();
    let mut append = |value: String| {
        // The writer lets nothing through that a header cannot carry.
        let value = HeaderValue::try_from(value).map_err(|_| Error::closed())?;
        headers.append(SET_COOKIE, value);
        Ok::<(), Error>(())
    };
    // A handler's own cookie of such a name keeps its place, and whatever ours does not say.
    let apart = ours.map(|cookie| cookie.filter(|cookie| !state.cookies.set_again(cookie, now)));
    for value in state.cookies.header_values() {
        append(value)?;
    }
    for cookie in apart.into_iter().flatten() {
        append(cookie.header_value(now))?;
    }
    Ok(sets_ours)
}

/// Has caches know that the response depends on this header of the request.
fn vary_by(headers: &mut HeaderMap, header: &'static str) {
    let name = HeaderValue::from_static(header);
    if let Entry::Vacant(entry) = headers.entry(VARY) {
        entry.insert(name);
        return;
    }
    let values = headers.get_all(VARY).iter();
    match Vary::by(header, values.filter_map(|value| value.to_str().ok())) {
        Vary::Keep => {}
        Vary::Set => drop(headers.insert(VARY, name)),
        Vary::Add => drop(headers.append(VARY, name)),
        Vary::Everything => drop(headers.insert(VARY, HeaderValue::from_static("*"))),
    }
}
