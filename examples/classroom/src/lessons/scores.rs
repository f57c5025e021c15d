//! A game whose score lives in the session: two quick requests are both counted.

use axum::Router;
use axum::response::{Html, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Page, Session, context, redirect};

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/scores/", get(scores))
        .route("/scores/hit/", post(hit))
        .route("/scores/again/", post(again))
}

// page: from here
async fn scores(page: Page, session: Session) -> Result<Html<String>, Error> {
    let score: i64 = session.get("score")?.unwrap_or(0);
    page.render("scores.html", context! { score })
}

async fn hit(session: Session) -> Result<Response, Error> {
    session.add("score", 10)?; // of two requests at once, both are counted
    Ok(redirect("/scores/"))
}

async fn again(session: Session) -> Result<Response, Error> {
    session.remove("score")?;
    Ok(redirect("/scores/"))
}
// page: to here
