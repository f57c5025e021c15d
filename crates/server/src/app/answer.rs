//! Pages as responses.

use axum::response::{Html, IntoResponse, Response};
use cloakroom::{Error, Page, Templates};
use http::StatusCode;
use http::header::{CACHE_CONTROL, EXPIRES};
use tracing::error;

use crate::pages::View;
use crate::pages::error::LAST_RESORT;

/// The page of a visitor, with the token for its form.
pub(super) fn page<V: View>(page: &Page, view: &V) -> Result<Response, Error> {
    Ok(page.render(V::TEMPLATE, view)?.into_response())
}

/// A page without a form, or the plain one if its template fails.
pub(super) fn formless(templates: &Templates, status: StatusCode, view: &impl View) -> Response {
    match view.render(templates) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(problem) => {
            error!(reason = ?problem.to_string(), "a page's template failed");
            (StatusCode::INTERNAL_SERVER_ERROR, Html(LAST_RESORT)).into_response()
        }
    }
}

/// The page as one that no cache keeps (`django.views.decorators.cache.never_cache`): it shows a visitor's own token.
pub(super) fn uncached(page: Response) -> Response {
    let headers = [
        (
            CACHE_CONTROL,
            "max-age=0, no-cache, no-store, must-revalidate, private",
        ),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ];
    (headers, page).into_response()
}
