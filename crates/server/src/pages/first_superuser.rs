//! The page behind the one-time link of the first start.

use cloakroom::pages::FormErrors;
use serde::Serialize;

use super::View;
use super::local_path::LocalPath;

/// The form for the first account.
#[derive(Debug, Serialize)]
pub(crate) struct FirstSuperuser<'a> {
    /// The link itself.
    pub(crate) action: &'a LocalPath,
    /// That which was printed with it.
    pub(crate) origin: &'a str,
    /// As they were typed. The passwords never come back.
    pub(crate) username: &'a str,
    pub(crate) email: &'a str,
    /// A sentence for each rule that the password has to meet.
    pub(crate) password_help: &'a [String],
    /// At first there is no focus either: what stands above the fields should be read before them.
    #[serde(flatten)]
    pub(crate) errors: FormErrors,
}

impl View for FirstSuperuser<'_> {
    const TEMPLATE: &'static str = "registration/first_superuser.html";
}

/// What the link shows when it was used, or is too old.
#[derive(Debug, Serialize)]
pub(crate) struct LinkGone {
    /// For how long a link lasts.
    pub(crate) minutes: u32,
}

impl View for LinkGone {
    const TEMPLATE: &'static str = "registration/link_gone.html";
}
