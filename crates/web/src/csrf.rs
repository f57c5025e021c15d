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

/// What a visit knows of its CSRF secret.
#[derive(Default)]
pub(crate) struct CsrfState {
    stored: Stored,
    /// What forms are to prove from now on.
    secret: Option<CsrfSecret>,
    /// The response sets the cookie.
    due: bool,
}

/// What the browser's cookie held.
#[derive(Default)]
enum Stored {
    #[default]
    Unread,
    Absent,
    Faulty(TokenFault),
    Secret(CsrfSecret),
}

impl CsrfState {
    /// Reads the cookie, once. One that cannot be read is replaced.
    fn read(&mut self, headers: &HeaderMap, name: &str) -> Result<(), Error> {
        if !matches!(self.stored, Stored::Unread) {
            return Ok(());
        }
        self.stored = match find_cookie(headers, name).map(|text| CsrfSecret::from_stored(&text)) {
            None => Stored::Absent,
            // A login may have made a new secret before anybody asked for the cookie: that one stays.
            Some(Ok(secret)) => {
                self.secret.get_or_insert_with(|| secret.clone());
                Stored::Secret(secret)
            }
            Some(Err(fault)) => {
                if self.secret.is_none() {
                    self.rotate()?;
                }
                Stored::Faulty(fault)
            }
        };
        Ok(())
    }

    /// A new secret: whoever knew the old one before a login knows nothing after it.
    pub(crate) fn rotate(&mut self) -> Result<(), Error> {
        self.secret = Some(CsrfSecret::generate()?);
        self.due = true;
        Ok(())
    }

    fn token(&mut self) -> Result<String, Error> {
        if self.secret.is_none() {
            self.rotate()?;
        }
        self.due = true;
        let secret = self.secret.as_ref().expect("it was made just above");
        Ok(secret.masked()?)
    }

    /// The cookie's value, if the response is to set it.
    pub(crate) fn cookie_due(&self) -> Option<String> {
        self.secret
            .as_ref()
            .filter(|_| self.due)
            .map(|secret| secret.as_str().to_owned())
    }

    fn for_check(&self) -> StoredSecret<'_> {
        match &self.stored {
            Stored::Unread | Stored::Absent => StoredSecret::Absent,
            Stored::Faulty(fault) => StoredSecret::Faulty(*fault),
            Stored::Secret(secret) => StoredSecret::Secret(secret),
        }
    }
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
        state.csrf.read(&parts.headers, &config.cookie.name)?;
        if !matches!(state.csrf.stored, Stored::Secret(_)) {
            if !place.secure && visit.secure(config.cookie.secure) {
                tracing::warn!(
                    "this form came over plain http, for which browsers do not keep Secure cookies; if a proxy \
                     speaks TLS for the site, set SECURE_PROXY_SSL_HEADER and TRUSTED_PROXIES"
                );
            }
            check_token(state.csrf.for_check(), None, None, &rules.header).map_err(Error::csrf)?;
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
        state.csrf.for_check(),
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
        self.0.state().csrf.token()
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
        visit.state().csrf.read(&parts.headers, name)?;
        Ok(Self(visit))
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfToken(..)")
    }
}
