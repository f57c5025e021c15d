//! Redirects as Django sends them.

use axum::response::{IntoResponse, Response};
use cloakroom_core::auth::iri_to_uri;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

/// The longest `Location` that is sent (`HttpResponseRedirectBase.max_length`).
const LONGEST: usize = 16_384;

/// A 302 to `location`, with what may not stand in a header escaped.
///
/// `location` must be the site's own or checked, as [`Auth::next`](crate::Auth::next) is. What is too long or
/// has another scheme than http, https and ftp is answered with 400, as in Django.
#[must_use]
pub fn redirect(location: &str) -> Response {
    let uri = iri_to_uri(location);
    let value = HeaderValue::try_from(&uri)
        .ok()
        .filter(|_| uri.len() <= LONGEST && has_web_scheme(&uri));
    match value {
        Some(value) => (StatusCode::FOUND, [(LOCATION, value)]).into_response(),
        None => (StatusCode::BAD_REQUEST, "Bad request: unsafe redirect.\n").into_response(),
    }
}

fn has_web_scheme(uri: &str) -> bool {
    let before_path = uri.split(['/', '?', '#']).next().unwrap_or_default();
    match before_path.split_once(':') {
        None => true,
        Some((scheme, _)) => ["http", "https", "ftp"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_escaped_and_other_schemes_refused() {
        let location = |text: &str| {
            redirect(text)
                .headers()
                .get(LOCATION)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(location("/é?a=b c").as_deref(), Some("/%C3%A9?a=b%20c"));
        assert_eq!(location("/a:b").as_deref(), Some("/a:b"));
        assert_eq!(
            location("https://example.com/").as_deref(),
            Some("https://example.com/")
        );
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            &format!("/{}", "a".repeat(LONGEST)),
        ] {
            assert_eq!(redirect(text).status(), StatusCode::BAD_REQUEST);
        }
        assert_eq!(
            location("/a\r\nSet-Cookie: x").as_deref(),
            Some("/a%0D%0ASet-Cookie:%20x")
        );
    }
}
