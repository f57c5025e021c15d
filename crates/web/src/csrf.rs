//! The CSRF check of a request, and the token for its page.

mod body;

use std::fmt;

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::header::{CONNECTION, HeaderName, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Request};

pub use cloakroom_core::csrf::*;

use crate::error::Error;
use crate::visit::{Visit, find_cookie};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Reads the request's CSRF cookie, once.
fn read_cookie(csrf: &mut CsrfCookie, headers: &HeaderMap, name: &str) -> Result<(), Error> {
    if csrf.is_read() {
        return Ok(());
    }
    Ok(csrf.process_request(find_cookie(headers, name).as_deref())?)
}

/// Whether a request could change anything: by its method, or because it asks for a WebSocket.
pub(crate) fn needs_check(parts: &Parts) -> bool {
    let safe = matches!(
        parts.method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    !safe || is_upgrade(parts)
}

/// HTTP/1.1's `Upgrade`. HTTP/2's extended CONNECT has a method of its own.
fn is_upgrade(parts: &Parts) -> bool {
    parts.headers.contains_key(UPGRADE)
        || parts.headers.get_all(CONNECTION).iter().any(|value| {
            value.to_str().is_ok_and(|value| {
                value
                    .split(',')
                    .any(|part| part.trim().eq_ignore_ascii_case("upgrade"))
            })
        })
}

/// Decides whether the handler may run; gives it the request whole.
///
/// The head and a missing cookie decide before a byte of the body is read.
pub(crate) async fn check(visit: &Visit, parts: Parts, body: Body) -> Result<Request<Body>, Error> {
    let config = &visit.site().config.csrf;
    let rules = &config.rules;
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let (origin, referer, fetch_site) = (text(ORIGIN), text(REFERER), text(SEC_FETCH_SITE));
    let place = visit.place();
    let head = CsrfRequest {
        method: parts.method.as_str(),
        secure: place.secure,
        host: Some(&place.host),
        port: place.port,
        origin: origin.as_deref(),
        referer: referer.as_deref(),
        fetch_site: fetch_site.as_deref(),
    };

    if is_upgrade(&parts) || parts.method == Method::CONNECT {
        let session_cookie = &visit.site().config.session.cookie.name;
        if find_cookie(&parts.headers, session_cookie).is_some() {
            check_upgrade(rules, &head).map_err(Error::csrf)?;
        }
        if parts.method == Method::CONNECT {
            return Ok(Request::from_parts(parts, body));
        }
    }
    if check_headers(rules, &head).map_err(Error::csrf)? == Verdict::Accept {
        return Ok(Request::from_parts(parts, body));
    }

    {
        let mut state = visit.state();
        state.reads_cookies = true;
        read_cookie(&mut state.csrf, &parts.headers, &config.cookie.name)?;
        if !matches!(state.csrf.stored(), StoredSecret::Secret(_)) {
            if !place.secure && visit.secure(config.cookie.secure) {
                tracing::warn!(
                    "this form came over plain http, for which browsers do not keep Secure cookies; if a proxy \
                     speaks TLS for the site, set SECURE_PROXY_SSL_HEADER and TRUSTED_PROXIES"
                );
            }
            check_token(state.csrf.stored(), None, None, &rules.header).map_err(Error::csrf)?;
        }
    }
    let (fields, body) = if parts.method == Method::POST && body::is_urlencoded(&parts.headers) {
        body::read(body).await?
    } else {
        (body::Fields::default(), body)
    };
    let header = parts
        .headers
        .get(rules.header.as_str())
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut state = visit.state();
    check_token(
        state.csrf.stored(),
        fields.token.as_deref(),
        header.as_deref(),
        &rules.header,
    )
    .map_err(Error::csrf)?;
    state.form_next = fields.next;
    drop(state);
    Ok(Request::from_parts(parts, body))
}

/// The token for a page's forms. A page that does not use it sets no cookie.
///
/// ```
/// use axum::response::Html;
/// use cloakroom::{CsrfToken, Error};
///
/// async fn form(csrf: CsrfToken) -> Result<Html<String>, Error> {
///     let input = csrf.input()?;
///     Ok(Html(format!("<form method=post>{input}<button>Go</button></form>")))
/// }
/// ```
#[derive(Clone)]
pub struct CsrfToken(Visit);

impl CsrfToken {
    /// A token under a fresh mask: 64 letters and digits, different each time and all valid.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn token(&self) -> Result<String, Error> {
        Ok(self.0.state().csrf.token()?)
    }

    /// The hidden field: Django's `{% csrf_token %}`.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn input(&self) -> Result<String, Error> {
        let token = self.token()?;
        let parts = [
            "<input type=\"hidden\" name=\"",
            FORM_FIELD,
            "\" value=\"",
            &token,
            "\">",
        ];
        Ok(parts.concat())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        let name = &visit.site().config.csrf.cookie.name;
        read_cookie(&mut visit.state().csrf, &parts.headers, name)?;
        Ok(Self(visit))
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfToken(..)")
    }
}
