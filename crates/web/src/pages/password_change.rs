//! `/password_change/`: a new password for who knows the old one.

use axum::extract::{OriginalUri, RawForm};
use axum::response::Response;
use cloakroom_core::auth::UserChanged;
use serde::Serialize;

use super::form::{FormErrors, REQUIRED, last_field};
use super::{ACCOUNT, PASSWORD_CHANGE, PASSWORD_CHANGE_DONE, View, reset_mail, shown, sibling};
use crate::auth::{Auth, User};
use crate::error::Error;
use crate::redirect::redirect;
use crate::templates::Page;

/// The form.
#[derive(Debug, Serialize)]
pub(super) struct PasswordChange<'a> {
    pub(super) action: &'a str,
    pub(super) name: &'a str,
    /// For the browser's store of passwords.
    pub(super) username: &'a str,
    pub(super) help: Vec<String>,
    #[serde(flatten)]
    pub(super) errors: FormErrors,
}

impl View for PasswordChange<'_> {
    const TEMPLATE: &'static str = "registration/password_change_form.html";
}

/// The page behind it.
#[derive(Debug, Serialize)]
pub(super) struct PasswordChangeDone {
    pub(super) account: String,
}

impl View for PasswordChangeDone {
    const TEMPLATE: &'static str = "registration/password_change_done.html";
}

pub(super) async fn form(
    auth: Auth,
    user: User,
    page: Page,
    uri: OriginalUri,
) -> Result<Response, Error> {
    show(&auth, &user, &page, &uri, FormErrors::none("old_password"))
}

fn show(
    auth: &Auth,
    user: &User,
    page: &Page,
    uri: &OriginalUri,
    errors: FormErrors,
) -> Result<Response, Error> {
    let view = PasswordChange {
        action: uri.path(),
        name: &user.display_name(),
        username: &user.username,
        help: auth.visit.site().config.login.validators.help_texts(),
        errors,
    };
    shown(page, &view)
}

/// Verifies the old password as a login does, and is counted as one: whoever has taken over a session must not be able to
/// guess here.
pub(super) async fn submit(
    auth: Auth,
    user: User,
    page: Page,
    uri: OriginalUri,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let old = last_field(&form, "old_password");
    let (password, again) = (
        last_field(&form, "new_password1"),
        last_field(&form, "new_password2"),
    );
    let site = auth.visit.site();
    let mut errors = FormErrors::default();
    if old.is_empty() {
        errors.add("old_password", "Old password", REQUIRED);
    } else if !auth.check_password(&user, old.as_bytes()).await? {
        errors.add("old_password", "", WRONG);
    }
    errors.check_new_password(site, &user, &password, &again);
    if !errors.is_empty() {
        return show(&auth, &user, &page, &uri, errors);
    }
    let encoded = auth.make_password(password.as_bytes()).await?;
    // Only over the password that was verified: who changed it meanwhile knew better.
    let seen = Some(user.password.as_str());
    if site.users.set_password(&user.id, seen, &encoded).await? == UserChanged::NotChanged {
        errors.add("old_password", "", WRONG);
        return show(&auth, &user, &page, &uri, errors);
    }
    let mut row = (*user).clone();
    row.password = encoded;
    let user = User::from(row);
    auth.update_session_auth_hash(&user)?;
    tracing::info!(user = ?user.id, "a password was changed");
    reset_mail::tell_of_change(site, &user);
    Ok(redirect(&sibling(
        &uri,
        PASSWORD_CHANGE,
        PASSWORD_CHANGE_DONE,
    )))
}

pub(super) async fn done(_user: User, page: Page, uri: OriginalUri) -> Result<Response, Error> {
    let account = sibling(&uri, PASSWORD_CHANGE_DONE, ACCOUNT);
    shown(&page, &PasswordChangeDone { account })
}

/// Django's words.
const WRONG: &str = "Your old password was entered incorrectly. Please enter it again.";
