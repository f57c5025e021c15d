//! `/logout/` by a link: asks, because only a form may log out. Another site could follow the link too.

use serde::Serialize;

use super::View;

/// The question.
#[derive(Debug, Serialize)]
pub(crate) struct Logout<'a> {
    /// Who would be logged out, if that was looked up; otherwise empty.
    pub(crate) name: &'a str,
}

impl View for Logout<'_> {
    const TEMPLATE: &'static str = "registration/logout.html";
}
