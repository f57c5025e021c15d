//! The pages. All that a visitor typed is escaped by axum's JSON or stands in no page.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Json};
use cloakroom::{Auth, CsrfToken, Error, Session, User, redirect};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};

use crate::Changes;

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
         <meta name=viewport content='width=device-width'><meta name=color-scheme content='light dark'>\
         <main><h1>{title}</h1>{body}</main></html>"
    ))
}

pub(crate) async fn index(
    user: Option<User>,
    session: Session,
    State(changes): State<Changes>,
) -> Result<Json<Index>, Error> {
    Ok(Json(Index {
        user: user.map(|user| user.username.clone()),
        note: session.get("note")?,
        changes: changes.load(Ordering::SeqCst),
    }))
}

#[derive(Serialize)]
pub(crate) struct Index {
    user: Option<String>,
    note: Option<String>,
    changes: u32,
}

pub(crate) async fn sign_in_form(csrf: CsrfToken) -> Result<Html<String>, Error> {
    let input = csrf.input()?;
    let form = format!(
        "<form method=post>{input}<label>Name <input name=username autocomplete=username></label>\
         <label>Password <input name=password type=password autocomplete=current-password></label>\
         <button>Sign in</button></form>"
    );
    Ok(page("Sign in", &form))
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    username: String,
    password: String,
}

pub(crate) async fn sign_in(auth: Auth, Form(form): Form<SignIn>) -> Result<Response, Error> {
    let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
        return Ok(page("Please try again", "").into_response());
    };
    auth.login(&user)?;
    Ok(auth.redirect_next("/note/"))
}

pub(crate) async fn note(csrf: CsrfToken, _: User) -> Result<Html<String>, Error> {
    let input = csrf.input()?;
    let form = format!(
        "<form method=post>{input}<label>Note <input name=text></label><button>Keep</button></form>"
    );
    Ok(page("A note", &form))
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Note {
    text: String,
}

pub(crate) async fn write_note(
    _: User,
    session: Session,
    State(changes): State<Changes>,
    Form(note): Form<Note>,
) -> Result<Response, Error> {
    session.set("note", &note.text)?;
    changes.fetch_add(1, Ordering::SeqCst);
    Ok(redirect("/"))
}

pub(crate) async fn upload(csrf: CsrfToken, _: User) -> Result<Html<String>, Error> {
    // The token stands in front of the file, so that the form is let through before the file is there.
    let input = csrf.input()?;
    let form = format!(
        "<form method=post enctype=multipart/form-data>{input}<label>File <input name=file type=file></label>\
         <button>Send</button></form>"
    );
    Ok(page("A file", &form))
}

/// Counts the bytes as they come and keeps none. What a form's parts are is for a library, such as axum's `Multipart`.
pub(crate) async fn uploaded(
    _: User,
    State(changes): State<Changes>,
    body: Body,
) -> Result<Response, Response> {
    let mut body = body;
    let (mut bytes, mut sum) = (0_u64, 0_u64);
    while let Some(frame) = body.frame().await {
        // A body that breaks off, or one with a second token: whatever was done with it so far is to be undone.
        let frame = frame.map_err(|error| {
            (
                http::StatusCode::BAD_REQUEST,
                format!("the file did not arrive: {error}\n"),
            )
                .into_response()
        })?;
        if let Some(data) = frame.data_ref() {
            bytes += data.len() as u64;
            sum = data
                .iter()
                .fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
        }
    }
    changes.fetch_add(1, Ordering::SeqCst);
    Ok(page(
        "Sent",
        &format!("<p><output>{bytes} bytes, sum {sum}</output></p>"),
    )
    .into_response())
}

const APP: &str = "<form><label>Note <input name=text></label><button>Keep</button></form><p><output></output></p>\
                   <script src=/app.js></script>";

pub(crate) async fn app(_: User) -> Html<String> {
    page("A note by script", APP)
}

/// The same for a script that has no cookie to read: the page hands it the token.
pub(crate) async fn app_with_token(csrf: CsrfToken, _: User) -> Result<Html<String>, Error> {
    let token = csrf.token()?;
    let meta = format!("<meta name=csrf-token content={token}>");
    Ok(page("A note by script", &[&meta, APP].concat()))
}

pub(crate) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("app.js"))
}

pub(crate) async fn api_note(
    _: User,
    session: Session,
    State(changes): State<Changes>,
    Json(note): Json<Note>,
) -> Result<Json<Note>, Error> {
    session.set("note", &note.text)?;
    changes.fetch_add(1, Ordering::SeqCst);
    Ok(Json(note))
}

/// Whoever opens it from a page of this site is greeted. The layer has looked at the origin.
pub(crate) async fn socket(
    user: User,
    State(changes): State<Changes>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        changes.fetch_add(1, Ordering::SeqCst);
        let greeting = format!("hello {}", user.username);
        // A client that has gone needs no greeting.
        let _ = socket.send(Message::text(greeting)).await;
    })
}
