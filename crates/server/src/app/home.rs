//! `/` and `/home/`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cloakroom::{Error, Page, User};
use http::StatusCode;

use super::{App, answer};
use crate::pages::home::Home;
use crate::pages::index::Index;

/// Open to everybody, and there while the store fails: it only says less then.
pub(super) async fn index(
    State(app): State<Arc<App>>,
    user: Result<Option<User>, Error>,
) -> Response {
    let name = match &user {
        Ok(Some(user)) => Some(user.display_name()),
        _ => None,
    };
    let view = match (&user, &name) {
        (Ok(_), Some(name)) => Index::User { name },
        (Ok(_), None) => Index::Nobody,
        (Err(error), _) => {
            tracing::warn!(reason = ?error.to_string(), "who visits / is not known");
            Index::Unknown
        }
    };
    answer::formless(&app.templates, StatusCode::OK, &view)
}

pub(super) async fn home(user: User, page: Page) -> Result<Response, Error> {
    answer::page(&page, &Home::new(&user))
}
