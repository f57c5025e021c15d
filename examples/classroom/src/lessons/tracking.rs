//! What a site can record of its visitors, and of whom it records nothing.

mod counts;
mod recorder;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response, Result};
use axum::routing::{get, post};
use cloakroom::auth::AuthEvent;
use cloakroom::cookie::{SameSite, SetCookie};
use cloakroom::{Cookies, Error, Page, context, redirect};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};

use crate::first_start::Place;
use counts::Counts;
pub(crate) use recorder::Recorder;
use recorder::{DAYS, What};

/// The page itself, which is recorded like every other.
pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/tracking/", get(tracking))
        .with_state(place.recorder.clone())
}

/// What is not recorded: otherwise a new visitor would begin while the old one is forgotten.
pub(crate) fn unrecorded(place: &Place) -> Router {
    Router::new()
        .route("/tracking/export/", get(export))
        .route("/tracking/forget/", post(forget))
        .route("/tracking/forgotten/", get(forgotten))
        .with_state(place.recorder.clone())
}

const MONTH: Duration = Duration::from_secs(DAYS as u64 * 86_400);

tokio::task_local! {
    /// Whose request this is: within it, the listener below is told of a login.
    static VISITOR: String;
}

// page: from here
/// Stands around all pages. It puts what it sees into a queue, and never waits for the database.
pub(crate) async fn record(
    State(recorder): State<Recorder>,
    cookies: Cookies,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    if asks_for_no_record(request.headers()) {
        return Ok(next.run(request).await); // no cookie either
    }
    let known = visitor(&cookies);
    let is_new = known.is_none();
    let Some(visitor) = known.or_else(|| recorder.newcomer()) else {
        return Ok(next.run(request).await); // the queue is full
    };
    if is_new {
        cookies.set_signed("visitor", &visitor, "tracking", for_a_month)?;
    }
    let page = page_of(&request); // `/scores/`: never what stands behind a `?`
    let response = VISITOR.scope(visitor.clone(), next.run(request)).await;
    if let Some(page) = page.filter(|_| is_page(&response)) {
        recorder.record(visitor, What::Visit(page));
    }
    Ok(response)
}

/// `Cloakroom::on_auth_event` tells it of every login and every try.
pub(crate) fn record_login(recorder: &Recorder, event: &AuthEvent<'_>) {
    let what = match event {
        AuthEvent::SignedIn { .. } => What::SignIn,
        AuthEvent::Failed { .. } | AuthEvent::Throttled { .. } => What::Failure,
        _ => return,
    };
    // Without a visitor, in a request that asks for no record, there is nothing to do.
    let _ = VISITOR.try_with(|visitor| recorder.record(visitor.clone(), what));
}

/// Signed, so that nobody takes another visitor's number.
fn visitor(cookies: &Cookies) -> Option<String> {
    let visitor = cookies.get_signed("visitor", "tracking", Some(MONTH));
    visitor.ok().flatten()
}

async fn export(State(recorder): State<Recorder>, cookies: Cookies) -> Result<Response> {
    let csv = recorder.csv_of(visitor(&cookies)).await?;
    let file = "attachment; filename=\"my-visits.csv\"";
    let kind = [(CONTENT_TYPE, "text/csv; charset=utf-8")];
    let headers = [(CONTENT_DISPOSITION, file), (CACHE_CONTROL, "no-store")];
    Ok((kind, headers, csv).into_response())
}

async fn forget(State(recorder): State<Recorder>, cookies: Cookies) -> Result<Response> {
    recorder.forget(visitor(&cookies)).await?; // behind what still waits in the queue
    cookies.delete("visitor")?;
    Ok(redirect("/tracking/forgotten/"))
}

async fn tracking(
    page: Page,
    cookies: Cookies,
    headers: HeaderMap,
    State(recorder): State<Recorder>,
) -> Result<Html<String>> {
    let seen = recorder.overview_for(visitor(&cookies)).await?;
    let unrecorded = asks_for_no_record(&headers);
    Ok(page.render("tracking.html", context! { seen, unrecorded })?)
}

async fn forgotten(page: Page) -> Result<Html<String>, Error> {
    page.render("tracking.html", context! { forgotten => true })
}
// page: to here

fn for_a_month(cookie: SetCookie) -> SetCookie {
    cookie
        .max_age(MONTH.as_secs().cast_signed())
        .http_only(true)
        .same_site(SameSite::Lax)
}

/// Global Privacy Control, and its older sister.
fn asks_for_no_record(headers: &HeaderMap) -> bool {
    let asks = [
        HeaderName::from_static("sec-gpc"),
        HeaderName::from_static("dnt"),
    ];
    asks.iter()
        .any(|name| headers.get_all(name).iter().any(|value| value == "1"))
}

/// The route that a visitor asks for, if it is one that shows something.
fn page_of(request: &Request) -> Option<String> {
    let matched = request.extensions().get::<axum::extract::MatchedPath>();
    matched
        .filter(|_| *request.method() == Method::GET)
        .map(|path| path.as_str().to_owned())
}

/// Redirects, downloads and refusals are no visits.
fn is_page(response: &Response) -> bool {
    let mut kinds = response.headers().get_all(CONTENT_TYPE).iter();
    response.status().is_success() && kinds.any(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_no_record_is_heard_and_nobody_else() {
        for (name, value, asks) in [
            ("sec-gpc", "1", true),
            ("dnt", "1", true),
            ("sec-gpc", "0", false),
            ("dnt", "0", false),
            ("dnt", "unspecified", false),
            ("gpc", "1", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
            assert_eq!(asks_for_no_record(&headers), asks, "{name}: {value}");
        }
        assert!(!asks_for_no_record(&HeaderMap::new()));
    }
}
