//! A page of somebody else's: another origin, without Cloakroom. It tries to make visitors of the classroom do something.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use cloakroom::{Templates, context, redirect};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::assets;

/// The same page under two names. A browser takes them for two sites, and for cookies all ports of one name for one.
#[derive(Serialize)]
pub(super) struct Addresses {
    /// From the classroom's point of view another site.
    stranger: String,
    /// The same site, though another origin.
    neighbour: String,
}

/// Where the evil page is for somebody who came to the classroom by the name in `headers`.
pub(super) fn addresses(headers: &HeaderMap, evil: SocketAddr) -> Addresses {
    let (own, other) = names(headers, evil.ip());
    let port = evil.port();
    Addresses {
        stranger: format!("http://{other}:{port}/another-site/"),
        neighbour: format!("http://{own}:{port}/neighbour/"),
    }
}

/// The site at the second port. `classroom` is whom it attacks.
pub(crate) fn router(templates: Templates, classroom: SocketAddr) -> Router {
    Router::new()
        .route("/", get(async || redirect("/another-site/")))
        .route("/another-site/", get(another_site))
        .route("/neighbour/", get(neighbour))
        .route(
            assets::STYLESHEET.path,
            get(async || assets::STYLESHEET.response()),
        )
        .route(
            assets::EVIL_SCRIPT.path,
            get(async || assets::EVIL_SCRIPT.response()),
        )
        .with_state((templates, classroom))
}

type Victim = State<(Templates, SocketAddr)>;

async fn another_site(State((templates, classroom)): Victim, headers: HeaderMap) -> Response {
    let (_, other) = names(&headers, classroom.ip());
    page(
        &templates,
        &format!("http://{other}:{}", classroom.port()),
        false,
    )
}

async fn neighbour(State((templates, classroom)): Victim, headers: HeaderMap) -> Response {
    let (own, _) = names(&headers, classroom.ip());
    page(
        &templates,
        &format!("http://{own}:{}", classroom.port()),
        true,
    )
}

fn page(templates: &Templates, classroom: &str, neighbour: bool) -> Response {
    let page = templates.render("evil.html", context! { classroom, neighbour });
    page.map(Html)
        .map_err(|error| {
            tracing::error!(%error, "the evil page");
            StatusCode::INTERNAL_SERVER_ERROR
        })
        .into_response()
}

/// The name by which somebody came to this machine, and the other one. They are of two that we know, whatever was sent.
fn names(headers: &HeaderMap, listens: IpAddr) -> (String, String) {
    let localhost = "localhost".to_owned();
    let number = match listens {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    if host.is_some_and(|host| host.host() == number) {
        (number, localhost)
    } else {
        (localhost, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evil_page_is_another_site_by_whatever_name_one_came() {
        for (host, listens, stranger, neighbour) in [
            (
                "localhost:8000",
                "127.0.0.1:8001",
                "127.0.0.1:8001",
                "localhost:8001",
            ),
            (
                "127.0.0.1:8000",
                "127.0.0.1:8001",
                "localhost:8001",
                "127.0.0.1:8001",
            ),
            ("[::1]:8000", "[::1]:8001", "localhost:8001", "[::1]:8001"),
            (
                "localhost:8000",
                "[::1]:8001",
                "[::1]:8001",
                "localhost:8001",
            ),
            (
                "evil.example",
                "127.0.0.1:8001",
                "127.0.0.1:8001",
                "localhost:8001",
            ),
            (
                "\"><script>",
                "127.0.0.1:8001",
                "127.0.0.1:8001",
                "localhost:8001",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            let found = addresses(&headers, listens.parse().unwrap());
            assert_eq!(
                found.stranger,
                format!("http://{stranger}/another-site/"),
                "{host}"
            );
            assert_eq!(
                found.neighbour,
                format!("http://{neighbour}/neighbour/"),
                "{host}"
            );
        }
    }
}
