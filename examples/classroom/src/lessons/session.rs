//! The session itself: what is in it, where it is kept, when it ends.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use cloakroom::session::{Expiry, SessionKey};
use cloakroom::time::Timestamp;
use cloakroom::{Error, Page, Session, context, redirect};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::first_start::Place;

pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/session/", get(look))
        .route("/session/keep/", post(keep))
        .route("/session/expiry/", post(set_expiry))
        .route("/session/delete/", post(delete))
        .route("/session/cycle/", post(cycle))
        .route("/session/flush/", post(flush))
        .with_state(place.database.clone())
}

// page: from here
async fn look(
    session: Session,
    page: Page,
    State(database): State<Database>,
) -> Result<Html<String>, Error> {
    session.add("visits", 1)?;
    session.save().await?; // now, so that the page can show the key and the record
    let key = session.key()?;
    let records = database
        .with(move |tables| Record::newest(tables, key.as_ref()))
        .await?;
    page.render(
        "session.html",
        context! {
            content => session.items::<serde_json::Value>()?,
            age => session.expiry_age()?,
            ends => Timestamp::from(session.expiry_date()?).http_date(),
            with_browser => session.ends_with_browser()?,
            records,
        },
    )
}

async fn keep(session: Session, Form(sent): Form<Sent>) -> Result<Response, Error> {
    session.set("chalk", &sent.chalk)?;
    Ok(redirect("/session/"))
}

async fn set_expiry(session: Session, Form(sent): Form<Sent>) -> Result<Response, Error> {
    session.set_expiry(match sent.expiry.as_str() {
        "seconds" => Expiry::Seconds(300), // after the last save
        "timedelta" => Expiry::In(Duration::from_secs(3600)), // from now
        "datetime" => Expiry::At(Timestamp::now().plus_seconds(86_400)), // at this moment
        "browser" => Expiry::AtBrowserClose,
        _ => Expiry::SiteDefault,
    })?;
    Ok(redirect("/session/"))
}

async fn delete(session: Session, Form(sent): Form<Sent>) -> Result<Response, Error> {
    session.remove(&sent.name)?; // one name
    Ok(redirect("/session/"))
}

async fn cycle(session: Session) -> Result<Response, Error> {
    session.cycle_key()?; // the same content under a new key
    Ok(redirect("/session/"))
}

async fn flush(session: Session) -> Result<Response, Error> {
    session.flush()?; // the content, the record and the cookie
    Ok(redirect("/session/"))
}
// page: to here

/// What the buttons of the page send.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
struct Sent {
    chalk: String,
    expiry: String,
    /// No name that Django or the library keeps for itself.
    name: String,
}

impl From<HashMap<String, String>> for Sent {
    fn from(mut fields: HashMap<String, String>) -> Self {
        let mut field = |name| fields.remove(name).unwrap_or_default();
        let known = |chalk: &String| CHALKS.contains(&chalk.as_str());
        let free = |name: &String| !name.starts_with('_');
        Self {
            chalk: Some(field("chalk"))
                .filter(known)
                .unwrap_or_else(|| CHALKS[0].to_owned()),
            expiry: field("expiry"),
            name: Some(field("name")).filter(free).unwrap_or_default(),
        }
    }
}

const CHALKS: [&str; 3] = ["white", "yellow", "blue"];

/// A row of Django's table of sessions, as far as everybody may see it.
#[derive(Serialize)]
struct Record {
    /// Its beginning: who has the whole has the session.
    key: String,
    ends: String,
    is_own: bool,
}

impl Record {
    /// At most ten: the visitor's own, then the newest.
    fn newest(
        connection: &mut Connection,
        own: Option<&SessionKey>,
    ) -> rusqlite::Result<Vec<Self>> {
        let own = own.map_or("", SessionKey::as_str);
        let mut query = connection.prepare_cached(
            "SELECT substr(session_key, 1, 4), expire_date, session_key = ?1 FROM django_session
             WHERE expire_date > ?2 AND length(session_key) = 32 ORDER BY 3 DESC, rowid DESC LIMIT 10",
        )?;
        let record = |row: &Row<'_>| {
            let ends: String = row.get(1)?;
            Ok(Self {
                key: row.get(0)?,
                ends: Timestamp::from_sql_text(&ends).map_or(ends, Timestamp::http_date),
                is_own: row.get(2)?,
            })
        };
        query
            .query_map((own, Timestamp::now().sql_text()), record)?
            .collect()
    }
}
