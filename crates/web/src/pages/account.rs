//! `/account/`: what the site knows of its visitor.

use axum::extract::OriginalUri;
use axum::response::Response;
use cloakroom_core::time::Timestamp;
use serde::Serialize;

use super::{ACCOUNT, LOGOUT, PASSWORD_CHANGE, View, shown, sibling};
use crate::auth::User;
use crate::error::Error;
use crate::templates::Page;

/// The account of somebody who is signed in.
#[derive(Debug, Serialize)]
pub(super) struct Account<'a> {
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) last_login: Option<Moment>,
    pub(super) password_change: String,
    pub(super) logout: String,
}

impl View for Account<'_> {
    const TEMPLATE: &'static str = "registration/account.html";
}

pub(super) async fn show(user: User, page: Page, uri: OriginalUri) -> Result<Response, Error> {
    let view = Account {
        username: &user.username,
        email: &user.email,
        last_login: user.last_login.map(Moment::new),
        password_change: sibling(&uri, ACCOUNT, PASSWORD_CHANGE),
        logout: sibling(&uri, ACCOUNT, LOGOUT),
    };
    shown(&page, &view)
}

/// A moment for a `time` element.
#[derive(Debug, Serialize)]
pub(super) struct Moment {
    iso: String,
    words: String,
}

impl Moment {
    pub(super) fn new(moment: Timestamp) -> Self {
        let date = moment.http_date();
        // `Sat, 25 Jul 2026 14:03:09 GMT`: neither the day of the week nor the second matters here.
        let words = match (date.get(5..16), date.get(17..22)) {
            (Some(day), Some(time)) => format!("{day}, {time} UTC"),
            _ => date,
        };
        Self {
            iso: moment.iso_text(),
            words,
        }
    }
}
