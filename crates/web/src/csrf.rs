//! The CSRF check of a request, and the token for its page.

mod body;
mod form;
mod handed_on;
mod late;
mod spool;

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::middleware::{FromExtractorLayer, from_extractor};
use http::header::{AUTHORIZATION, CONNECTION, HeaderName, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Request};

pub use cloakroom_core::csrf::*;

pub(crate) use spool::SpoolQuota;

use form::{Fields, Form, Scan};
use handed_on::HandedOn;
use late::Late;

use crate::config::SecretPlace;
use crate::error::Error;
use crate::visit::{Visit, find_cookie};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Reads what the request's forms are to prove, once: from the cookie or the session.
async fn read_secret(visit: &Visit, headers: &HeaderMap) -> Result<(), Error> {
    if visit.state().csrf.is_read() {
        return Ok(());
    }
    let config = &visit.site().config.csrf;
    let in_cookie = || find_cookie(headers, &config.cookie.name);
    let sent = match config.secret {
        SecretPlace::Cookie => in_cookie(),
        SecretPlace::CookieOfLogin => {
            visit.load_session(headers).await?;
            set_owner(visit)?;
            in_cookie()
        }
        SecretPlace::Session => {
            visit.load_session(headers).await?;
            return visit.read_csrf_secret();
        }
    };
    Ok(visit.state().csrf.process_request(sent.as_deref())?)
}

/// Says whose secrets are made and taken, where they belong to logins. The session is loaded.
pub(crate) fn set_owner(visit: &Visit) -> Result<(), Error> {
    if let Some(binding) = &visit.site().csrf_binding {
        let rules = &visit.site().auth_rules;
        let login = visit.with_session(|session| rules.claimed_login(session))?;
        let owner = binding.owner(login.unwrap_or_default());
        visit.state().csrf.set_owner(owner);
    }
    Ok(())
}

/// Whether what speaks for a client is no cookie but a token in a header, which no other site's page can have it send.
pub(crate) fn has_bearer(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    })
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
/// The head and a missing cookie decide before a byte of the body is read. `late`: how many bytes may come before the token,
/// where it need not stand in the beginning.
pub(crate) async fn check(
    visit: &Visit,
    parts: Parts,
    body: Body,
    late: Option<u64>,
) -> Result<Request<Body>, Error> {
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

    visit.state().reads_cookies = true;
    read_secret(visit, &parts.headers).await?;
    {
        let state = visit.state();
        if !matches!(state.csrf.stored(), StoredSecret::Secret(_)) {
            let keeper = match config.secret {
                SecretPlace::Session => &visit.site().config.session.cookie,
                SecretPlace::Cookie | SecretPlace::CookieOfLogin => &config.cookie,
            };
            if !place.secure && visit.secure(keeper.secure) {
                tracing::warn!(
                    "this form came over plain http, for which browsers do not keep Secure cookies; if a proxy \
                     speaks TLS for the site, set SECURE_PROXY_SSL_HEADER and TRUSTED_PROXIES"
                );
            }
            check_token(state.csrf.stored(), None, None, &rules.header).map_err(Error::csrf)?;
        }
    }
    let header = parts
        .headers
        .get(rules.header.as_str())
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let form = match parts.method {
        Method::POST => Form::of(&parts.headers),
        _ => None,
    };
    let (fields, body) = match form {
        None => (Fields::default(), body),
        Some(form) => read_form(visit, form, body, late.filter(|_| header.is_none())).await?,
    };
    let mut state = visit.state();
    state.form_next = fields.next;
    check_token(
        state.csrf.stored(),
        fields.token.as_deref(),
        header.as_deref(),
        &rules.header,
    )
    .map_err(Error::csrf)?;
    drop(state);
    Ok(Request::from_parts(parts, body))
}

/// The fields of a form, and its body to be handed on.
async fn read_form(
    visit: &Visit,
    form: Form,
    body: Body,
    late: Option<u64>,
) -> Result<(Fields, Body), Error> {
    let refused = |fault: FormFault| Error::csrf(fault.into());
    let (beginning, whole, mut rest) = body::read(body).await?;
    let (mut fields, mut scan) = form.read(&beginning, whole).map_err(refused)?;
    let mut aside = None;
    if fields.token.is_none() {
        if let (Some(limit), Scan::Multipart(scan), false) = (late, &mut scan, whole) {
            let late = Late {
                limit,
                folder: visit.site().spool_folder(),
                quota: Arc::clone(&visit.site().spool),
            };
            aside = Some(
                late.look_for_token(beginning.length, &mut rest, scan)
                    .await?,
            );
            fields.token = scan.token().map(Into::into);
            match scan.fault() {
                Some(FormFault::Malformed) if fields.token.is_none() => {}
                fault => fault.map_or(Ok(()), |fault| Err(refused(fault)))?,
            }
        }
        if fields.token.is_none() {
            // Nothing to protect: if the header has no token either, the handler does not run.
            scan = Scan::Nothing;
        }
    }
    let body = HandedOn::new(beginning, rest, scan, visit.clone());
    let body = match aside {
        None => body,
        Some((spool, behind)) => body.with_spool(spool, behind),
    };
    Ok((fields, Body::new(body)))
}

/// The field `next` of a form that the CSRF check refused, in the extensions of the refusal: for a page that offers the
/// form again.
///
/// It is there only if the check read the form: not where the request's headers were reason enough to refuse it.
///
/// # Security
/// It is what the client sent, and may lead anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormNext(pub String);

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
    /// The operating system's random generator does not answer, or the secret belongs to a session that is closed, or is
    /// to be put into one on a site that is [`guard_only`](crate::Cloakroom::guard_only).
    pub fn token(&self) -> Result<String, Error> {
        // A login or a logout meanwhile.
        set_owner(&self.0)?;
        let site = self.0.site();
        let mut state = self.0.state();
        if site.guard_only
            && site.config.csrf.secret == SecretPlace::Session
            && !matches!(state.csrf.stored(), StoredSecret::Secret(_))
        {
            // A token of a secret that no session will keep opens nothing.
            return Err(Error::guard_only());
        }
        Ok(state.csrf.token()?)
    }

    /// The hidden field: Django's `{% csrf_token %}`.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn input(&self) -> Result<String, Error> {
        Ok(hidden_input(&self.token()?))
    }
}

/// A layer for pages whose forms or scripts need the CSRF cookie though their own markup shows no token: Django's
/// `ensure_csrf_cookie`. It refuses nothing.
///
/// ```
/// use axum::{Router, response::Html, routing::get};
/// use cloakroom::ensure_csrf_cookie;
///
/// // Its scripts read the cookie and send it back in the header X-CSRFToken.
/// let page = || async { Html("<script src=/app.js></script>") };
/// let app: Router = Router::new().route("/", get(page).layer(ensure_csrf_cookie()));
/// ```
pub fn ensure_csrf_cookie() -> FromExtractorLayer<EnsureCsrfCookie, ()> {
    from_extractor()
}

/// What [`ensure_csrf_cookie`] has each request do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EnsureCsrfCookie;

impl<S: Send + Sync> FromRequestParts<S> for EnsureCsrfCookie {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let csrf = CsrfToken::from_request_parts(parts, state).await?;
        let _ = csrf.token()?;
        Ok(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        read_secret(&visit, &parts.headers).await?;
        Ok(Self(visit))
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfToken(..)")
    }
}
