//! A signature instead of a store: step by step by hand, then the library's tokens, taken apart.

mod forgery;
mod steps;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom::auth::derived_signing_key;
use cloakroom::cookie::{CookieError, SameSite, SetCookie};
use cloakroom::{Cookies, Error, Page, Tokens, User, context, redirect};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::first_start::Place;
use forgery::Forgery;
use steps::{Message, Steps, Typed, decoded};

/// More than any of these forms has.
const LARGEST_FORM: usize = 32 * 1024;

pub(crate) fn routes(place: &Place) -> Router {
    Router::new()
        .route("/token/", get(token))
        .route("/token/send/", post(send))
        .route("/token/change/", post(change))
        .route("/token/jwt/", post(jwt))
        .route("/token/forge/", post(forge))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(key(place))
}

/// A key for this page alone, made of one of the site's: what is signed here is good nowhere else.
fn key(place: &Place) -> Key {
    let site = derived_signing_key(place.cloakroom.config().secrets.key());
    let key = Sha256::digest(format!("classroom.token:{site}"));
    Key::new_from_slice(&key).expect("HMAC takes keys of any length")
}

// page: from here
type Key = Hmac<Sha256>;

fn sign(key: &Key, message: &str) -> String {
    let payload = URL_SAFE_NO_PAD.encode(message);
    let signature = signature(key, &payload);
    format!("{payload}.{signature}")
}

fn signature(key: &Key, payload: &str) -> String {
    let mac = key.clone().chain_update(payload);
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn verify(key: &Key, token: &str) -> Option<String> {
    let (payload, sent) = token.rsplit_once('.')?; // cut off
    let sent = URL_SAFE_NO_PAD.decode(sent).ok()?;
    let again = key.clone().chain_update(payload); // compute again
    again.verify_slice(&sent).ok()?; // compare, in a time that tells nothing
    String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn cookie(name: &str, token: &str) -> Result<SetCookie, CookieError> {
    let cookie = SetCookie::new(name, token)?.path("/token/")?;
    Ok(cookie.http_only(true).same_site(SameSite::Strict))
}

async fn send(cookies: Cookies, key: State<Key>, form: Form<Message>) -> Result<Response, Error> {
    let token = sign(&key, &form.message);
    cookies.set(&cookie("note", &token)?)?;
    Ok(redirect("/token/"))
}

async fn change(cookies: Cookies, form: Form<Typed>) -> Result<Response, Error> {
    cookies.set(&cookie("note", &form.token)?)?;
    Ok(redirect("/token/"))
}

async fn jwt(user: Option<User>, tokens: Tokens, cookies: Cookies) -> Result<Response, Error> {
    let Some(user) = user else {
        return Ok(redirect("/login/?next=/token/"));
    };
    let pair = tokens.obtain(&user).await?;
    cookies.set(&cookie("jwt", &pair.access)?)?;
    Ok(redirect("/token/"))
}

async fn forge(cookies: Cookies, form: Form<Forgery>) -> Result<Response, Error> {
    let forged = form.forge(&cookies.get("jwt").unwrap_or_default());
    cookies.set(&cookie("jwt", &forged)?)?;
    Ok(redirect("/token/"))
}

async fn token(
    page: Page,
    cookies: Cookies,
    key: State<Key>,
    user: Option<User>,
    tokens: Tokens,
) -> Result<Html<String>, Error> {
    let steps = cookies.get("note").map(|token| Steps::of(&key, token));
    let jwt = cookies.get("jwt").unwrap_or_default();
    let parts: Vec<String> = jwt.splitn(3, '.').map(decoded).collect();
    let speaks_for = tokens.user(&jwt).await?.map(|user| user.username.clone());
    let user = user.map(|user| user.username.clone());
    page.render(
        "token.html",
        context! { steps, jwt, parts, speaks_for, user },
    )
}
// page: to here
