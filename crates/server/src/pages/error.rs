//! The pages for what went wrong. They say what to do; the log says why it happened.

use serde::Serialize;

use super::View;
use super::local_path::LocalPath;

/// 400.
#[derive(Debug, Serialize)]
pub(crate) struct BadRequest {
    /// The session was logged out or changed underneath the request (Django's `SessionInterrupted`).
    pub(crate) session_interrupted: bool,
}

impl View for BadRequest {
    const TEMPLATE: &'static str = "400.html";
}

/// 403 for someone who is logged in and may not.
#[derive(Debug, Serialize)]
pub(crate) struct Forbidden {}

impl View for Forbidden {
    const TEMPLATE: &'static str = "403.html";
}

/// 403 of the CSRF check.
#[derive(Debug, Serialize)]
pub(crate) struct CsrfFailure<'a> {
    /// What may help.
    pub(crate) help: CsrfHelp,
    /// Where the form is, if a link can load it again.
    pub(crate) again: Option<LocalPath>,
    /// The check's own words. `None` unless DEBUG is set: they help an attacker more than a visitor.
    pub(crate) reason: Option<&'a str>,
}

impl View for CsrfFailure<'_> {
    const TEMPLATE: &'static str = "403_csrf.html";
}

/// What may help after a CSRF failure. Only these three are told apart without DEBUG, as in Django.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CsrfHelp {
    /// The reason is `CSRF cookie not set.`: allow cookies.
    NoCookie,
    /// The reason is `Referer checking failed - no Referer.`: allow that header.
    NoReferer,
    /// Any other reason: load the form again.
    LoadAgain,
}

/// 404.
#[derive(Debug, Serialize)]
pub(crate) struct NotFound {}

impl View for NotFound {
    const TEMPLATE: &'static str = "404.html";
}

/// 500.
#[derive(Debug, Serialize)]
pub(crate) struct ServerError {}

impl View for ServerError {
    const TEMPLATE: &'static str = "500.html";
}

/// 503: the store does not answer.
#[derive(Debug, Serialize)]
pub(crate) struct Unavailable {
    /// The page that was asked for, if a link can ask again.
    pub(crate) again: Option<LocalPath>,
}

impl View for Unavailable {
    const TEMPLATE: &'static str = "503.html";
}

/// The page of last resort, for when a template fails: status 500.
pub(crate) const LAST_RESORT: &str = "<!doctype html>\n\
    <html lang=\"en\">\n\
    <head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
    <title>Server Error (500)</title></head>\n\
    <body><h1>Server Error (500)</h1><p>Something went wrong on the server.</p></body>\n\
    </html>\n";
