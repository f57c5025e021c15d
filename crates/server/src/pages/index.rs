//! `/`: open to everybody.

use serde::Serialize;

use super::View;

/// Who looks at the page.
#[derive(Debug, Serialize)]
#[serde(tag = "visitor", rename_all = "snake_case")]
pub(crate) enum Index<'a> {
    /// Someone who is logged in.
    User {
        /// What to call them.
        name: &'a str,
    },
    /// Someone who is not.
    Nobody,
    /// The store does not answer. The page goes on, and does not pretend that they are logged out.
    Unknown,
}

impl View for Index<'_> {
    const TEMPLATE: &'static str = "index.html";
}
