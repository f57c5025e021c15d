//! The kinds of errors, and what clients learn of each.

/// The kinds of errors that a site may want pages of its own for.
///
/// They are in the extensions of the responses. What Django's `CSRF_FAILURE_VIEW` is for, a layer around Cloakroom's does:
///
/// ```
/// use axum::body::Body;
/// use axum::extract::Request;
/// use axum::http::HeaderValue;
/// use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
/// use axum::middleware::{Next, from_fn};
/// use axum::response::Response;
/// use axum::{Router, routing::post};
/// use cloakroom::{Cloakroom, ErrorKind};
///
/// async fn own_pages(request: Request, next: Next) -> Response {
///     let mut response = next.run(request).await;
///     let refused = matches!(response.extensions().get(), Some(ErrorKind::CsrfFailed { .. }));
///     // Who asked for JSON has got it.
///     let is_text = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/plain; charset=utf-8");
///     if refused && is_text {
///         let html = HeaderValue::from_static("text/html; charset=utf-8");
///         response.headers_mut().insert(CONTENT_TYPE, html);
///         response.headers_mut().remove(CONTENT_LENGTH);
///         *response.body_mut() = Body::from("<h1>Please load the form again.</h1>");
///     }
///     response
/// }
///
/// fn app(cloakroom: &Cloakroom) -> Router {
///     let pages = Router::new().route("/sent/", post(|| async { "sent" }));
///     pages.layer(cloakroom.layer()).layer(from_fn(own_pages))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 400: the host is not one of the site's.
    BadHost,
    /// 400: the session ended while the request was under way.
    SessionInterrupted,
    /// 401, or a redirect: the page is for users.
    LoginRequired,
    /// 401: the request has no access token that is valid. Always JSON, with `WWW-Authenticate`.
    InvalidToken,
    /// 403: the form did not prove to be the site's own. `no_cookie`: because there was no cookie at all.
    CsrfFailed {
        /// The browser sent no CSRF cookie.
        no_cookie: bool,
        /// The browser sent no `Referer`.
        no_referer: bool,
    },
    /// 408: the form did not arrive in time.
    SlowBody,
    /// 413: the form's token did not come within what the route waits for.
    BodyTooLarge,
    /// 429: the address has begun too many sessions that nobody signed in to.
    TooManySessions,
    /// 403: the password is right, and the user has a second factor that only the Django beside us can ask for.
    SecondFactor,
    /// 403: the user is signed in, and may not.
    PermissionDenied,
    /// 404: there is nothing, or nothing that this visitor may know of.
    NotFound,
    /// 429: too many tries to sign in have failed; [`Error::throttled_until`](crate::Error::throttled_until) says how long to wait.
    TooManyAttempts,
    /// 500: a mistake in the program.
    Internal,
    /// 503: a store failed; the same request may work again soon.
    Unavailable,
}

impl ErrorKind {
    /// The word for it in JSON, under `error`. Words stay what they are.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::BadHost => "bad_host",
            Self::SessionInterrupted => "session_interrupted",
            Self::LoginRequired => "login_required",
            Self::InvalidToken => "invalid_token",
            Self::CsrfFailed { .. } => "csrf_failed",
            Self::SlowBody => "slow_body",
            Self::BodyTooLarge => "body_too_large",
            Self::TooManySessions => "too_many_sessions",
            Self::SecondFactor => "second_factor",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What the client learns.
pub(super) const fn text(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadHost => "Bad request: this site is not known under that name.\n",
        ErrorKind::SessionInterrupted => {
            "Bad request: the session ended while this was under way; perhaps you signed out in another window.\n"
        }
        ErrorKind::LoginRequired => "Please sign in.\n",
        ErrorKind::InvalidToken => "The token is missing, or it is not valid any more.\n",
        ErrorKind::CsrfFailed { .. } => {
            "Forbidden: CSRF verification failed. Request aborted. Load the form again and send it once more.\n"
        }
        ErrorKind::SlowBody => "The form did not arrive in time.\n",
        ErrorKind::BodyTooLarge => "The form is too large.\n",
        ErrorKind::TooManySessions => {
            "Too many new visitors come from your network address. Nothing was changed; please try again later, or sign in.\n"
        }
        ErrorKind::SecondFactor => {
            "This account has a second factor. Please sign in at the site's other login page, which asks for it.\n"
        }
        ErrorKind::PermissionDenied => {
            "You may not see this page or do this. Another account may.\n"
        }
        ErrorKind::NotFound => "Not found.\n",
        ErrorKind::TooManyAttempts => {
            "Too many tries to sign in have failed. Please wait as long as Retry-After says, and try again.\n"
        }
        ErrorKind::Internal => "Internal server error.\n",
        ErrorKind::Unavailable => {
            "The service is not available right now. Nothing was changed; please try again.\n"
        }
    }
}
