//! Errors as pages, for whoever looks at them in a browser. Other clients get the short text, or JSON if they ask for it.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cloakroom::ErrorKind;
use cloakroom::csrf::FormNext;
use cloakroom_core::auth::REDIRECT_FIELD_NAME;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, REFERER};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::{App, answer};
use crate::pages::error::{
    BadRequest, CsrfFailure, CsrfHelp, Forbidden, NotFound, ServerError, Unavailable,
};
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
    let again = wants_page.then(|| again(request.method(), request.uri(), request.headers()));
    let response = next.run(request).await;
    let kind = response.extensions().get::<ErrorKind>().copied();
    let Some(kind) = kind.filter(|_| wants_page) else {
        return response;
    };
    let form_next = response.extensions().get::<FormNext>();
    let again = again.and_then(|page| LocalPath::parse(&with_next(page, form_next)));
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
        ErrorKind::PermissionDenied => answer::formless(templates, status, &Forbidden {}),
        ErrorKind::NotFound => answer::formless(templates, status, &NotFound {}),
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
fn again(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    if method.is_safe() {
        return here.to_owned();
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
    page.unwrap_or(here).to_owned()
}

/// The form's page with the form's own `next`, if the address has none and the form was read.
fn with_next(page: String, form_next: Option<&FormNext>) -> String {
    let query = page.split_once('?').map(|(_, query)| query);
    let named = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, _)| name == REDIRECT_FIELD_NAME);
    let Some(FormNext(next)) = form_next.filter(|next| !named && !next.0.is_empty()) else {
        return page;
    };
    let joint = if query.is_some() { '&' } else { '?' };
    let mut field = form_urlencoded::Serializer::new(String::new());
    let field = field.append_pair(REDIRECT_FIELD_NAME, next).finish();
    format!("{page}{joint}{field}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_s_page_keeps_its_next_wherever_it_stands() {
        for (address, referer, form_next, page) in [
            // The query of the form's page.
            (
                "/login/",
                "http://a/login/?next=/x/",
                "",
                "/login/?next=/x/",
            ),
            (
                "/login/",
                "http://a/login/?next=/x/",
                "/y/",
                "/login/?next=/x/",
            ),
            (
                "/login/",
                "http://a/login/?a=b",
                "/x/",
                "/login/?a=b&next=%2Fx%2F",
            ),
            // The query of the address that it was sent to.
            ("/login/?next=/x/", "", "", "/login/?next=/x/"),
            (
                "/login/?next=/x/",
                "http://a/other/?next=/z/",
                "/y/",
                "/login/?next=/x/",
            ),
            // The form's own field.
            (
                "/login/",
                "",
                "/x/?a=b&c",
                "/login/?next=%2Fx%2F%3Fa%3Db%26c",
            ),
            (
                "/login/?a=b",
                "http://a/",
                "/x/",
                "/login/?a=b&next=%2Fx%2F",
            ),
            (
                "/login/",
                "",
                "https://evil.example/",
                "/login/?next=https%3A%2F%2Fevil.example%2F",
            ),
            ("/login/", "", "", "/login/"),
            ("/login/?nextt=1", "", "/x/", "/login/?nextt=1&next=%2Fx%2F"),
        ] {
            let mut headers = HeaderMap::new();
            if !referer.is_empty() {
                headers.insert(REFERER, referer.parse().unwrap());
            }
            let again = again(&Method::POST, &address.parse().unwrap(), &headers);
            let form_next = FormNext(form_next.to_owned());
            let found = with_next(again.clone(), Some(&form_next));
            assert_eq!(found, page, "{address} {referer}");
            assert_eq!(with_next(again.clone(), None), again);
        }
    }
}
