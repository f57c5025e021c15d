//! The end of a request: its session is carried out and its cookies are written, in Django's order.

use std::pin::Pin;

use axum::response::{IntoResponse, Response};
use cloakroom_core::cookie::SetCookie;
use cloakroom_core::session::{Committed, WrittenCookie};
use cloakroom_core::time::Timestamp;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, Entry, HeaderMap, SET_COOKIE, VARY};

use crate::error::Error;
use crate::site::Sessions;
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
    match settle(&visit, response.status().is_server_error()) {
        Some(cookie) => Finish::Done(answer(&visit, response, cookie)),
        None => Finish::Waits(Box::pin(async move {
            let cookie = carry_out(&visit).await;
            answer(&visit, response, cookie)
        })),
    }
}

/// Seals the session. The session cookie that is due, or `None` if the session is to be carried out first.
fn settle(visit: &Visit, failed: bool) -> Option<Result<Option<SetCookie>, Error>> {
    let config = &visit.site().config.session;
    let mut state = visit.state();
    state.sealed = true;
    let session = match &state.session {
        _ if failed => return Some(Ok(None)),
        Slot::Unloaded => return Some(Ok(None)),
        // An early save may still be on its way in a task of its own; `commit` waits for it.
        Slot::Away => return None,
        Slot::Open(session) => session,
    };
    let dead = session.is_empty() && !session.is_modified() && !session.is_unreadable();
    if dead && config.deletes_dead_cookie && state.sent_session_cookie {
        return Some(config.cookie.deletion().map(Some).map_err(Error::from));
    }
    let saves = session.is_modified() || session.was_saved() || config.save_every_request;
    (!saves).then_some(Ok(None))
}

/// Carries the session out; the session cookie that is due.
async fn carry_out(visit: &Visit) -> Result<Option<SetCookie>, Error> {
    let site = visit.site();
    let config = &site.config.session;
    let secure = || visit.secure(config.cookie.secure);
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
                Timestamp::now(),
            )?
        };
        return Ok(match written {
            WrittenCookie::Untouched => None,
            WrittenCookie::Deleted => Some(config.cookie.deletion()?),
            WrittenCookie::Saved { value, max_age } => {
                let cookie = site.session_cookie(&value)?.secure(secure());
                Some(lasting(cookie, max_age))
            }
        });
    }
    Ok(match visit.commit(true).await? {
        None | Some(Committed::Untouched) => None,
        Some(Committed::Deleted) => Some(config.cookie.deletion()?),
        Some(Committed::Saved(saved)) => {
            let cookie = site.session_cookie(saved.key.as_str())?.secure(secure());
            Some(lasting(cookie, saved.max_age))
        }
    })
}

/// The response with its cookies, and with what caches are to know of them.
fn answer(
    visit: &Visit,
    mut response: Response,
    session_cookie: Result<Option<SetCookie>, Error>,
) -> Response {
    let failed = response.status().is_server_error();
    let mut state = visit.state();
    let written = session_cookie.and_then(|cookie| {
        let headers = response.headers_mut();
        write_cookies(visit, &mut state, cookie.as_ref(), failed, headers)
    });
    let sets_ours = match written {
        Ok(ours) => ours,
        Err(error) => {
            response = error.into_response();
            false
        }
    };
    if state.reads_cookies {
        vary_by_cookie(response.headers_mut());
    }
    let signed_in = matches!(state.user, Some(Some(_)));
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
    response
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
    state: &mut State,
    session_cookie: Option<&SetCookie>,
    failed: bool,
    headers: &mut HeaderMap,
) -> Result<bool, Error> {
    if failed && !state.cookie_names.is_empty() {
        tracing::warn!(cookies = ?state.cookie_names, "the handler failed, so its cookies are not sent");
        state.cookies = Default::default();
    }
    let csrf_secret = state.csrf.cookie_due();
    state.reads_cookies |= csrf_secret.is_some() || session_cookie.is_some();
    let config = &visit.site().config.csrf;
    let csrf_cookie = match csrf_secret.filter(|_| !failed) {
        None => None,
        Some(secret) => {
            let secure = visit.secure(config.cookie.secure);
            let cookie = visit.site().csrf_cookie(&secret)?.secure(secure);
            Some(lasting(cookie, config.cookie_age))
        }
    };
    let now = Timestamp::now();
    let mut append = |value: String| {
        // The writer lets nothing through that a header cannot carry.
        let value = HeaderValue::try_from(value).map_err(|_| Error::closed())?;
        headers.append(SET_COOKIE, value);
        Ok::<(), Error>(())
    };
    let ours = [csrf_cookie.as_ref(), session_cookie];
    // A handler's own cookie of such a name keeps its place, and whatever ours does not say.
    let apart = ours.map(|cookie| cookie.filter(|cookie| !state.cookies.set_again(cookie, now)));
    for value in state.cookies.header_values() {
        append(value)?;
    }
    for cookie in apart.into_iter().flatten() {
        append(cookie.header_value(now))?;
    }
    Ok(ours.iter().any(Option::is_some))
}

/// Django's `patch_vary_headers`: adds `Cookie` unless it is there; a `*` stands for everything.
fn vary_by_cookie(headers: &mut HeaderMap) {
    if let Entry::Vacant(entry) = headers.entry(VARY) {
        entry.insert(HeaderValue::from_static("Cookie"));
        return;
    }
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
