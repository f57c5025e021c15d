//! The server's routes and layers: its table of contents.

mod answer;
mod first_superuser;
mod health;
mod home;
mod refused;
mod waiting;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Method;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware::Next};
use cloakroom::{Cloakroom, Templates, redirect};
use http::StatusCode;
use tower_http::catch_panic::CatchPanicLayer;

use crate::assets;
use crate::pages::HEADERS;
use crate::pages::error::{NotFound, Unavailable};
use crate::setup_link::SetupLink;
use crate::stores::Stores;

pub(crate) use waiting::waiting;

/// What the handlers share.
pub(crate) struct App {
    pub(crate) cloakroom: Cloakroom,
    pub(crate) templates: Templates,
    pub(crate) stores: Stores,
    pub(crate) setup_link: Option<SetupLink>,
    /// False if the newest session was signed by none of the keys. Nobody signs in or out then: every cookie
    /// that we would replace is probably a good one.
    pub(crate) key_fits: bool,
}

/// The longest form that is read. A login has some hundred bytes; a password may have four thousand.
const LONGEST_FORM: usize = 64 << 10;

/// Pages that are found with and without the slash at their end, as in Django.
const PAGES: [&str; 6] = [
    "/login/",
    "/logout/",
    "/home/",
    "/account/",
    "/password_change/",
    "/password_reset/",
];

pub(crate) fn router(app: Arc<App>) -> Router {
    around(pages(&app), app)
}

/// What has to do with visitors.
fn pages(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::index))
        .route("/home/", get(home::home))
        .route(
            &format!("{}{{token}}/", SetupLink::PATH),
            get(first_superuser::form).post(first_superuser::submit),
        )
        .merge(app.cloakroom.login_pages())
        .fallback(not_found)
        .layer(app.cloakroom.layer())
        .layer(from_fn_with_state(Arc::clone(app), only_with_the_right_key))
}

/// The pages with all that stands beside and around them.
fn around(pages: Router<Arc<App>>, app: Arc<App>) -> Router {
    let assets = assets::all()
        .into_iter()
        .fold(Router::new(), |router, asset| {
            router.route(&asset.path, get(move || async move { asset.response() }))
        });
    let health = Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz));
    pages
        .merge(assets)
        .merge(health)
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(CatchPanicLayer::custom(refused::panicked))
        .layer(from_fn_with_state(Arc::clone(&app), refused::as_pages))
        .layer(map_response(with_headers))
        .with_state(app)
}

/// Nothing is here; unless only a slash is missing.
async fn not_found(State(app): State<Arc<App>>, request: Request) -> Response {
    let with_slash = format!("{}/", request.uri().path());
    if request.method() == Method::GET && PAGES.contains(&with_slash.as_str()) {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let mut response = redirect(&format!("{with_slash}{query}"));
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        return response;
    }
    answer::formless(&app.templates, StatusCode::NOT_FOUND, &NotFound {})
}

async fn only_with_the_right_key(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if app.key_fits || request.method().is_safe() {
        return next.run(request).await;
    }
    answer::formless(
        &app.templates,
        StatusCode::SERVICE_UNAVAILABLE,
        &Unavailable { again: None },
    )
}

/// What pages do not need is forbidden; an asset's own words stay.
async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(http::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
