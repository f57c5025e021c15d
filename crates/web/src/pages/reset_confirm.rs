//! `/reset/{uidb64}/{token}/`: the page behind the link of a letter.

use axum::extract::{OriginalUri, Path, RawForm};
use axum::response::Response;
use cloakroom_core::auth::{User as UserRow, UserChanged, id_of_uidb64};
use serde::Serialize;

use super::form::{FormErrors, last_field};
use super::{LOGIN, PASSWORD_RESET, RESET_DONE, View, reset_mail, shown, sibling};
use crate::auth::Auth;
use crate::error::Error;
use crate::redirect::redirect;
use crate::session::Session;
use crate::templates::Page;

/// The form, or that there is none.
#[derive(Debug, Default, Serialize)]
pub(super) struct ResetConfirm<'a> {
    pub(super) validlink: bool,
    pub(super) action: &'a str,
    /// For the browser's store of passwords.
    pub(super) username: &'a str,
    pub(super) help: Vec<String>,
    #[serde(flatten)]
    pub(super) errors: FormErrors,
    /// Where another link is asked for.
    pub(super) again: String,
}

impl View for ResetConfirm<'_> {
    const TEMPLATE: &'static str = "registration/password_reset_confirm.html";
}

/// The page behind it.
#[derive(Debug, Serialize)]
pub(super) struct ResetDone {
    pub(super) login: String,
}

impl View for ResetDone {
    const TEMPLATE: &'static str = "registration/password_reset_complete.html";
}

/// Stands in the place of the token once the session has it, so that no history and no `Referer` does (Django's
/// `reset_url_token`).
const IN_SESSION: &str = "set-password";
/// Django's name.
const TOKEN_NAME: &str = "_password_reset_token";

/// Takes the token out of the address into the session, and shows the form from there. Nothing is used up: mail programs
/// look at links too.
pub(super) async fn form(
    auth: Auth,
    session: Session,
    page: Page,
    uri: OriginalUri,
    Path((uidb64, token)): Path<(String, String)>,
) -> Result<Response, Error> {
    if token == IN_SESSION {
        let user = owner(&auth, &uidb64, &kept(&session)?).await?;
        return show(
            &auth,
            &page,
            &uri,
            &uidb64,
            user.as_ref(),
            FormErrors::none("new_password1"),
        );
    }
    if owner(&auth, &uidb64, &token).await?.is_none() {
        return show(&auth, &page, &uri, &uidb64, None, FormErrors::default());
    }
    session.set(TOKEN_NAME, &token)?;
    let own = format!("/reset/{uidb64}/{token}/");
    Ok(redirect(&sibling(
        &uri,
        &own,
        &format!("/reset/{uidb64}/{IN_SESSION}/"),
    )))
}

pub(super) async fn submit(
    auth: Auth,
    session: Session,
    page: Page,
    uri: OriginalUri,
    Path((uidb64, token)): Path<(String, String)>,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let user = match token.as_str() {
        IN_SESSION => owner(&auth, &uidb64, &kept(&session)?).await?,
        _ => None,
    };
    let Some(user) = user else {
        return show(&auth, &page, &uri, &uidb64, None, FormErrors::default());
    };
    let site = auth.visit.site();
    let (password, again) = (
        last_field(&form, "new_password1"),
        last_field(&form, "new_password2"),
    );
    let mut errors = FormErrors::default();
    errors.check_new_password(site, &user, &password, &again);
    if !errors.is_empty() {
        return show(&auth, &page, &uri, &uidb64, Some(&user), errors);
    }
    let encoded = auth.make_password(password.as_bytes()).await?;
    // The token was made over this password: of several at once one is used up.
    let seen = Some(user.password.as_str());
    if site.users.set_password(&user.id, seen, &encoded).await? == UserChanged::NotChanged {
        return show(&auth, &page, &uri, &uidb64, None, FormErrors::default());
    }
    session.remove(TOKEN_NAME)?;
    tracing::info!(user = ?user.id, "a password was set by a link");
    let address = auth.visit.place().client;
    site.attempts
        .forget(&user.username, address, site.now())
        .await;
    reset_mail::tell_of_change(site, &user);
    let own = format!("/reset/{uidb64}/{IN_SESSION}/");
    Ok(redirect(&sibling(&uri, &own, RESET_DONE)))
}

pub(super) async fn done(page: Page, uri: OriginalUri) -> Result<Response, Error> {
    let login = sibling(&uri, RESET_DONE, LOGIN);
    shown(&page, &ResetDone { login })
}

/// The token in the session; empty if there is none.
fn kept(session: &Session) -> Result<String, Error> {
    let token: Option<String> = session.get(TOKEN_NAME).ok().flatten();
    Ok(token.unwrap_or_default())
}

/// The user whose link this is, if it is good. One who is not active gets no link, and none is good any more.
async fn owner(auth: &Auth, uidb64: &str, token: &str) -> Result<Option<UserRow>, Error> {
    let site = auth.visit.site();
    let Some(id) = id_of_uidb64(uidb64).filter(|_| !token.is_empty()) else {
        return Ok(None);
    };
    let user = site.users.by_id(&id).await?.filter(|user| user.is_active);
    Ok(user.filter(|user| site.reset_tokens.check(user, token, site.now())))
}

fn show(
    auth: &Auth,
    page: &Page,
    uri: &OriginalUri,
    uidb64: &str,
    user: Option<&UserRow>,
    errors: FormErrors,
) -> Result<Response, Error> {
    // Whatever token the address has behind it.
    let start = uri.path().rfind(&format!("/reset/{uidb64}/"));
    let prefix = start
        .and_then(|start| uri.path().get(..start))
        .unwrap_or_default();
    let view = ResetConfirm {
        validlink: user.is_some(),
        action: uri.path(),
        username: user.map_or("", |user| &user.username),
        help: auth.visit.site().config.login.validators.help_texts(),
        errors,
        again: format!("{prefix}{PASSWORD_RESET}"),
    };
    shown(page, &view)
}
