//! A page in the classroom's look for what was refused or not found. Who asks for JSON gets JSON.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use cloakroom::{ErrorKind, Templates, context};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, REFERER, RETRY_AFTER};
use http::{HeaderMap, StatusCode, Uri};

/// Stands around everything. Status and headers stay; pages that a handler has written itself stay too.
pub(crate) async fn with_pages(
    State(templates): State<Templates>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let wants_page = header(headers, ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let sender = Sender::of(headers);
    let again = if request.method().is_safe() {
        local(request.uri())
    } else {
        form_page(headers)
    };
    let response = next.run(request).await;
    if !wants_page || !is_bare(&response) {
        return response;
    }
    let (heading, text) = words(&response, sender);
    let status = response.status();
    // The same address helps only where it may be another answer.
    let again = again.filter(|_| {
        !matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        )
    });
    let seconds = header(response.headers(), RETRY_AFTER);
    let values = context! { heading, text, again, seconds, status => status.as_u16() };
    let Ok(html) = templates.render("refused.html", values) else {
        return response;
    };
    let mut page = (status, Html(html)).into_response();
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            page.headers_mut().append(name, value.clone());
        }
    }
    page
}

/// Where a request comes from, as the browser tells it. No page can make it tell something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Own,
    /// The same host, another port; or another subdomain.
    Neighbour,
    Stranger,
    /// Typed in; or the browser does not tell.
    Unsaid,
}

impl Sender {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match (
            header(headers, "sec-fetch-site"),
            header(headers, ORIGIN),
            header(headers, HOST),
        ) {
            (Some("same-origin"), ..) => Self::Own,
            (Some("same-site"), ..) => Self::Neighbour,
            (Some("none"), ..) | (None, None, _) => Self::Unsaid,
            (Some(_), ..) => Self::Stranger,
            (None, Some(origin), Some(host)) if origin.strip_prefix("http://") == Some(host) => {
                Self::Own
            }
            (None, Some(_), _) => Self::Stranger,
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Own => "this site",
            Self::Neighbour => "a neighbour",
            Self::Stranger => "another site",
            Self::Unsaid => "nobody says",
        }
    }
}

/// Why a form did not pass the check. It tells its reader more than a site should: this is a classroom.
pub(crate) const fn why_refused(sender: Sender, no_cookie: bool) -> &'static str {
    match sender {
        Sender::Stranger => {
            "A page of another site sent it. The browser says so in the headers Origin and Sec-Fetch-Site, which no page can \
             change, and that was enough: nobody looked for a token."
        }
        Sender::Neighbour => {
            "A neighbour’s page sent it: the same host at another port. For cookies that is the same site, so the browser sent \
             yours along. But it says where the form came from, in Origin and Sec-Fetch-Site, and that is not here."
        }
        Sender::Own | Sender::Unsaid if no_cookie => {
            "The browser sent no cookie csrftoken, so there is nothing that a token could belong to."
        }
        Sender::Own | Sender::Unsaid => {
            "It had no token, or one that does not belong to the cookie csrftoken. Only a page of this site can know the right \
             one."
        }
    }
}

/// An error that no handler has made a page for: the library's line of text, axum's, or nothing at all.
fn is_bare(response: &Response) -> bool {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    is_error
        && header(response.headers(), CONTENT_TYPE)
            .is_none_or(|kind| kind.starts_with("text/plain"))
}

fn words(response: &Response, sender: Sender) -> (&'static str, &'static str) {
    match response.extensions().get::<ErrorKind>() {
        Some(ErrorKind::CsrfFailed { no_cookie, .. }) => {
            ("This form was refused", why_refused(sender, *no_cookie))
        }
        Some(ErrorKind::BadHost) => (
            "Not under this name",
            "The classroom answers to localhost and to the loopback addresses.",
        ),
        Some(ErrorKind::SessionInterrupted) => (
            "Your session ended meanwhile",
            "Perhaps you signed out in another window while this was under way. Nothing was changed.",
        ),
        Some(ErrorKind::LoginRequired) => ("This page is for users", "Please log in first."),
        Some(ErrorKind::TooManyAttempts) => (
            "Too many tries to log in",
            "So many have failed that the password was not even looked at.",
        ),
        Some(ErrorKind::TooManySessions) => (
            "Too many new visitors",
            "Your address has begun as many sessions as it may in an hour. Nothing was changed.",
        ),
        _ => match response.status() {
            StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "This could not be read",
                "A field is missing, or has a value that it cannot have. Nothing was changed.",
            ),
            StatusCode::FORBIDDEN => (
                "You may not",
                "Another account may see this page or do this.",
            ),
            StatusCode::NOT_FOUND => (
                "There is no such page",
                "The table of contents has all that there are.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "This address takes forms only",
                "A link, an image or an address that is typed in only asks for a page (GET). What changes something is a form \
                 (POST), so that a link cannot do it.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("This is too large", "Nothing was changed."),
            StatusCode::TOO_MANY_REQUESTS => ("That was too often", "Nothing was changed."),
            StatusCode::SERVICE_UNAVAILABLE => (
                "Not right now",
                "The database does not answer, or is busy. Nothing was changed; please try again.",
            ),
            status if status.is_server_error() => {
                ("A mistake of ours", "The log says what went wrong.")
            }
            _ => ("This was refused", "Nothing was changed."),
        },
    }
}

fn header(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The page on which a form stood, if it is one of ours.
fn form_page(headers: &HeaderMap) -> Option<String> {
    let referer: Uri = header(headers, REFERER)?.parse().ok()?;
    let is_ours = referer.authority()?.as_str() == header(headers, HOST)?;
    is_ours.then(|| local(&referer)).flatten()
}

/// An address without its host; none if a browser could take it for one with a host.
fn local(uri: &Uri) -> Option<String> {
    let path = uri.path_and_query()?.as_str();
    let is_local = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\");
    is_local.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> HeaderMap {
        let pairs = pairs
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        pairs.into_iter().collect()
    }

    #[test]
    fn the_browser_tells_where_a_form_comes_from() {
        let host = ("host", "localhost:8000");
        for (sent, sender) in [
            (
                headers([host, ("sec-fetch-site", "same-origin")]),
                Sender::Own,
            ),
            (
                headers([host, ("sec-fetch-site", "same-site")]),
                Sender::Neighbour,
            ),
            (
                headers([host, ("sec-fetch-site", "cross-site")]),
                Sender::Stranger,
            ),
            (headers([host, ("sec-fetch-site", "none")]), Sender::Unsaid),
            (
                headers([host, ("origin", "http://localhost:8000")]),
                Sender::Own,
            ),
            (
                headers([host, ("origin", "http://localhost:8001")]),
                Sender::Stranger,
            ),
            (headers([host, ("origin", "null")]), Sender::Stranger),
            (headers([host]), Sender::Unsaid),
        ] {
            assert_eq!(Sender::of(&sent), sender, "{sent:?}");
        }
    }

    #[test]
    fn a_refused_form_leads_back_to_a_page_of_ours_and_to_no_other() {
        let host = ("host", "localhost:8000");
        for (referer, page) in [
            ("http://localhost:8000/cart/?page=2", Some("/cart/?page=2")),
            ("http://localhost:8001/cart/", None),
            ("http://localhost:8000//evil.example/", None),
            ("/cart/", None),
            ("", None),
        ] {
            assert_eq!(
                form_page(&headers([host, ("referer", referer)])).as_deref(),
                page,
                "{referer}"
            );
        }
    }
}
