//! What can go wrong between a request and its session, as responses.

pub(crate) mod json;
mod kind;

use std::fmt;
use std::io;

use axum::response::{IntoResponse, Response};
use cloakroom_core::auth::TokenError;
use cloakroom_core::cookie::{CookieError, Refusal};
use cloakroom_core::csrf::Reason;
use cloakroom_core::password::MakeError;
use cloakroom_core::random::RandomError;
use cloakroom_core::session::{CommitError, StoreError, ValueError};
use cloakroom_core::time::Timestamp;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::config::InvalidCookie;
use crate::host::BadHost;
#[cfg(feature = "templates")]
use crate::templates::TemplateError;

pub use kind::ErrorKind;
use kind::text;

/// Why a request could not be served. A response says that, the log says why.
///
/// Its response is a line of text; for a client that asks for JSON and not for HTML, or sends JSON and does not ask for
/// HTML, it is `{"error": …, "detail": …}` with the word of [`ErrorKind::word`]. No cache keeps it. It carries an
/// [`ErrorKind`] as an extension, from which an outer layer can make the site's own page.
#[derive(Debug)]
pub struct Error(Box<Cause>);

#[derive(Debug)]
enum Cause {
    Host(BadHost),
    Csrf(Reason),
    LoginRequired {
        location: Option<String>,
    },
    Commit(CommitError),
    Store(StoreError),
    Busy,
    /// `sent`: there was one, and it is no good.
    Token {
        sent: bool,
    },
    NoTokenStore,
    NoSessionList,
    GuardOnly,
    TooManySessions {
        seconds: u64,
    },
    Throttled {
        until: Timestamp,
        seconds: i64,
    },
    SecondFactor,
    PermissionDenied,
    NotFound,
    Random(RandomError),
    Password(MakeError),
    Value(ValueError),
    Cookie(CookieError),
    CookieSettings(InvalidCookie),
    RefusedCookie {
        name: String,
        refusal: Refusal,
    },
    SlowBody,
    BodyTooLarge,
    SpoolFull,
    Spool(io::Error),
    Closed,
    NoLayer,
    #[cfg(feature = "templates")]
    NoTemplates,
    #[cfg(feature = "templates")]
    Template(TemplateError),
}

impl Error {
    /// 403 for a user who may not do this: `raise PermissionDenied` in a view of Django's.
    #[must_use]
    pub fn permission_denied() -> Self {
        Self(Box::new(Cause::PermissionDenied))
    }

    /// 404: `raise Http404` in a view of Django's.
    #[must_use]
    pub fn not_found() -> Self {
        Self(Box::new(Cause::NotFound))
    }

    pub(crate) fn host(reason: BadHost) -> Self {
        Self(Box::new(Cause::Host(reason)))
    }

    pub(crate) fn csrf(reason: Reason) -> Self {
        Self(Box::new(Cause::Csrf(reason)))
    }

    pub(crate) fn login_required(location: Option<String>) -> Self {
        Self(Box::new(Cause::LoginRequired { location }))
    }

    /// A token is missing, or not valid.
    pub(crate) fn token(sent: bool) -> Self {
        Self(Box::new(Cause::Token { sent }))
    }

    pub(crate) fn no_token_store() -> Self {
        Self(Box::new(Cause::NoTokenStore))
    }

    pub(crate) fn no_session_list() -> Self {
        Self(Box::new(Cause::NoSessionList))
    }

    pub(crate) fn guard_only() -> Self {
        Self(Box::new(Cause::GuardOnly))
    }

    pub(crate) fn busy() -> Self {
        Self(Box::new(Cause::Busy))
    }

    /// `seconds` from now on there may be one more.
    pub(crate) fn too_many_sessions(seconds: u64) -> Self {
        Self(Box::new(Cause::TooManySessions { seconds }))
    }

    pub(crate) fn second_factor() -> Self {
        Self(Box::new(Cause::SecondFactor))
    }

    /// There may be one more try then.
    pub(crate) fn throttled(until: Timestamp, now: Timestamp) -> Self {
        // Whole seconds, of which the first has begun.
        let seconds = until.whole_seconds_since(now).max(0) + 1;
        Self(Box::new(Cause::Throttled { until, seconds }))
    }

    pub(crate) fn refused_cookie(name: &str, refusal: Refusal) -> Self {
        let name = name.to_owned();
        Self(Box::new(Cause::RefusedCookie { name, refusal }))
    }

    pub(crate) fn slow_body() -> Self {
        Self(Box::new(Cause::SlowBody))
    }

    pub(crate) fn body_too_large() -> Self {
        Self(Box::new(Cause::BodyTooLarge))
    }

    pub(crate) fn spool_full() -> Self {
        Self(Box::new(Cause::SpoolFull))
    }

    pub(crate) fn spool(error: io::Error) -> Self {
        Self(Box::new(Cause::Spool(error)))
    }

    pub(crate) fn closed() -> Self {
        Self(Box::new(Cause::Closed))
    }

