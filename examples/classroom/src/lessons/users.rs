//! The library's own users: pages that only they see.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use cloakroom::{Error, Page, User, context, login_required};
use rusqlite::Connection;
use serde::Serialize;

use crate::database::Database;
use crate::first_start::Place;

// page: from here
pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/home/", get(home))
        .route("/class_list/", get(class_list).layer(login_required()))
        .merge(place.cloakroom.login_pages()) // /login/, /logout/ and others
        .with_state(place.database.clone())
}

/// Takes a `User`, so nobody else gets here.
async fn home(user: User, page: Page) -> Result<Html<String>, Error> {
    let name = &user.first_name;
    page.render("users.html", context! { view => "home", name })
}

/// Asks for no user: the guard on its route does.
async fn class_list(page: Page, State(database): State<Database>) -> Result<Html<String>, Error> {
    let classes = database.with(Class::all).await?;
    page.render("users.html", context! { view => "class_list", classes })
}
// page: to here

#[derive(Serialize)]
pub(crate) struct Class {
    name: String,
    room: String,
}

impl Class {
    pub(crate) fn all(connection: &mut Connection) -> rusqlite::Result<Vec<Self>> {
        Self::in_room(connection, None)
    }

    /// Those in one room, or all.
    pub(crate) fn in_room(
        connection: &mut Connection,
        room: Option<&str>,
    ) -> rusqlite::Result<Vec<Self>> {
        let mut query = connection.prepare_cached(
            "SELECT name, room FROM classroom_class WHERE room = coalesce(?1, room) ORDER BY name",
        )?;
        let class = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                name: row.get(0)?,
                room: row.get(1)?,
            })
        };
        query.query_map([room], class)?.collect()
    }
}
