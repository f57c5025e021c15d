//! The page behind the one-time link of the first start.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, RawForm, State};
use axum::response::Response;
use cloakroom::auth::{CreateUser, UserCreated, UserRow, UserStore as _};
use cloakroom::time::Timestamp;
use cloakroom::{CsrfToken, Error, redirect};
use http::{HeaderMap, StatusCode, Uri};

use super::login::last_field;
use super::{App, answer};
use crate::new_user;
use crate::pages::csrf::Csrf;
use crate::pages::error::NotFound;
use crate::pages::first_superuser::{Field, FirstSuperuser, LinkGone, MISMATCH, Problem};
use crate::pages::form::REQUIRED;
use crate::pages::local_path::LocalPath;
use crate::setup_link::{LinkRefused, SetupLink, Visit};

/// The fewest characters of the first superuser's password (NIST SP 800-63B and Django's own validators ask
/// for more or less; twelve is what our pages ask of everybody).
const SHORTEST_PASSWORD: usize = 12;

/// The request's parts that the link looks at.
pub(super) struct Asked<'a> {
    token: &'a str,
    peer: SocketAddr,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    fn visit(&self) -> Visit<'_> {
        Visit {
            token: self.token,
            peer: self.peer.ip(),
            authority: self.uri.authority().map(http::uri::Authority::as_str),
            headers: self.headers,
            now: Timestamp::now(),
        }
    }
}

/// Shows the form and uses nothing up: browsers fetch links ahead.
pub(super) async fn form(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    csrf: CsrfToken,
) -> Result<Response, Error> {
    let asked = Asked {
        token: &token,
        peer,
        uri: &uri,
        headers: &headers,
    };
    let link = match open_link(&app, |link| link.check_get(&asked.visit())) {
        Ok(link) => link,
        Err(response) => return Ok(*response),
    };
    let Some(action) = LocalPath::parse(uri.path()) else {
        return Ok(answer::page(
            &app.templates,
            StatusCode::NOT_FOUND,
            &NotFound {},
        ));
    };
    let (origin, help) = (link.origin(), password_help());
    let view = FirstSuperuser::form(&action, &origin, &help, Csrf::new(&csrf.token()?));
    Ok(answer::uncached_page(&app.templates, StatusCode::OK, &view))
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    csrf: CsrfToken,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let asked = Asked {
        token: &token,
        peer,
        uri: &uri,
        headers: &headers,
    };
    let link = match open_link(&app, |link| link.check_post(&asked.visit())) {
        Ok(link) => link,
        Err(response) => return Ok(*response),
    };
    let Some(action) = LocalPath::parse(uri.path()) else {
        return Ok(answer::page(
            &app.templates,
            StatusCode::NOT_FOUND,
            &NotFound {},
        ));
    };
    let (typed, email) = (last_field(&form, "username"), last_field(&form, "email"));
    let (password, again) = (
        last_field(&form, "password1"),
        last_field(&form, "password2"),
    );
    let problems = match accepted(&typed, &email, &password, &again) {
        Err(problems) => problems,
        Ok((username, email)) => {
            let mut user = UserRow::new("", username, Timestamp::now());
            user.email = email;
            user.password = hashed(&app, password.into_owned()).await?;
            user.is_staff = true;
            user.is_superuser = true;
            // The table's own answer: of many that try at once one is the first.
            let created = app
                .store
                .create_user(&user, CreateUser::OnlyTheFirst)
                .await?;
            link.close();
            return Ok(match created {
                UserCreated::Created(user) => {
                    tracing::info!(user = %user.id, "the first superuser was made");
                    redirect(&app.cloakroom.config().login.login_url)
                }
                UserCreated::NotTheFirst | UserCreated::UsernameTaken => gone(&app),
            });
        }
    };
    let (origin, help) = (link.origin(), password_help());
    let view = FirstSuperuser::form(&action, &origin, &help, Csrf::new(&csrf.token()?));
    let view = view.refused(&typed, &email, problems);
    Ok(answer::uncached_page(&app.templates, StatusCode::OK, &view))
}

/// The link, if this request may use it. The client does not learn why not.
fn open_link(
    app: &App,
    check: impl FnOnce(&SetupLink) -> Result<(), LinkRefused>,
) -> Result<&SetupLink, Box<Response>> {
    let not_found = || {
        Box::new(answer::page(
            &app.templates,
            StatusCode::NOT_FOUND,
            &NotFound {},
        ))
    };
    let link = app.setup_link.as_ref().ok_or_else(not_found)?;
    check(link).map(|()| link).map_err(|refused| {
        tracing::warn!(reason = %refused, "the setup link was refused");
        match refused {
            LinkRefused::Ended => Box::new(gone(app)),
            _ => not_found(),
        }
    })
}

fn gone(app: &App) -> Response {
    answer::uncached_page(&app.templates, StatusCode::GONE, &LinkGone { minutes: 30 })
}

fn password_help() -> [String; 1] {
    [format!(
        "At least {SHORTEST_PASSWORD} characters. A few words that only you would put together are good."
    )]
}

/// The password's hash, computed off the threads that serve requests.
async fn hashed(app: &App, password: String) -> Result<String, Error> {
    let hashers = app.cloakroom.config().login.hashers.clone();
    match tokio::task::spawn_blocking(move || hashers.make(password.as_bytes())).await {
        Ok(encoded) => Ok(encoded?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Name and address as they are kept, or all that is wrong.
fn accepted(
    username: &str,
    email: &str,
    password: &str,
    again: &str,
) -> Result<(String, String), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |field, message: String| problems.push(Problem { field, message });
    let username = new_user::username(username.trim())
        .map_err(|message| problem(Field::Username, message))
        .ok();
    let email = new_user::email(email)
        .map_err(|message| problem(Field::Email, message))
        .ok();
    if password.is_empty() {
        problem(Field::Password, REQUIRED.to_owned());
    } else if password.chars().count() < SHORTEST_PASSWORD {
        let rule = format!("It must contain at least {SHORTEST_PASSWORD} characters.");
        problem(
            Field::Password,
            format!("This password is too short. {rule}"),
        );
    }
    if password != again {
        problem(Field::PasswordAgain, MISMATCH.to_owned());
    }
    match (username, email) {
        (Some(username), Some(email)) if problems.is_empty() => Ok((username, email)),
        _ => Err(problems),
    }
}
