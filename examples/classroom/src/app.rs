//! The classroom's routes and layers.

use std::net::SocketAddr;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{Html, Response};
use axum::routing::get;
use cloakroom::{Error, Page};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use crate::first_start::Place;
use crate::lessons::tracking::record;
use crate::{assets, lessons, refused};

/// `evil` is where the evil page of the lesson `/csrf/` is.
pub(crate) fn router(place: &Place, evil: SocketAddr) -> Router {
    let files = assets::ALL.into_iter().fold(Router::new(), |files, asset| {
        files.route(asset.path, get(move || async move { asset.response() }))
    });
    let (csrf, csrf_views) = lessons::csrf::routes(place, evil);
    Router::new()
        .route("/", get(contents))
        .merge(lessons::cookies::routes())
        .merge(lessons::signed::routes())
        .merge(lessons::cookie_login::routes(place))
        .merge(lessons::session_login::routes())
        .merge(lessons::users::routes(place))
        .merge(lessons::session::routes(place))
        .merge(lessons::cart::routes(place))
        .merge(lessons::scores::routes())
        .merge(lessons::preferences::routes(place))
        .merge(lessons::tracking::routes(place))
        .merge(csrf)
        .merge(lessons::token::routes(place))
        .route_layer(from_fn_with_state(place.recorder.clone(), record))
        .merge(lessons::tracking::unrecorded(place))
        .layer(place.cloakroom.layer())
        .merge(csrf_views)
        .merge(files)
        .layer(from_fn_with_state(
            place.templates.clone(),
            refused::with_pages,
        ))
        .layer(map_response(with_headers))
}

async fn contents(page: Page) -> Result<Html<String>, Error> {
    page.render("index.html", ())
}

/// What no page here needs is forbidden: scripts of others, frames, forms to elsewhere.
async fn with_headers(mut response: Response) -> Response {
    let headers = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
