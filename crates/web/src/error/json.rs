//! Errors for programs: the same as JSON.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::{ErrorKind, TEXT, text};

#[derive(Serialize)]
struct Refusal {
    error: &'static str,
    detail: &'static str,
}

/// Whether a client wants errors as JSON: it names that and not HTML, or sends it and does not name HTML.
///
/// Each request that an extractor looks at is asked this, so it is bytes and not text that are looked at: some 40 ns.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = false;
    for accept in headers.get_all(ACCEPT) {
        for range in accept.as_bytes().split(|byte| *byte == b',') {
            let kind = essence(range);
            if kind.eq_ignore_ascii_case(b"text/html") {
                return false;
            }
            accepted |= is_json(kind);
        }
    }
    accepted
        || headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| is_json(essence(kind.as_bytes())))
}

/// A media type without its parameters.
fn essence(kind: &[u8]) -> &[u8] {
    let end = kind.iter().position(|byte| *byte == b';');
    kind[..end.unwrap_or(kind.len())].trim_ascii()
}

fn is_json(essence: &[u8]) -> bool {
    let suffix = essence.last_chunk::<5>();
    essence.eq_ignore_ascii_case(b"application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
}

/// Puts JSON in the place of an error's text; status and other headers stay. What a site has written itself stays too.
pub(crate) fn rewrite(response: &mut Response) {
    let Some(kind) = response.extensions().get::<ErrorKind>().copied() else {
        return;
    };
    if response.headers().get(CONTENT_TYPE) != Some(&TEXT) {
        return;
    }
    let refusal = Refusal {
        error: kind.word(),
        detail: text(kind).trim_end(),
    };
    let json = serde_json::to_string(&refusal).expect("two texts can be written");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(json);
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::error::Error;

    fn wanted(accept: &[&str], sent: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for accept in accept {
            headers.append(ACCEPT, HeaderValue::from_bytes(accept.as_bytes()).unwrap());
        }
        if let Some(sent) = sent {
            headers.insert(CONTENT_TYPE, sent.parse().unwrap());
        }
        is_wanted(&headers)
    }

    #[test]
    fn json_is_for_those_who_name_it_and_not_html() {
        let json = Some("application/json; charset=utf-8");
        for (accept, sent, expected) in [
            (&["application/json"][..], None, true),
            (&["Application/JSON;q=0.9, text/plain, */*"], None, true),
            (&["application/problem+json"], None, true),
            (&["application/vnd.api+JSON"], None, true),
            (&["text/plain", "application/json"], None, true),
            (&["*/*"], json, true),
            (&[], json, true),
            (&["\u{fc}"], json, true),
            (&[], Some("application/merge-patch+json"), true),
            (&["text/html,application/xhtml+xml,*/*;q=0.8"], None, false),
            (&["application/json, text/html;q=0.5"], None, false),
            (&["application/json", "TEXT/HTML"], json, false),
            (&["text/html"], json, false),
            (&["*/*"], None, false),
            (&[], None, false),
            (&["*/*"], Some("application/x-www-form-urlencoded"), false),
            (&["text/json, application/jsonp, +js, é"], None, false),
        ] {
            assert_eq!(wanted(accept, sent), expected, "{accept:?} {sent:?}");
        }
    }

    #[tokio::test]
    async fn the_text_of_every_kind_becomes_json_and_the_rest_stays() {
        for error in [
            Error::login_required(Some("/login/".into())),
            Error::csrf(crate::csrf::Reason::NoCookie),
            Error::busy(),
            Error::too_many_sessions(7),
            Error::slow_body(),
            Error::closed(),
        ] {
            let kind = error.kind();
            let before = error.into_response();
            let (status, mut headers) = (before.status(), before.headers().clone());
            let mut response = before;
            response.headers_mut().insert(CONTENT_LENGTH, 3.into());
            rewrite(&mut response);
            assert_eq!(response.status(), status);
            headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            assert_eq!(*response.headers(), headers);
            let body = axum::body::to_bytes(response.into_body(), 1000).await;
            let json: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
            assert_eq!(json["error"], kind.word());
            assert_eq!(json["detail"], text(kind).trim_end());
            assert_eq!(json.as_object().unwrap().len(), 2);
        }
    }

    #[tokio::test]
    async fn what_a_site_has_written_itself_stays() {
        let mut response = Error::busy().into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, "text/html".parse().unwrap());
        *response.body_mut() = Body::from("mine");
        rewrite(&mut response);
        let body = axum::body::to_bytes(response.into_body(), 1000).await;
        assert_eq!(body.unwrap(), "mine");
    }
}
