//! The cells of the table: what a page does, and where its sessions are kept.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use axum::body::Body;
use clap::ValueEnum;
use http::header::{ACCEPT, COOKIE, HOST, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::runtime::Runtime;
use tower_layer::Layer as _;

use crate::app::App;
use crate::servers::Server;
use crate::visitors::Visitors;
use crate::{limit, ours};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) endpoint: Endpoint,
    pub(crate) engine: Engine,
    /// Requests that are under way at the same time.
    pub(crate) at_once: usize,
}

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Endpoint {
    /// Does not look at the session.
    Hello,
    /// Says the user's id, from the session.
    Me,
    /// Says the user's id and renders a form with a CSRF token.
    Form,
    /// Makes a session for a user.
    Login,
    /// Counts a visit in the session.
    Write,
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Memory,
    Cookie,
    Sqlite,
    Postgres,
    Redis,
}

/// Whose code serves the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// A router in our layer, as a whole.
    Ours,
    /// Our layer on each route, as `Router::layer` puts it there.
    Routes,
    Limit,
    /// The limit in a layer that puts one `Arc` into the request's extensions.
    Layered,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for engine in Engine::value_variants() {
            for endpoint in Endpoint::value_variants() {
                all.push(Self {
                    endpoint: *endpoint,
                    engine: *engine,
                    at_once: 1,
                });
            }
        }
        // Writes that wait at the same time share a commit.
        for endpoint in [Endpoint::Login, Endpoint::Write] {
            all.push(Self {
                endpoint,
                engine: Engine::Sqlite,
                at_once: 32,
            });
        }
        all
    }

    /// The server without which this cannot be measured.
    pub(crate) const fn server(self) -> Option<Server> {
        match self.engine {
            Engine::Memory | Engine::Cookie | Engine::Sqlite => None,
            Engine::Postgres => Some(Server::Postgres),
            Engine::Redis => Some(Server::Redis),
        }
    }

    /// How many times the limit a page may cost.
    pub(crate) const fn aim(self) -> f64 {
        match (self.endpoint, self.engine) {
            (Endpoint::Hello, _) => 1.05,
            (Endpoint::Me, Engine::Redis) => 1.10,
            (Endpoint::Me | Endpoint::Form, _) => 1.15,
            (Endpoint::Login | Endpoint::Write, _) => 1.2,
        }
    }

    /// The service, with its sessions under `folder` if they are in a file.
    pub(crate) fn app(self, side: Side, runtime: &Runtime, folder: &Path) -> App {
        let visitors = Visitors::all();
        runtime.block_on(async {
            match side {
                Side::Ours => {
                    let (router, layer) = ours::app(self.engine, &visitors, folder).await;
                    App::InLayer(layer.layer(router))
                }
                Side::Routes => {
                    let (router, layer) = ours::app(self.engine, &visitors, folder).await;
                    App::Plain(router.layer(layer))
                }
                Side::Limit => App::Plain(limit::app(self.engine, &visitors, folder).await),
                Side::Layered => App::Plain(limit::layered(self.engine, &visitors, folder).await),
            }
        })
    }

    /// Requests of all visitors in turn, as a browser sends them.
    pub(crate) fn requests(self, count: usize) -> Vec<Request<Body>> {
        let cookies: Vec<HeaderValue> = Visitors::all()
            .iter()
            .map(|visitor| {
                let cookies = visitor.cookies(self.engine, self.endpoint);
                cookies.parse().expect("cookies are ASCII")
            })
            .collect();
        let path = format!("/{}", name(&self.endpoint));
        let request = |cookie: &HeaderValue| {
            Request::get(&path)
                .header(HOST, ours::HOST)
                .header(USER_AGENT, BROWSER)
                .header(
                    ACCEPT,
                    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                )
                .header(COOKIE, cookie)
                .body(Body::empty())
                .expect("every part of it is fixed")
        };
        cookies.iter().cycle().take(count).map(request).collect()
    }

    /// The same requests as they stand on the wire.
    pub(crate) fn requests_on_the_wire(self, count: usize) -> Vec<Vec<u8>> {
        let wire = |request: Request<Body>| {
            let mut text = format!("GET {} HTTP/1.1\r\n", request.uri());
            for (name, value) in request.headers() {
                let value = value.to_str().expect("these headers are ASCII");
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("\r\n");
            text.into_bytes()
        };
        self.requests(count).into_iter().map(wire).collect()
    }

    /// How many requests one measurement has: some milliseconds' worth.
    pub(crate) const fn requests_in_round(self) -> usize {
        match (self.engine, self.endpoint) {
            (Engine::Sqlite, Endpoint::Login | Endpoint::Write) => 512,
            (Engine::Postgres, Endpoint::Login | Endpoint::Write) => 256,
            (Engine::Postgres | Engine::Redis, Endpoint::Me | Endpoint::Form) => 1024,
            (Engine::Redis, Endpoint::Login | Endpoint::Write) => 1024,
            _ => 2048,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", name(&self.endpoint), name(&self.engine))?;
        if self.at_once > 1 {
            write!(formatter, "/{}", self.at_once)?;
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    /// Reads `me/sqlite` or `write/sqlite/32`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '/');
        Ok(Self {
            endpoint: Endpoint::from_str(parts.next().unwrap_or_default(), false)?,
            engine: Engine::from_str(parts.next().unwrap_or_default(), false)?,
            at_once: parts
                .next()
                .map_or(Ok(1), |number| number.parse().map_err(|_| "no number"))?,
        })
    }
}

pub(crate) fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
