//! What somebody prefers: in a cookie for a visitor, with the account after the login.

mod kept;

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, Response};
use axum::routing::get;
use cloakroom::cookie::{SameSite, SetCookie};
use cloakroom::{Cookies, Error, Page, User, context, redirect};
use serde::{Deserialize, Serialize};

use super::users::Class;
use crate::database::Database;
use crate::first_start::Place;
use kept::Preferences;

pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/preferences/", get(preferences).post(choose))
        .with_state(place.database.clone())
}

// page: from here
async fn preferences(
    cookies: Cookies,
    user: Option<User>,
    page: Page,
    State(database): State<Database>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let in_cookie = cookies
        .get("preferences")
        .map(|text| Preferences::parse(&text));
    let preferences = match &user {
        None => in_cookie.unwrap_or_default(),
        Some(user) => {
            let id = user.id.clone();
            if in_cookie.is_some() {
                cookies.delete("preferences")?; // the account takes it over, if it has none yet
            }
            database
                .with(move |tables| Preferences::of_user(tables, &id, in_cookie))
                .await?
        }
    };
    let classes = database.with(Class::all).await?;
    let listed = Listed::new(&classes, preferences.page_size, asked.page);
    let name = user.map(|user| user.first_name.clone());
    page.render("preferences.html", context! { preferences, name, listed })
}

async fn choose(
    cookies: Cookies,
    user: Option<User>,
    State(database): State<Database>,
    Form(chosen): Form<Preferences>,
) -> Result<Response, Error> {
    if let Some(user) = user {
        database
            .with(move |tables| chosen.keep(tables, &user.id))
            .await?;
    } else {
        let cookie = SetCookie::new("preferences", &chosen.to_string())?;
        cookies.set(
            &cookie
                .max_age(YEAR)
                .same_site(SameSite::Lax)
                .http_only(true),
        )?;
    }
    Ok(redirect("/preferences/"))
}
// page: to here

/// Seconds.
const YEAR: i64 = 365 * 86_400;

/// What the address asks for.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
struct Asked {
    page: usize,
}

impl From<HashMap<String, String>> for Asked {
    fn from(fields: HashMap<String, String>) -> Self {
        let page = fields.get("page").and_then(|page| page.parse().ok());
        Self {
            page: page.unwrap_or(1),
        }
    }
}

/// One page of a list.
#[derive(Serialize)]
struct Listed<'a> {
    classes: &'a [Class],
    number: usize,
    pages: usize,
}

impl<'a> Listed<'a> {
    /// The page that was asked for, or the nearest that there is.
    fn new(classes: &'a [Class], size: u8, asked: usize) -> Self {
        let size = usize::from(size);
        let pages = classes.len().div_ceil(size).max(1);
        let number = asked.clamp(1, pages);
        let classes = classes.chunks(size).nth(number - 1).unwrap_or_default();
        Self {
            classes,
            number,
            pages,
        }
    }
}
