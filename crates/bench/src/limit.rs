//! The same pages by the most direct code there is: what a page must cost at least.
//!
//! It keeps the same records and sends the same answers, with the same hashing, encoding and store calls, and
//! does nothing else: names, lifetimes and shapes are constants, there is no check of hosts, forms or
//! settings, no second key, no merging of changes, no deadline, no other engine.

mod cookie;
mod date;
mod kept;
mod pickle;
mod signed;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use tower::util::MapRequestLayer;

use crate::case::Engine;
use crate::visitors::{BACKEND, ENCODED_PASSWORD, SECRET_KEY, Visitor};
use kept::{Data, Kept};

struct Site {
    kept: Kept,
    password_hasher: Hmac<Sha256>,
}

pub(crate) async fn app(engine: Engine, visitors: &[Visitor], folder: &Path) -> Router {
    let site = Site {
        kept: Kept::new(engine, visitors, folder).await,
        password_hasher: salted(
            "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash",
        ),
    };
    Router::new()
        .route("/hello", get(hello))
        .route("/me", get(me))
        .route("/form", get(form))
        .route("/login", get(login))
        .route("/write", get(write))
        .with_state(Arc::new(site))
}

/// The same in the least layer that any middleware with a value of its own for each request is.
pub(crate) async fn layered(engine: Engine, visitors: &[Visitor], folder: &Path) -> Router {
    let app = app(engine, visitors, folder).await;
    app.layer(MapRequestLayer::new(|mut request: Request| {
        request.extensions_mut().insert(Arc::new(()));
        request
    }))
}

async fn hello() -> &'static str {
    "hello"
}

async fn me(State(site): State<Arc<Site>>, request: Request) -> Response {
    let session = cookie::find(&request, "sessionid=");
    let user = match session {
        Some(session) => site.kept.user_id(session).await,
        None => None,
    };
    match user {
        Some(id) => by_cookie(id),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn form(State(site): State<Arc<Site>>, request: Request) -> Response {
    let session = cookie::find(&request, "sessionid=");
    let secret = cookie::find(&request, "csrftoken=");
    let user = match session {
        Some(session) => site.kept.user_id(session).await,
        None => None,
    };
    let (Some(user), Some(secret)) = (user, secret) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let Some(token) = cookie::masked(secret) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let page = Html(format!(
        "<p>{user}</p><form method=\"post\">\
         <input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\"><button>Go</button></form>"
    ));
    let mut response = by_cookie(page);
    set(&mut response, cookie::csrf(secret, SystemTime::now()));
    cache(&mut response, "private");
    response
}

async fn login(State(site): State<Arc<Site>>) -> Response {
    let now = SystemTime::now();
    let mut hasher = site.password_hasher.clone();
    hasher.update(ENCODED_PASSWORD.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into_bytes().into();
    let data = Data {
        user_id: "1".into(),
        backend: BACKEND.into(),
        hash: cookie::hex(hash).into(),
        signed_in_at: date::unix_seconds(now),
        visits: None,
    };
    let value = site.kept.create(&data, now).await;
    let mut response = by_cookie("signed in");
    set(&mut response, cookie::csrf(&cookie::secret(), now));
    set(&mut response, cookie::session(&value, now));
    cache(&mut response, "private, no-store");
    response
}

async fn write(State(site): State<Arc<Site>>, request: Request) -> Response {
    let now = SystemTime::now();
    let session = cookie::find(&request, "sessionid=");
    let counted = match session {
        Some(session) => site.kept.count(session, now).await,
        None => None,
    };
    match counted {
        Some((visits, value)) => {
            let mut response = by_cookie(visits.to_string());
            set(&mut response, cookie::session(&value, now));
            cache(&mut response, "private");
            response
        }
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// An answer that depends on the request's cookies.
fn by_cookie(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
    response
}

fn set(response: &mut Response, cookie: String) {
    let value = HeaderValue::try_from(cookie).expect("it is ASCII");
    response.headers_mut().append(SET_COOKIE, value);
}

fn cache(response: &mut Response, rule: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(rule));
}

/// Django's `salted_hmac`, with the key's part done once.
fn salted(salt: &str) -> Hmac<Sha256> {
    let key = Sha256::new()
        .chain_update(salt)
        .chain_update(SECRET_KEY)
        .finalize();
    Hmac::new_from_slice(&key).expect("HMAC takes keys of any length")
}