    pub(crate) fn no_layer() -> Self {
        Self(Box::new(Cause::NoLayer))
    }

    #[cfg(feature = "templates")]
    pub(crate) fn no_templates() -> Self {
        Self(Box::new(Cause::NoTemplates))
    }

    /// True if a change came after the response was made: Django has no such case, because it has no tasks
    /// that outlive their request.
    #[must_use]
    pub fn is_session_closed(&self) -> bool {
        matches!(*self.0, Cause::Closed)
    }

    /// When the next try to sign in may be made, if too many have failed. It is the same whether or not there is such a
    /// user.
    #[must_use]
    pub fn throttled_until(&self) -> Option<Timestamp> {
        match &*self.0 {
            Cause::Throttled { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// How long that is from when it was made, in whole seconds.
    #[cfg(feature = "pages")]
    pub(crate) fn throttled_seconds(&self) -> i64 {
        match *self.0 {
            Cause::Throttled { seconds, .. } => seconds,
            _ => 0,
        }
    }

    /// The response's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &*self.0 {
            Cause::LoginRequired { location: Some(_) } => StatusCode::FOUND,
            _ => match self.kind() {
                ErrorKind::BadHost | ErrorKind::SessionInterrupted => StatusCode::BAD_REQUEST,
                ErrorKind::LoginRequired | ErrorKind::InvalidToken => StatusCode::UNAUTHORIZED,
                ErrorKind::CsrfFailed { .. }
                | ErrorKind::SecondFactor
                | ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
                ErrorKind::NotFound => StatusCode::NOT_FOUND,
                ErrorKind::SlowBody => StatusCode::REQUEST_TIMEOUT,
                ErrorKind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                ErrorKind::TooManySessions | ErrorKind::TooManyAttempts => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
        }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Cause::Host(_) => ErrorKind::BadHost,
            Cause::Csrf(reason) => ErrorKind::CsrfFailed {
                no_cookie: matches!(reason, Reason::NoCookie),
                no_referer: matches!(reason, Reason::NoReferer),
            },
            Cause::LoginRequired { .. } => ErrorKind::LoginRequired,
            Cause::Token { .. } => ErrorKind::InvalidToken,
            Cause::Commit(CommitError::Interrupted) => ErrorKind::SessionInterrupted,
            Cause::Commit(CommitError::TooLarge(_)) => ErrorKind::Internal,
            Cause::Commit(_)
            | Cause::Store(_)
            | Cause::Busy
            | Cause::Random(_)
            | Cause::Password(_)
            | Cause::SpoolFull
            | Cause::Spool(_) => ErrorKind::Unavailable,
            Cause::SlowBody => ErrorKind::SlowBody,
            Cause::BodyTooLarge => ErrorKind::BodyTooLarge,
            Cause::TooManySessions { .. } => ErrorKind::TooManySessions,
            Cause::Throttled { .. } => ErrorKind::TooManyAttempts,
            Cause::SecondFactor => ErrorKind::SecondFactor,
            Cause::PermissionDenied => ErrorKind::PermissionDenied,
            Cause::NotFound => ErrorKind::NotFound,
            Cause::Value(_)
            | Cause::Cookie(_)
            | Cause::CookieSettings(_)
            | Cause::RefusedCookie { .. }
            | Cause::Closed
            | Cause::NoTokenStore
            | Cause::NoSessionList
            | Cause::GuardOnly
            | Cause::NoLayer => ErrorKind::Internal,
            #[cfg(feature = "templates")]
            Cause::NoTemplates | Cause::Template(_) => ErrorKind::Internal,
        }
    }

    /// One line for the log: the reason and its sources. It carries no secret and no session's data.
    fn log(&self) {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        // What a client can cause at will is no warning; `{:?}` keeps a line a line.
        match self.kind() {
            ErrorKind::LoginRequired | ErrorKind::InvalidToken | ErrorKind::NotFound => {}
            ErrorKind::BadHost
            | ErrorKind::CsrfFailed { .. }
            | ErrorKind::SessionInterrupted
            | ErrorKind::SlowBody
            | ErrorKind::BodyTooLarge
            | ErrorKind::TooManySessions
            | ErrorKind::SecondFactor
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyAttempts => {
                tracing::warn!(status = self.status().as_u16(), reason = ?text, "request refused");
            }
            ErrorKind::Internal | ErrorKind::Unavailable => {
                tracing::error!(status = self.status().as_u16(), reason = ?text, "request failed");
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Host(reason) => reason.fmt(formatter),
            Cause::Csrf(reason) => {
                formatter.write_str(&reason.for_log())?;
                reason.advice().map_or(Ok(()), |advice| write!(formatter, " ({advice})"))
            }
            Cause::LoginRequired { .. } => formatter.write_str("the page is for users who have signed in"),
            Cause::Commit(error) => error.fmt(formatter),
            Cause::Store(error) => error.fmt(formatter),
            Cause::Busy => formatter.write_str("too many passwords are being checked at once"),
            Cause::Random(error) => error.fmt(formatter),
            Cause::Password(error) => error.fmt(formatter),
            Cause::Value(error) => error.fmt(formatter),
            Cause::Cookie(error) => error.fmt(formatter),
            Cause::CookieSettings(error) => error.fmt(formatter),
            Cause::RefusedCookie { name, refusal } => {
                write!(formatter, "browsers would not keep the cookie {name} as it is set: {refusal}")
            }
            Cause::SlowBody => formatter.write_str("the form did not arrive in time"),
            Cause::BodyTooLarge => formatter.write_str("the form's CSRF token did not come within the route's limit"),
            Cause::SpoolFull => formatter.write_str(
                "forms that wait for their CSRF tokens fill CSRF_SPOOL_QUOTA; a page whose form has the token in \
                 front of its files needs nothing of it",
            ),
            Cause::Spool(_) => formatter.write_str("a form that waits for its CSRF token cannot be kept on the disk"),
            Cause::TooManySessions { .. } => formatter.write_str(
                "an address has begun as many sessions as ANONYMOUS_SESSIONS_PER_HOUR lets it; if it is a proxy's, \
                 name it in TRUSTED_PROXIES",
            ),
            Cause::Throttled { .. } => formatter.write_str("too many tries to sign in have failed"),
            Cause::SecondFactor => formatter.write_str("the user has a second factor, for which Django's page asks"),
            Cause::PermissionDenied => formatter.write_str("the user is signed in and may not"),
            Cause::NotFound => formatter.write_str("there is nothing here for this visitor"),
            Cause::Closed => formatter.write_str(
                "the session and the cookies are closed: their response is made, or the session is being saved; call \
                 session.save().await first",
            ),
            Cause::Token { .. } => formatter.write_str("the request has no access token that is valid"),
            Cause::NoTokenStore => formatter.write_str(
                "the site keeps its sessions in cookies or is guard only, and tokens need a store: give it one by \
                 Cloakroom::with_token_store before its layer is made",
            ),
            Cause::NoSessionList => formatter.write_str(
                "the site keeps no list of sessions: give it one by Cloakroom::with_session_list before its layer is made",
            ),
            Cause::GuardOnly => formatter.write_str(
                "the site is made with Cloakroom::guard_only: it changes no session and signs nobody in or out; the \
                 site beside it does",
            ),
            Cause::NoLayer => formatter.write_str(
                "Cloakroom's layer does not run for this route: add .layer(cloakroom.layer()) after the route",
            ),
            #[cfg(feature = "templates")]
            Cause::NoTemplates => formatter.write_str(
                "the site has no templates: give it some by Cloakroom::with_templates before its layer is made",
            ),
            #[cfg(feature = "templates")]
            Cause::Template(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Cause::Commit(error) => error.source(),
            Cause::Store(error) => error.source(),
            Cause::Random(error) => error.source(),
            Cause::Password(error) => error.source(),
            #[cfg(feature = "templates")]
            Cause::Template(error) => error.source(),
            Cause::Spool(error) => Some(error),
            _ => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let kind = self.kind();
        let status = self.status();
        let mut response = (status, text(kind)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, TEXT);
        // Whether somebody may see a page is nothing for a shared cache, whatever the answer depends on.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if kind == ErrorKind::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Cause::TooManySessions { seconds } = *self.0 {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Cause::Throttled { seconds, .. } = *self.0 {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Cause::Token { sent } = *self.0 {
            // RFC 6750, section 3.1: who sent none is told no error.
            let challenge = if sent {
                r#"Bearer error="invalid_token""#
            } else {
                "Bearer"
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Cause::LoginRequired { location } = *self.0 {
            headers.append(VARY, HeaderValue::from_static("Cookie"));
            if let Some(location) =
                location.and_then(|location| HeaderValue::try_from(location).ok())
            {
                headers.insert(LOCATION, location);
            }
        }
        response.extensions_mut().insert(kind);
        if kind == ErrorKind::InvalidToken {
            // Whoever sends tokens is a program.
            json::rewrite(&mut response);
        }
        response
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        Self(Box::new(Cause::Commit(error)))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self(Box::new(Cause::Store(error)))
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Store(error) => error.into(),
            TokenError::Random(error) => error.into(),
        }
    }
}

impl From<RandomError> for Error {
    fn from(error: RandomError) -> Self {
        Self(Box::new(Cause::Random(error)))
    }
}

impl From<MakeError> for Error {
    fn from(error: MakeError) -> Self {
        Self(Box::new(Cause::Password(error)))
    }
}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Self {
        Self(Box::new(Cause::Value(error)))
    }
}

impl From<CookieError> for Error {
    fn from(error: CookieError) -> Self {
        Self(Box::new(Cause::Cookie(error)))
    }
}

impl From<InvalidCookie> for Error {
    fn from(error: InvalidCookie) -> Self {
        Self(Box::new(Cause::CookieSettings(error)))
    }
}

#[cfg(feature = "templates")]
impl From<TemplateError> for Error {
    fn from(error: TemplateError) -> Self {
        Self(Box::new(Cause::Template(error)))
    }
}
