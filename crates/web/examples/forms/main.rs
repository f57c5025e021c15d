//! Forms, a script and a WebSocket of one's own behind Cloakroom's layer: what a page must hold, and how a script sends
//! the token. The tests with a real browser attack it from other sites (`tests/browser/test_csrf.py`).
//!
//! ```sh
//! cargo run -- createsuperuser          # makes site.db with a user, after `cargo run -- migrate`
//! SECRET_KEY=… cargo run -p cloakroom --example forms -- site.db 8000
//! ```
//!
//! With `FORMS_BEHIND_TLS=1` it takes every connection for one over TLS, as behind a tunnel that only decrypts.

#![forbid(unsafe_code)]

mod pages;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Extension, Router};
use cloakroom::session::MemoryStore;
use cloakroom::{Cloakroom, Config, Listener, SqliteStore, ensure_csrf_cookie};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often something was changed: what an attack would raise.
pub(crate) type Changes = Arc<AtomicU32>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(database), Some(port)) = (arguments.next(), arguments.next()) else {
        return Err("usage: forms DATABASE PORT".into());
    };
    let users = SqliteStore::open(database).await?;
    let cloakroom = Cloakroom::new(Config::from_env()?, MemoryStore::new(1_000), users);
    let mut app = routes().layer(cloakroom.layer());
    if std::env::var_os("FORMS_BEHIND_TLS").is_some() {
        let tls = Listener {
            port: 443,
            tls: true,
        };
        app = app.layer(Extension(tls));
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

fn routes() -> Router {
    // A file may be larger than a form; its page's form has the token in front of it.
    let upload = get(pages::upload).post(pages::uploaded);
    let upload = upload.layer(DefaultBodyLimit::max(100 << 20));
    // The script reads the cookie, so that the page must see to it that there is one.
    let app = get(pages::app).layer(ensure_csrf_cookie());
    Router::new()
        .route("/", get(pages::index))
        .route("/sign-in/", get(pages::sign_in_form).post(pages::sign_in))
        .route("/note/", get(pages::note).post(pages::write_note))
        .route("/upload/", upload)
        .route("/app/", app)
        .route("/app-with-token/", get(pages::app_with_token))
        .route("/app.js", get(pages::script))
        .route("/api/note/", post(pages::api_note))
        .route("/socket/", get(pages::socket))
        .with_state(Changes::default())
}
