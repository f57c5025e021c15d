//! `/password_reset/`: a letter for who has forgotten the password.

use axum::extract::{OriginalUri, RawForm};
use axum::response::Response;
use serde::Serialize;

use super::form::{FormErrors, REQUIRED, last_field};
use super::{PASSWORD_RESET, PASSWORD_RESET_DONE, View, reset_mail, shown, sibling};
use crate::auth::Auth;
use crate::error::Error;
use crate::redirect::redirect;
use crate::templates::Page;

/// The form.
#[derive(Debug, Serialize)]
pub(super) struct PasswordReset<'a> {
    pub(super) action: &'a str,
    pub(super) email: &'a str,
    #[serde(flatten)]
    pub(super) errors: FormErrors,
}

impl View for PasswordReset<'_> {
    const TEMPLATE: &'static str = "registration/password_reset_form.html";
}

/// The page behind it, the same whether or not there is such an account.
#[derive(Debug, Serialize)]
pub(super) struct PasswordResetDone {
    pub(super) lifetime: String,
}

impl View for PasswordResetDone {
    const TEMPLATE: &'static str = "registration/password_reset_done.html";
}

pub(super) async fn form(page: Page, uri: OriginalUri) -> Result<Response, Error> {
    let view = PasswordReset {
        action: uri.path(),
        email: "",
        errors: FormErrors::none("email"),
    };
    shown(&page, &view)
}

/// Answers before anybody is looked for: neither the answer nor its time tells whether there is such an account, or
/// whether letters can be sent (CVE-2024-45231).
pub(super) async fn submit(
    auth: Auth,
    page: Page,
    uri: OriginalUri,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let typed = last_field(&form, "email");
    let email = typed.trim();
    let mut errors = FormErrors::default();
    if email.is_empty() {
        errors.add("email", "Email address", REQUIRED);
    } else if !is_address(email) {
        errors.add("email", "", "Enter a valid email address.");
    }
    if !errors.is_empty() {
        let view = PasswordReset {
            action: uri.path(),
            email,
            errors,
        };
        return shown(&page, &view);
    }
    // Links lead to where these pages are, on the origin that the settings name.
    let prefix = sibling(&uri, PASSWORD_RESET, "");
    reset_mail::send_links(auth.visit.site(), email, &prefix);
    Ok(redirect(&sibling(
        &uri,
        PASSWORD_RESET,
        PASSWORD_RESET_DONE,
    )))
}

/// Only so much that nobody waits in vain for a letter to something that is no address at all.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && text.chars().count() <= cloakroom_core::auth::LONGEST_EMAIL
        && !text.chars().any(char::is_control)
}

pub(super) async fn done(auth: Auth, page: Page) -> Result<Response, Error> {
    let lifetime = reset_mail::lifetime(auth.visit.site());
    shown(&page, &PasswordResetDone { lifetime })
}
