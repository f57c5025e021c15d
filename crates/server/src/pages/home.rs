//! `/home/`: for those who are logged in.

use cloakroom::templates::Moment;
use cloakroom_core::auth::User;
use serde::Serialize;

use super::View;

/// One's own page.
#[derive(Debug, Serialize)]
pub(crate) struct Home<'a> {
    name: String,
    username: &'a str,
    last_login: Option<Moment>,
}

impl<'a> Home<'a> {
    /// The page of `user`.
    pub(crate) fn new(user: &'a User) -> Self {
        Self {
            name: user.display_name(),
            username: &user.username,
            last_login: user.last_login.map(Moment::from),
        }
    }
}

impl View for Home<'_> {
    const TEMPLATE: &'static str = "home.html";
}
