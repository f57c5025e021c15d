//! A signed cookie: readable by everybody, changed by nobody.

mod form;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{Html, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::cookie::SetCookie;
use cloakroom::signing::SigningError;
use cloakroom::{Cookies, Error, Page, context, redirect};

use form::{Discount, Tampered, Verdict};

/// More than any of these forms has.
const LARGEST_FORM: usize = 32 * 1024;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/signed/", get(signed))
        .route("/signed/set/", post(set))
        .route("/signed/tamper/", post(tamper))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
}

// page: from here
const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

async fn signed(page: Page, cookies: Cookies) -> Result<Html<String>, Error> {
    let text = cookies.get("discount").unwrap_or_default();
    let parts: Vec<&str> = text.rsplitn(3, ':').collect();
    let verdicts = [
        ("shop", "a day", verdict(&cookies, "shop", DAY)),
        ("shop", "a minute", verdict(&cookies, "shop", MINUTE)),
        ("canteen", "a day", verdict(&cookies, "canteen", DAY)),
    ];
    page.render("signed.html", context! { text, parts, verdicts })
}

fn verdict(cookies: &Cookies, salt: &str, max_age: Duration) -> Verdict {
    match cookies.get_signed("discount", salt, Some(max_age)) {
        Ok(Some(percent)) => Verdict::Good(percent),
        Ok(None) => Verdict::Missing,
        Err(SigningError::Expired) => Verdict::Expired, // signed, but too long ago
        Err(_) => Verdict::Forged,                      // changed, or signed for something else
    }
}

async fn set(cookies: Cookies, Form(discount): Form<Discount>) -> Result<Response, Error> {
    cookies.set_signed("discount", &discount.percent, "shop", |cookie| {
        cookie.max_age(86_400).http_only(true)
    })?;
    Ok(redirect("/signed/"))
}

/// Puts a text into the cookie as it is, as anybody can in the browser.
async fn tamper(cookies: Cookies, Form(tampered): Form<Tampered>) -> Result<Response, Error> {
    let cookie = SetCookie::new("discount", &tampered.text)?;
    cookies.set(&cookie.max_age(86_400).http_only(true))?;
    Ok(redirect("/signed/"))
}
// page: to here
