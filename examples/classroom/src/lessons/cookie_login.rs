//! Login verification by a signed cookie alone: no session, and nothing kept on the server.

mod view;

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Query, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::auth::{full_path, login_redirect};
use cloakroom::cookie::SameSite;
use cloakroom::{Auth, Cookies, Error, Page, redirect};
use http::request::Parts;

use super::credentials::Credentials;
use crate::database::{Database, Unavailable};
use crate::first_start::Place;
use view::{Rooms, View, classes};

/// More than a name, a password and the way back.
const LARGEST_FORM: usize = 16 * 1024;

pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/cookie-login/", get(form).post(login))
        .route("/cookie-login/class_list/", get(class_list))
        .route("/cookie-login/logout/", post(logout))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(place.database.clone())
}

// page: from here
const DAY: Duration = Duration::from_secs(86_400);

/// The name in the signed cookie. Who has none is sent to the login.
struct Pupil(String);

impl Pupil {
    fn of(cookies: &Cookies) -> Option<Self> {
        let name = cookies.get_signed("pupil", "cookie-login", Some(DAY));
        name.ok().flatten().map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pupil {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let cookies = Cookies::from_request_parts(parts, state).await;
        Self::of(&cookies.map_err(Error::into_response)?).ok_or_else(|| {
            let next = full_path(parts.uri.path(), parts.uri.query());
            redirect(&login_redirect("/cookie-login/", &next, "next"))
        })
    }
}

async fn class_list(
    pupil: Pupil,
    page: Page,
    State(database): State<Database>,
    Query(rooms): Query<Rooms>,
) -> Result<Response, Unavailable> {
    let classes = classes(&database, rooms).await?;
    Ok(page
        .render("cookie_login.html", View::classes(pupil, classes))
        .into_response())
}

async fn form(page: Page, cookies: Cookies, auth: Auth) -> Result<Html<String>, Error> {
    page.render(
        "cookie_login.html",
        View::login(Pupil::of(&cookies), next(&auth), ""),
    )
}

async fn login(
    page: Page,
    cookies: Cookies,
    auth: Auth,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
        let view = View::login(None, next(&auth), "The name or the password is wrong.");
        return Ok(page.render("cookie_login.html", view)?.into_response());
    };
    cookies.set_signed("pupil", &user.username, "cookie-login", |cookie| {
        let cookie = cookie.max_age(86_400).same_site(SameSite::Lax);
        cookie.http_only(true).secure(cookies.secure())
    })?;
    let next = next(&auth).unwrap_or_else(|| "/cookie-login/class_list/".into());
    Ok(redirect(&next))
}

/// Another host is no `next`, and nobody signs in to be signed out.
fn next(auth: &Auth) -> Option<String> {
    let next = auth.next()?;
    let path = next.split(['?', '#']).next()?;
    (!path.contains("logout")).then_some(next)
}

async fn logout(cookies: Cookies) -> Result<Response, Error> {
    cookies.delete("pupil")?;
    Ok(redirect("/cookie-login/"))
}
// page: to here
