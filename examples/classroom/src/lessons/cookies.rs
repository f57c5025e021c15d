//! Plain cookies: set, read and deleted with every attribute, on each kind of answer.

mod form;
mod view;

use axum::extract::{DefaultBodyLimit, Query};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::cookie::SetCookie;
use cloakroom::time::Timestamp;
use cloakroom::{Cookies, Error, Page, redirect};

use crate::Failure;
use form::{Answer, CookieForm};
use view::{PLAIN_PAGE, View};

/// More than the form of the largest cookie that browsers keep.
const LARGEST_FORM: usize = 32 * 1024;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/cookies/", get(cookies))
        .route("/cookies/set/", post(set))
        .route("/cookies/test/", get(test))
        .route("/cookies/tested/", get(tested))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
}

// page: from here
async fn cookies(
    page: Page,
    cookies: Cookies,
    form: Query<CookieForm>,
) -> Result<Html<String>, Error> {
    page.render("cookies.html", View::new(&cookies, form.0))
}

async fn set(
    page: Page,
    cookies: Cookies,
    Form(form): Form<CookieForm>,
) -> Result<Response, Error> {
    let mut view = View::new(&cookies, form);
    let cookie = match cookie(&view.form) {
        Ok(cookie) => cookie,
        Err(problem) => {
            view.problem = Some(problem.to_string());
            return Ok(page.render("cookies.html", view)?.into_response());
        }
    };
    cookies.set(&cookie)?; // whatever the answer will be
    match view.form.answer {
        Answer::Page => Ok(Html(PLAIN_PAGE).into_response()),
        Answer::Redirect => Ok(redirect("/cookies/")),
        Answer::Template => {
            view.sets.push(cookie.header_value(Timestamp::now()));
            Ok(page.render("cookies.html", view)?.into_response())
        }
    }
}

fn cookie(form: &CookieForm) -> Result<SetCookie, Failure> {
    let mut cookie = SetCookie::new(&form.name, &form.value)?
        .path(&form.path)?
        .domain(&form.domain)?
        .secure(form.secure)
        .http_only(form.http_only)
        .partitioned(form.partitioned);
    if let Some(seconds) = form.max_age()? {
        cookie = cookie.max_age(seconds);
    }
    if let Some(moment) = form.expires()? {
        cookie = cookie.expires_at(moment);
    }
    if let Some(same_site) = form.same_site()? {
        cookie = cookie.same_site(same_site);
    }
    if form.deletes {
        cookie = cookie.deletion(); // the same name, path and domain, or the browser keeps it
    }
    match cookie.refusal(Timestamp::now()) {
        Some(refusal) => Err(refusal.into()), // browsers would drop it without a word
        None => Ok(cookie),
    }
}

async fn test(cookies: Cookies) -> Result<Response, Error> {
    cookies.set(&SetCookie::new("test", "kept")?.max_age(60))?;
    Ok(redirect("/cookies/tested/")) // only there it shows whether the cookie came back
}

async fn tested(page: Page, cookies: Cookies) -> Result<Html<String>, Error> {
    let mut view = View::new(&cookies, CookieForm::ordinary());
    view.kept = Some(cookies.contains("test"));
    page.render("cookies.html", view)
}
// page: to here
