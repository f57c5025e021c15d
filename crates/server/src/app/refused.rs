//! Errors as pages, for whoever looks at them in a browser. Other clients get the short text.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cloakroom::ErrorKind;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, REFERER};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::{App, answer};
use crate::pages::error::{BadRequest, CsrfFailure, CsrfHelp, ServerError, Unavailable};
use crate::pages::local_path::LocalPath;

/// Replaces the text of an error by its page; status and headers stay.
pub(super) async fn as_pages(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let wants_page = request.headers().get(ACCEPT).is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("text/html"))
    });
    let again = wants_page
        .then(|| again(request.method(), request.uri(), request.headers()))
        .flatten();
    let response = next.run(request).await;
    let kind = response.extensions().get::<ErrorKind>().copied();
    let Some(kind) = kind.filter(|_| wants_page) else {
        return response;
    };
    let status = response.status();
    let templates = &app.templates;
    let page = match kind {
        ErrorKind::BadHost | ErrorKind::SlowBody => answer::formless(
            templates,
            status,
            &BadRequest {
                session_interrupted: false,
            },
        ),
        ErrorKind::SessionInterrupted => answer::formless(
            templates,
            status,
            &BadRequest {
                session_interrupted: true,
            },
        ),
        ErrorKind::CsrfFailed {
            no_cookie,
            no_referer,
        } => {
            let help = match (no_cookie, no_referer) {
                (true, _) => CsrfHelp::NoCookie,
                (false, true) => CsrfHelp::NoReferer,
                (false, false) => CsrfHelp::LoadAgain,
            };
            answer::formless(templates, status, &CsrfFailure { help, again })
        }
        ErrorKind::Internal => answer::formless(templates, status, &ServerError {}),
        ErrorKind::Unavailable => answer::formless(templates, status, &Unavailable { again }),
        _ => return response,
    };
    let (parts, _) = response.into_parts();
    let mut page = page;
    for (name, value) in &parts.headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            page.headers_mut().append(name, value.clone());
        }
    }
    page
}

/// Where the page can be loaded again: itself, or for a form the page it was on.
fn again(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<LocalPath> {
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    if method.is_safe() {
        return LocalPath::parse(here);
    }
    // The query (and so `next`) of the form's page is only in the referer; forms go to their own path here.
    let referer = headers
        .get(REFERER)
        .and_then(|referer| referer.to_str().ok()?.parse::<Uri>().ok());
    let referer = referer.filter(|referer| referer.path() == uri.path());
    let page = referer
        .as_ref()
        .and_then(Uri::path_and_query)
        .map(|path| path.as_str());
    LocalPath::parse(page.unwrap_or(here))
}

/// A panic ends one request, not the connection.
pub(super) fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request's handler panicked");
    let mut response = (
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal server error.\n",
    )
        .into_response();
    response.extensions_mut().insert(ErrorKind::Internal);
    response
}
