//! The pages of a login: signing in and out, one's account, a new password.
//!
//! Plain forms that work without scripts. Each is a template in Jinja's language under Django's name; a site puts its own
//! look around them by a `base.html` of its own, and may replace each of them.

mod account;
mod form;
mod login;
mod logout;
mod password_change;
mod password_reset;
mod reset_confirm;
mod reset_mail;
mod samples;

use axum::Router;
use axum::extract::OriginalUri;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::HeaderName;
use http::header::{CACHE_CONTROL, EXPIRES, REFERRER_POLICY};
use serde::Serialize;

pub use form::FormErrors;
pub use samples::render_samples;

use crate::error::Error;
use crate::site::Cloakroom;
use crate::templates::{Page, Templates};

impl Cloakroom {
    /// The routes of a login: `/login/`, `/logout/`, `/account/`, `/password_change/`, `/password_change/done/`, and where
    /// the site can write letters and knows its own address ([`with_mailer`](Self::with_mailer), `PUBLIC_ORIGIN`)
    /// `/password_reset/`, `/password_reset/done/`, `/reset/{uidb64}/{token}/` and `/reset/done/`.
    ///
    /// They need the site's layer, as all pages do, and [templates](Self::with_templates) that have those of
    /// [`templates`]. The names and the fields are Django's.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use cloakroom::{Cloakroom, User, pages};
    ///
    /// # fn app(cloakroom: Cloakroom) -> Router {
    /// let cloakroom = cloakroom.with_templates(pages::templates());
    /// Router::new()
    ///     .route("/home/", get(|user: User| async move { format!("Hello {}", user.username) }))
    ///     .merge(cloakroom.login_pages())
    ///     .layer(cloakroom.layer())
    /// # }
    /// ```
    pub fn login_pages<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let pages = Router::new()
            .route(LOGIN, get(login::form).post(login::submit))
            .route(LOGOUT, get(logout::ask).post(logout::submit))
            .route(ACCOUNT, get(account::show).post(account::submit))
            .route(
                PASSWORD_CHANGE,
                get(password_change::form).post(password_change::submit),
            )
            .route(PASSWORD_CHANGE_DONE, get(password_change::done));
        if !self.0.offers_reset() {
            return pages;
        }
        pages
            .route(
                PASSWORD_RESET,
                get(password_reset::form).post(password_reset::submit),
            )
            .route(PASSWORD_RESET_DONE, get(password_reset::done))
            .route(
                "/reset/{uidb64}/{token}/",
                get(reset_confirm::form).post(reset_confirm::submit),
            )
            .route(RESET_DONE, get(reset_confirm::done))
    }
}

const LOGIN: &str = "/login/";
const LOGOUT: &str = "/logout/";
const ACCOUNT: &str = "/account/";
const PASSWORD_CHANGE: &str = "/password_change/";
const PASSWORD_CHANGE_DONE: &str = "/password_change/done/";
const PASSWORD_RESET: &str = "/password_reset/";
const PASSWORD_RESET_DONE: &str = "/password_reset/done/";
const RESET_DONE: &str = "/reset/done/";

/// The pages' templates, with a plain `base.html`.
///
/// # Panics
/// Never: a test parses and renders each of them.
#[must_use]
pub fn templates() -> Templates {
    Templates::from_sources(sources()).expect("a test parses the embedded templates")
}

/// The same as texts by their names, for a site that puts them among its own.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.into_iter()
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const SOURCES: [(&str, &str); 11] = sources![
    "base.html",
    "registration/account.html",
    "registration/form.html",
    "registration/login.html",
    "registration/logout.html",
    "registration/password_change_done.html",
    "registration/password_change_form.html",
    "registration/password_reset_complete.html",
    "registration/password_reset_confirm.html",
    "registration/password_reset_done.html",
    "registration/password_reset_form.html",
];

/// What one template is given.
trait View: Serialize {
    /// The template's name.
    const TEMPLATE: &'static str;
}

/// The page of a visitor. No cache keeps it (`never_cache`): it shows a visitor's own token. Its address is told to no
/// other site: that of a reset has a secret in it.
fn shown<V: View>(page: &Page, view: &V) -> Result<Response, Error> {
    let html: Html<String> = page.render(V::TEMPLATE, view)?;
    let headers: [(HeaderName, &str); 3] = [
        (
            CACHE_CONTROL,
            "max-age=0, no-cache, no-store, must-revalidate, private",
        ),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (REFERRER_POLICY, "same-origin"),
    ];
    Ok((headers, html).into_response())
}

/// The address of one of these pages, from that of another: they may be nested somewhere.
fn sibling(here: &OriginalUri, own: &str, other: &str) -> String {
    let prefix = here.path().strip_suffix(own).unwrap_or_default();
    format!("{prefix}{other}")
}
