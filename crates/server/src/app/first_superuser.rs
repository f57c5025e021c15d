//! The page behind the one-time link of the first start.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Path, RawForm};
use axum::response::Response;
use cloakroom::auth::{CreateUser, UserCreated, UserRow};
use cloakroom::password::Validators;
use cloakroom::time::Timestamp;
use cloakroom::{Error, Page, redirect};
use http::StatusCode;
use http::request::Parts;
use http::uri::Authority;

use super::{App, answer};
use crate::new_user;
use crate::pages::error::NotFound;
use crate::pages::first_superuser::{Field, FirstSuperuser, LinkGone, MISMATCH, Problem};
use crate::pages::form::{REQUIRED, last_field};
use crate::pages::local_path::LocalPath;
use crate::setup_link::{LinkRefused, SetupLink, Visit};

/// A request that the link lets through.
pub(super) struct Admitted {
    app: Arc<App>,
    action: LocalPath,
}

impl Admitted {
    fn link(&self) -> &SetupLink {
        self.app
            .setup_link
            .as_ref()
            .expect("the link let this request through")
    }

    /// The form, and under it what was wrong with what was sent.
    fn page(
        &self,
        page: &Page,
        wrong: Option<(&str, &str, Vec<Problem>)>,
    ) -> Result<Response, Error> {
        let validators = &self.app.cloakroom.config().login.validators;
        let (origin, help) = (self.link().origin(), validators.help_texts());
        let mut view = FirstSuperuser::form(&self.action, &origin, &help);
        if let Some((username, email, problems)) = wrong {
            view = view.refused(username, email, problems);
        }
        Ok(answer::uncached(answer::page(page, &view)?))
    }
}

impl FromRequestParts<Arc<App>> for Admitted {
    type Rejection = Response;

    /// The client does not learn why it is not let through.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let not_found = || answer::formless(&app.templates, StatusCode::NOT_FOUND, &NotFound {});
        let token = Path::<String>::from_request_parts(parts, app).await;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let (Some(link), Ok(Path(token)), Some(peer)) = (&app.setup_link, token, peer) else {
            return Err(not_found());
        };
        let visit = Visit {
            token: &token,
            peer: peer.0.ip(),
            authority: parts.uri.authority().map(Authority::as_str),
            headers: &parts.headers,
            now: Timestamp::now(),
        };
        let allowed = if parts.method.is_safe() {
            link.check_get(&visit)
        } else {
            link.check_post(&visit)
        };
        if let Err(refused) = allowed {
            tracing::warn!(reason = %refused, "the setup link was refused");
            return Err(if refused == LinkRefused::Ended {
                gone(app)
            } else {
                not_found()
            });
        }
        let action = LocalPath::parse(parts.uri.path()).ok_or_else(not_found)?;
        Ok(Self {
            app: Arc::clone(app),
            action,
        })
    }
}

/// Shows the form and uses nothing up: browsers fetch links ahead.
pub(super) async fn form(admitted: Admitted, page: Page) -> Result<Response, Error> {
    admitted.page(&page, None)
}

pub(super) async fn submit(
    admitted: Admitted,
    page: Page,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let app = &admitted.app;
    let (typed, email) = (last_field(&form, "username"), last_field(&form, "email"));
    let (password, again) = (
        last_field(&form, "password1"),
        last_field(&form, "password2"),
    );
    let validators = &app.cloakroom.config().login.validators;
    let problems = match accepted(&typed, &email, &password, &again, validators) {
        Err(problems) => problems,
        Ok(mut user) => {
            user.password = hashed(app, password.into_owned()).await?;
            user.is_staff = true;
            user.is_superuser = true;
            // The table's own answer: of many that try at once one is the first.
            let created = app
                .stores
                .database
                .create_user(&user, CreateUser::OnlyTheFirst)
                .await?;
            admitted.link().close();
            return Ok(match created {
                UserCreated::Created(user) => {
                    tracing::info!(user = %user.id, "the first superuser was made");
                    redirect(&app.cloakroom.config().login.login_url)
                }
                UserCreated::NotTheFirst | UserCreated::UsernameTaken => gone(app),
            });
        }
    };
    admitted.page(&page, Some((&typed, &email, problems)))
}

fn gone(app: &App) -> Response {
    let view = LinkGone { minutes: 30 };
    answer::uncached(answer::formless(&app.templates, StatusCode::GONE, &view))
}

/// The password's hash, computed off the threads that serve requests.
async fn hashed(app: &App, password: String) -> Result<String, Error> {
    let hashers = app.cloakroom.config().login.hashers.clone();
    match tokio::task::spawn_blocking(move || hashers.make(password.as_bytes())).await {
        Ok(encoded) => Ok(encoded?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The user with name and address as they are kept, or all that is wrong.
fn accepted(
    username: &str,
    email: &str,
    password: &str,
    again: &str,
    validators: &Validators,
) -> Result<UserRow, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |field, message: String| problems.push(Problem { field, message });
    let username = new_user::username(username.trim())
        .map_err(|message| problem(Field::Username, message))
        .ok();
    let email = new_user::email(email)
        .map_err(|message| problem(Field::Email, message))
        .ok();
    let mut user = UserRow::new("", username.unwrap_or_default(), Timestamp::now());
    user.email = email.unwrap_or_default();
    if password.is_empty() {
        problem(Field::Password, REQUIRED.to_owned());
    } else {
        for found in validators.validate(password, &user.attributes()) {
            problem(Field::Password, found.message);
        }
    }
    if password != again {
        problem(Field::PasswordAgain, MISMATCH.to_owned());
    }
    if problems.is_empty() {
        Ok(user)
    } else {
        Err(problems)
    }
}
