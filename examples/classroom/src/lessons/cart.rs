//! A shopping cart that survives the login, and two tabs at once.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, RawQuery, State};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Page, Session, User, context, redirect};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::first_start::Place;

pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/cart/", get(cart))
        .route("/cart/put/", post(put))
        .route("/cart/take/", post(take))
        .with_state(place.database.clone())
}

// page: from here
/// Each good has a name of its own in the session: a list under one name would be replaced as a whole.
fn in_cart(good: i64) -> String {
    format!("cart_{good}")
}

async fn cart(
    session: Session,
    user: Option<User>,
    page: Page,
    RawQuery(query): RawQuery,
    State(database): State<Database>,
) -> Result<Html<String>, Error> {
    let mut goods = database.with(Good::all).await?;
    for good in &mut goods {
        good.number = session.get(&in_cart(good.id))?.unwrap_or(0);
    }
    let total: i64 = goods.iter().map(|good| good.cents * good.number).sum();
    let name = user.map(|user| user.first_name.clone());
    let refused = query.as_deref() == Some("refused");
    page.render("cart.html", context! { goods, total, name, refused })
}

async fn put(
    session: Session,
    State(database): State<Database>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Error> {
    let mut goods = database.with(Good::all).await?.into_iter();
    let Some(good) = goods.find(|good| good.id == chosen.good) else {
        return Ok(redirect("/cart/?refused"));
    };
    let name = in_cart(good.id);
    if session.get::<i64>(&name)?.unwrap_or(0) >= MOST {
        return Ok(redirect("/cart/?refused"));
    }
    session.add(&name, 1)?; // of two tabs at once, both are counted
    Ok(redirect("/cart/"))
}

async fn take(session: Session, Form(chosen): Form<Chosen>) -> Result<Response, Error> {
    session.remove(&in_cart(chosen.good))?;
    Ok(redirect("/cart/"))
}
// page: to here

/// So many of a good are enough for anybody.
const MOST: i64 = 20;

#[derive(Serialize)]
struct Good {
    id: i64,
    name: String,
    cents: i64,
    /// How many are in the cart.
    number: i64,
}

impl Good {
    fn all(connection: &mut Connection) -> rusqlite::Result<Vec<Self>> {
        let mut query =
            connection.prepare_cached("SELECT id, name, cents FROM classroom_good ORDER BY id")?;
        let good = |row: &Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                name: row.get(1)?,
                cents: row.get(2)?,
                number: 0,
            })
        };
        query.query_map([], good)?.collect()
    }
}

/// What a button of the page sends.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
struct Chosen {
    /// Zero, which no good has, if it is no number.
    good: i64,
}

impl From<HashMap<String, String>> for Chosen {
    fn from(fields: HashMap<String, String>) -> Self {
        let good = fields.get("good").and_then(|good| good.parse().ok());
        Self {
            good: good.unwrap_or(0),
        }
    }
}
