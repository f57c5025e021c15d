//! Who may send a form: the token, the views that ask for it, and a page of somebody else's that has none.

mod attempts;
pub(crate) mod evil;

use std::net::SocketAddr;

use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use cloakroom::{Cloakroom, Error, Page, Session, context, redirect};
use http::HeaderMap;
use serde::Serialize;

use crate::first_start::Place;
use attempts::{Attempts, Given};

/// The lesson's page and its views. `evil` is where the page of the other origin is.
pub(crate) fn routes(place: &Place, evil: SocketAddr) -> (Router, Router) {
    let attempts = Attempts::default();
    let page = Router::new()
        .route("/csrf/", get(csrf))
        .with_state((attempts.clone(), evil));
    let name = place.cloakroom.config().session.cookie.name.clone();
    let views = views(&place.cloakroom).layer(from_fn_with_state((attempts, name), attempts::note));
    (page, views)
}

// page: from here
/// Three ways to say which views ask for the token: what a layer wraps is what it holds for.
fn views(cloakroom: &Cloakroom) -> Router {
    // As on most sites, all views ask for it.
    let checked = Router::new()
        .route("/csrf/checked/", post(checked))
        .route("/csrf/fetched/", post(fetched))
        .layer(cloakroom.layer());
    // These routes have sessions and ask for no token.
    let exempt = Router::new()
        .route("/csrf/exempt/", post(exempt))
        .layer(cloakroom.layer().csrf_exempt());
    // An app without the layer, but for one view.
    let alone = Router::new()
        .route("/csrf/unprotected/", post(unprotected))
        .route("/csrf/protected/", post(protected).layer(cloakroom.layer()));
    checked.merge(exempt).merge(alone)
}

async fn csrf(
    page: Page,
    session: Session,
    headers: HeaderMap,
    State((attempts, evil)): State<(Attempts, SocketAddr)>,
) -> Result<Html<String>, Error> {
    let mut stars = Vec::new();
    for view in ["checked", "exempt", "protected", "fetched"] {
        let count = session.set_default(view, 0)?; // begins the session
        stars.push(Stars { view, count });
    }
    let evil = evil::addresses(&headers, evil);
    page.render(
        "csrf.html",
        context! { stars, evil, attempts => attempts.newest_first() },
    )
}

async fn checked(session: Session) -> Result<Response, Error> {
    give_star(&session, "checked")
}

async fn exempt(session: Session) -> Result<Response, Error> {
    give_star(&session, "exempt")
}

async fn protected(session: Session) -> Result<Response, Error> {
    give_star(&session, "protected")
}

async fn fetched(session: Session) -> Result<Json<i64>, Error> {
    Ok(Json(session.add("fetched", 1)?))
}

/// Outside the layer there is no session, and so nothing to attack.
async fn unprotected() -> Response {
    redirect("/csrf/")
}

/// Who comes without the cookie has no session, and gets no star.
fn give_star(session: &Session, view: &str) -> Result<Response, Error> {
    let given = session.contains(view)?;
    if given {
        session.add(view, 1)?;
    }
    Ok((Extension(Given(given)), redirect("/csrf/")).into_response())
}
// page: to here

#[derive(Serialize)]
struct Stars {
    view: &'static str,
    count: i64,
}
