//! The page behind the one-time link of the first start.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Form;
use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::response::Response;
use cloakroom::auth::{CreateUser, UserCreated, UserRow};
use cloakroom::pages::FormErrors;
use cloakroom::password::Validators;
use cloakroom::time::Timestamp;
use cloakroom::{Error, Page, redirect};
use http::StatusCode;
use http::request::Parts;
use http::uri::Authority;

use super::{App, answer};
use crate::new_user;
use crate::pages::error::NotFound;
use crate::pages::first_superuser::{FirstSuperuser, LinkGone};
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

    /// The form with the name and the address as they were sent, and above it what was wrong.
    fn page(
        &self,
        page: &Page,
        username: &str,
        email: &str,
        errors: FormErrors,
    ) -> Result<Response, Error> {
        let validators = &self.app.cloakroom.config().login.validators;
        let view = FirstSuperuser {
            action: &self.action,
            origin: &self.link().origin(),
            username,
            email,
            password_help: &validators.help_texts(),
            errors,
        };
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
    admitted.page(&page, "", "", FormErrors::default())
}

pub(super) async fn submit(
    admitted: Admitted,
    page: Page,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Error> {
    let app = &admitted.app;
    let field = |name| form.get(name).map_or("", String::as_str);
    let (typed, email) = (field("username"), field("email"));
    let (password, again) = (field("password1"), field("password2"));
    let validators = &app.cloakroom.config().login.validators;
    let errors = match accepted(typed, email, password, again, validators) {
        Err(errors) => errors,
        Ok(mut user) => {
            user.password = hashed(app, password.to_owned()).await?;
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
    admitted.page(&page, typed, email, errors)
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
) -> Result<UserRow, FormErrors> {
    let mut errors = FormErrors::default();
    let username = new_user::username(username.trim())
        .map_err(|message| errors.add("username", "Username", message))
        .ok();
    let email = new_user::email(email)
        .map_err(|message| errors.add("email", "Email address", message))
        .ok();
    let mut user = UserRow::new("", username.unwrap_or_default(), Timestamp::now());
    user.email = email.unwrap_or_default();
    if password.is_empty() {
        errors.add("password1", "Password", "This field is required.");
    } else {
        for found in validators.validate(password, &user.attributes()) {
            errors.add("password1", "Password", found.message);
        }
    }
    if password != again {
        errors.add("password2", "Password again", MISMATCH);
    }
    if errors.is_empty() {
        Ok(user)
    } else {
        Err(errors)
    }
}

/// Django's words for two passwords that differ.
const MISMATCH: &str = "The two password fields didn’t match.";
