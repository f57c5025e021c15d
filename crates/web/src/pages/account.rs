//! `/account/`: what the site knows of its visitor.

use std::time::Duration;

use axum::extract::{OriginalUri, RawForm};
use axum::response::Response;
use serde::Serialize;

use super::form::{FormErrors, REQUIRED, last_field};
use super::{ACCOUNT, LOGOUT, PASSWORD_CHANGE, View, shown, sibling};
use crate::auth::{Auth, ListedSession, User};
use crate::error::Error;
use crate::redirect::redirect;
use crate::templates::{Moment, Page};

/// The account of somebody who is signed in.
#[derive(Debug, Serialize)]
pub(super) struct Account<'a> {
    pub(super) action: &'a str,
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) last_login: Option<Moment>,
    pub(super) password_change: String,
    pub(super) logout: String,
    /// Where the user is signed in; `None` where the site keeps no list.
    pub(super) sessions: Option<Vec<Place>>,
    /// The password is to be given before one of them is ended.
    pub(super) asks_password: bool,
    #[serde(flatten)]
    pub(super) errors: FormErrors,
}

impl View for Account<'_> {
    const TEMPLATE: &'static str = "registration/account.html";
}

/// One of the browsers in which somebody is signed in.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) id: String,
    /// Such as `Firefox on Linux`.
    pub(super) browser: String,
    pub(super) address: Option<String>,
    pub(super) created: Moment,
    pub(super) last_seen: Moment,
    pub(super) is_current: bool,
}

impl Place {
    fn new(session: ListedSession) -> Self {
        Self {
            id: session.id,
            browser: browser(&session.user_agent),
            address: session.address.map(|address| address.to_string()),
            created: session.created.into(),
            last_seen: session.last_seen.into(),
            is_current: session.is_current,
        }
    }
}

/// Whoever has signed in no longer ago than this need not give the password again.
const RECENT: Duration = Duration::from_secs(15 * 60);

pub(super) async fn show(
    auth: Auth,
    user: User,
    page: Page,
    uri: OriginalUri,
) -> Result<Response, Error> {
    view(&auth, &user, &page, &uri, FormErrors::default()).await
}

async fn view(
    auth: &Auth,
    user: &User,
    page: &Page,
    uri: &OriginalUri,
    errors: FormErrors,
) -> Result<Response, Error> {
    let sessions = if auth.lists_sessions().await? {
        let sessions = auth.sessions().await?;
        Some(sessions.into_iter().map(Place::new).collect())
    } else {
        None
    };
    let view = Account {
        action: uri.path(),
        username: &user.username,
        email: &user.email,
        last_login: user.last_login.map(Moment::from),
        password_change: sibling(uri, ACCOUNT, PASSWORD_CHANGE),
        logout: sibling(uri, ACCOUNT, LOGOUT),
        sessions,
        asks_password: !auth.recently_authenticated(RECENT).await?,
        errors,
    };
    shown(page, &view)
}

/// Ends the session that the pressed button names, or the others, or all.
pub(super) async fn submit(
    auth: Auth,
    user: User,
    page: Page,
    uri: OriginalUri,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    if !auth.recently_authenticated(RECENT).await? {
        let password = last_field(&form, "password");
        let mut errors = FormErrors::default();
        if password.is_empty() {
            errors.add("password", "Password", REQUIRED);
        } else if !auth.check_password(&user, password.as_bytes()).await? {
            errors.add(
                "password",
                "",
                "Your password was entered incorrectly. Please enter it again.",
            );
        }
        if !errors.is_empty() {
            return view(&auth, &user, &page, &uri, errors).await;
        }
    }
    let ended = match &*last_field(&form, "end") {
        "others" => {
            let _ = auth.end_other_sessions().await?;
            true
        }
        "all" => {
            let _ = auth.end_all_sessions().await?;
            true
        }
        id => auth.end_session(id).await?,
    };
    if !ended {
        // Somebody else's too.
        return Err(Error::not_found());
    }
    Ok(redirect(uri.path()))
}

/// What to call a browser by its own word for itself.
fn browser(user_agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(sign, _)| user_agent.contains(sign));
        found.map(|(_, name)| *name)
    };
    match (named(BROWSERS), named(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if user_agent.trim().is_empty() => "A program without a name".to_owned(),
        (None, None) => user_agent.chars().take(60).collect(),
    }
}

/// Most say that they are others too, so the order matters.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_go_by_the_names_that_people_know() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
                "Safari on an iPhone",
            ),
            ("curl/8.14.1", "curl/8.14.1"),
            (" ", "A program without a name"),
        ] {
            assert_eq!(browser(user_agent), name, "{user_agent}");
        }
        assert_eq!(browser(&"x".repeat(500)).len(), 60);
    }
}
