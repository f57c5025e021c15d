//! The contract: what each route does, as the Django site does it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cloakroom::auth::{NextRule, UserRow, is_safe_next};
use cloakroom::password::Hashers;
use cloakroom::session::{Expiry, SessionData};
use cloakroom::{
    Auth, Cloakroom, Cookies, CsrfToken, Error, Permissions, Session, User, login_required,
};
use cloakroom_stores::Database;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the handlers share.
pub(crate) struct Fleet {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) hashers: Hashers,
    /// Sessions are kept in the browsers' cookies, whose text is then their key, as in Django.
    pub(crate) in_cookies: bool,
}

type Shared = State<Arc<Fleet>>;
type Texts = HashMap<String, String>;

pub(crate) fn router(fleet: Fleet, cloakroom: &Cloakroom) -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/csrf", get(csrf))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/flush", post(flush))
        .route("/cycle", post(cycle))
        .route("/put", post(put))
        .route("/expiry", post(expiry))
        .route("/slow", post(slow))
        .route("/passwd", post(passwd))
        .route("/perm", get(perm))
        .route("/sset", get(sset))
        .route("/sget", get(sget))
        .route("/protected", get(whoami).layer(login_required()))
        .route("/safe", get(safe))
        .layer(cloakroom.layer())
        .layer(DefaultBodyLimit::max(4 << 20))
        // After the layer: what is not there is 404 whatever the form holds, as in Django.
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(Arc::new(fleet))
}

/// Written by hand: the session's values may be more than serde reads.
async fn whoami(
    State(fleet): Shared,
    user: Option<User>,
    session: Session,
    cookies: Cookies,
) -> Result<Response, Error> {
    let key = if fleet.in_cookies {
        cookies.get("sessionid")
    } else {
        session.key()?.map(|key| key.as_str().to_owned())
    };
    let mut data = String::new();
    for name in session.names()? {
        if name.starts_with('_') {
            continue;
        }
        if let Some(value) = session.raw(&name)? {
            let comma = if data.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(data, "{comma}{}: {value}", json!(name));
        }
    }
    let user = json!(user.map(|user| user.username.clone()));
    let text = format!(
        r#"{{"user": {user}, "key": {}, "data": {{{data}}}}}"#,
        json!(key)
    );
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

async fn csrf(csrf: CsrfToken) -> Result<Json<Value>, Error> {
    Ok(Json(json!({ "token": csrf.token()? })))
}

async fn login(auth: Auth, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let fields = fields(&headers, &body);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    match auth
        .authenticate(field("username"), field("password"))
        .await?
    {
        None => Ok(bad()),
        Some(user) => {
            auth.login(&user)?;
            Ok(Json(json!({ "user": user.username })).into_response())
        }
    }
}

async fn logout(auth: Auth) -> Result<Json<Value>, Error> {
    auth.logout()?;
    Ok(Json(json!({})))
}

async fn flush(session: Session) -> Result<Json<Value>, Error> {
    session.flush()?;
    Ok(Json(json!({})))
}

async fn cycle(session: Session) -> Result<Json<Value>, Error> {
    session.cycle_key()?;
    Ok(Json(json!({})))
}

async fn put(session: Session, body: Bytes) -> Result<Response, Error> {
    let Some(map) = std::str::from_utf8(&body).ok().and_then(object) else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    for name in map.names() {
        let value = map.raw(&name).unwrap_or("null");
        session.set_raw(&name, value)?;
    }
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
struct NewExpiry {
    v: Option<i64>,
}

async fn expiry(session: Session, Json(new): Json<NewExpiry>) -> Result<Json<Value>, Error> {
    session.set_expiry(new.v.map_or(Expiry::SiteDefault, Expiry::Seconds))?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
    name: String,
    value: Value,
}

async fn slow(session: Session, Json(slow): Json<Slow>) -> Result<Json<Value>, Error> {
    tokio::time::sleep(Duration::from_millis(slow.ms)).await;
    session.set(&slow.name, &slow.value)?;
    Ok(Json(json!({})))
}

async fn passwd(
    State(fleet): Shared,
    auth: Auth,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let fields = fields(&headers, &body);
    let (Some(user), Some(new)) = (auth.user().await?, fields.get("new").cloned()) else {
        return Ok(bad());
    };
    let hashers = fleet.hashers.clone();
    let hash = tokio::task::spawn_blocking(move || hashers.make(new.as_bytes()));
    let encoded = hash.await.expect("hashing does not panic")?;
    let _ = fleet
        .database
        .set_password(&user.id, None, &encoded)
        .await?;
    let mut row = UserRow::clone(&user);
    row.password = encoded;
    auth.update_session_auth_hash(&row.into())?;
    Ok(Json(json!({})).into_response())
}

async fn perm(may: Option<Permissions>, Query(query): Query<Texts>) -> Json<Value> {
    let wanted = text(&query, "p");
    Json(json!({ "has": may.is_some_and(|may| may.has(wanted)) }))
}

async fn sset(cookies: Cookies, Query(query): Query<Texts>) -> Result<Json<Value>, Error> {
    let (name, value) = (text(&query, "n"), text(&query, "v"));
    cookies.set_signed(name, value, text(&query, "s"), |cookie| cookie)?;
    Ok(Json(json!({ "v": value })))
}

async fn sget(cookies: Cookies, Query(query): Query<Texts>) -> Json<Value> {
    let value = cookies.get_signed(text(&query, "n"), text(&query, "s"), None);
    Json(json!({ "v": value.ok().flatten() }))
}

async fn safe(headers: HeaderMap, Query(query): Query<Texts>) -> Json<Value> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let hosts = [host.unwrap_or_default()];
    let https = text(&query, "https") == "1";
    let ok = is_safe_next(text(&query, "u"), &hosts, https, NextRule::Django);
    Json(json!({ "ok": ok }))
}

fn bad() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "bad" }))).into_response()
}

fn text<'a>(query: &'a Texts, name: &str) -> &'a str {
    query.get(name).map_or("", String::as_str)
}

/// A form's fields, or a JSON map's texts.
fn fields(headers: &HeaderMap, body: &[u8]) -> Texts {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    form_urlencoded::parse(body).into_owned().collect()
}

/// A JSON object as Python reads it.
fn object(json: &str) -> Option<SessionData> {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    SessionData::from_bytes(ascii.into_bytes()).ok()
}
