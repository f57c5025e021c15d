//! A login made by hand: the session says who the user is.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Query, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use cloakroom::auth::{full_path, login_redirect};
use cloakroom::{Auth, Error, Page, Session, context, redirect};
use serde::Deserialize;

use super::credentials::Credentials;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/session-login/", get(form).post(log_in))
        .route("/session-logout/", post(log_out))
        .route("/index/", get(index))
        .route("/homework/", get(homework).layer(from_fn(user_required)))
}

// page: from here
async fn form(auth: Auth, page: Page) -> Result<Html<String>, Error> {
    login_page(&auth, &page, None)
}

async fn log_in(
    auth: Auth,
    session: Session,
    page: Page,
    Form(typed): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(user) = auth.authenticate(&typed.username, &typed.password).await? else {
        return Ok(login_page(&auth, &page, Some(&typed.username))?.into_response());
    };
    session.cycle_key()?; // a key that somebody planted in this browser opens nothing
    session.set("user", &user.username)?;
    Ok(redirect(next(&auth).as_deref().unwrap_or("/index/")))
}

/// Path and query of a page here: never another host, never a logout.
fn next(auth: &Auth) -> Option<String> {
    let next = auth.next()?;
    let path = next.split(['?', '#']).next()?;
    (!path.contains("logout")).then_some(next)
}

async fn user_required(session: Session, request: Request, next: Next) -> Result<Response, Error> {
    if session.contains("user")? {
        return Ok(next.run(request).await);
    }
    let here = full_path(request.uri().path(), request.uri().query());
    Ok(redirect(&login_redirect("/session-login/", &here, "next")))
}

async fn homework(
    session: Session,
    page: Page,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let user: Option<String> = session.get("user")?;
    page.render(
        "session_login.html",
        context! { view => "homework", user, week => asked.week },
    )
}

async fn index(session: Session, page: Page) -> Result<Html<String>, Error> {
    let user: Option<String> = session.get("user")?;
    page.render("session_login.html", context! { view => "index", user })
}

async fn log_out(session: Session) -> Result<Response, Error> {
    session.flush()?; // the record, its data and its cookie
    Ok(redirect("/session-login/"))
}
// page: to here

/// The form, before a try or after one with `refused`. The password never comes back.
fn login_page(auth: &Auth, page: &Page, refused: Option<&str>) -> Result<Html<String>, Error> {
    let next = next(auth);
    page.render(
        "session_login.html",
        context! { view => "login", next, refused },
    )
}

/// What the address asks for.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
struct Asked {
    week: Option<u8>,
}

impl From<HashMap<String, String>> for Asked {
    fn from(fields: HashMap<String, String>) -> Self {
        Self {
            week: fields.get("week").and_then(|week| week.parse().ok()),
        }
    }
}
