//! The test site's pages: each uses one thing.

use std::collections::HashMap;
use std::time::SystemTime;

use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Form, Router};
use bytes::Bytes;
use cloakroom::session::Expiry;
use cloakroom::{
    Auth, Cookies, CsrfToken, Error, Session, User, cookie::SetCookie, login_required, redirect,
};
use http::StatusCode;
use serde::Deserialize;

pub(crate) fn routes() -> Router {
    routes_of_login()
        .route("/", get(|| async { "untouched" }))
        .route("/logout/", post(sign_out))
        .route("/home/", get(home))
        .route(
            "/guarded/",
            any(|| async { "seen" }).layer(login_required()),
        )
        .route("/whoami/", get(whoami))
        .route("/whoami-if-known/", get(whoami_if_known))
        .nest("/section", Router::new().route("/{page}/", get(home)))
        .route("/form/", get(form))
        .route("/unused-token/", get(|_: CsrfToken| async { "no form" }))
        .route("/echo/", any(echo))
        .route("/session/{action}/", get(act))
        .route("/cookie/{action}/", get(cookie))
}

/// The one page that nobody need have signed in for.
pub(crate) fn routes_of_login() -> Router {
    Router::new().route("/login/", get(form).post(sign_in))
}

async fn home(user: User) -> String {
    format!("Hello {}", user.username)
}

async fn whoami(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".into(), |user| user.username.clone())
}

async fn whoami_if_known(user: Result<Option<User>, Error>) -> String {
    match user {
        Ok(Some(user)) => user.username.clone(),
        Ok(None) => "nobody".into(),
        Err(error) => format!("unknown: {}", error.status().as_u16()),
    }
}

async fn form(csrf: CsrfToken) -> Result<String, Error> {
    Ok(format!("<form method=post>{}</form>", csrf.input()?))
}

#[derive(Deserialize)]
struct SignIn {
    username: String,
    password: String,
}

async fn sign_in(auth: Auth, Form(form): Form<SignIn>) -> Result<Response, Error> {
    let user = auth.authenticate(&form.username, &form.password).await?;
    let Some(user) = user else {
        return Ok("Please try again.".into_response());
    };
    auth.login(&user)?;
    Ok(auth.redirect_next("/home/"))
}

async fn sign_out(auth: Auth) -> Result<Response, Error> {
    auth.logout()?;
    Ok(redirect("/login/"))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// Does one thing with the session, and answers with the status that the query asks for.
async fn act(
    session: Session,
    Path(action): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<(StatusCode, String), Error> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (name, value) = (text("name"), text("value"));
    let shown = match action.as_str() {
        "open" => String::new(),
        "raw" => session.raw(name)?.unwrap_or_else(|| "nothing".into()),
        "set_raw" => {
            session.set_raw(name, value)?;
            "set".into()
        }
        "get" => {
            let value: Option<serde_json::Value> = session.get(name)?;
            value.map_or_else(|| "nothing".into(), |value| value.to_string())
        }
        "contains" => session.contains(name)?.to_string(),
        "names" => session.names()?.join(","),
        "is_empty" => session.is_empty()?.to_string(),
        "set" => {
            session.set(name, value)?;
            String::new()
        }
        "add" => session.add(name, 1)?.to_string(),
        "remove" => session.remove(name)?.to_string(),
        "take" => {
            let value: Option<String> = session.take(name)?;
            value.unwrap_or_else(|| "nothing".into())
        }
        "pop" => {
            let value: Option<String> = session.pop(name)?;
            value.unwrap_or_else(|| "nothing".into())
        }
        "set_default" => session.set_default(name, value.to_owned())?,
        "update" => {
            session.update([(name, value), ("more", value)])?;
            String::new()
        }
        "values" => serde_json::Value::Array(session.values()?).to_string(),
        "touch" => format!("{:?}", session.touch()?),
        "is_modified" => session.is_modified()?.to_string(),
        "expiry_age" => session.expiry_age()?.to_string(),
        "expiry_date" => {
            let left = session.expiry_date()?.duration_since(SystemTime::now());
            left.unwrap().as_secs_f64().round().to_string()
        }
        "ends_with_browser" => session.ends_with_browser()?.to_string(),
        "set_test_cookie" => format!("{:?}", session.set_test_cookie()?),
        "test_cookie_worked" => session.test_cookie_worked()?.to_string(),
        "delete_test_cookie" => session.delete_test_cookie()?.to_string(),
        "clear" => format!("{:?}", session.clear()?),
        "flush" => format!("{:?}", session.flush()?),
        "cycle" => format!("{:?}", session.cycle_key()?),
        "expiry" => {
            session.set_expiry(match value {
                "default" => Expiry::SiteDefault,
                "close" => Expiry::AtBrowserClose,
                seconds => Expiry::Seconds(seconds.parse().unwrap()),
            })?;
            String::new()
        }
        _ => return Ok((StatusCode::NOT_FOUND, String::new())),
    };
    let status = query
        .get("status")
        .map_or(200, |text| text.parse().unwrap());
    Ok((StatusCode::from_u16(status).unwrap(), shown))
}

async fn cookie(
    cookies: Cookies,
    Path(action): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<String, Error> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (name, value) = (text("name"), text("value"));
    Ok(match action.as_str() {
        "get" => cookies.get(name).unwrap_or_else(|| "nothing".into()),
        "contains" => cookies.contains(name).to_string(),
        "all" => {
            let pairs = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        }
        "count" => cookies.iter().count().to_string(),
        "set" => {
            cookies.set(&SetCookie::new(name, value)?.max_age(60))?;
            String::new()
        }
        "delete" => {
            cookies.delete(name)?;
            String::new()
        }
        "sign" => {
            cookies.set_signed(name, value, "salt", |cookie| cookie.http_only(true))?;
            String::new()
        }
        "unsign" => match cookies.get_signed(name, "salt", None) {
            Ok(value) => value.unwrap_or_else(|| "nothing".into()),
            Err(_) => "forged".into(),
        },
        _ => "no such action".into(),
    })
}
