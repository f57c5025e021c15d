//! The letters of a password: the link for a new one, and that it was changed.

use std::sync::Arc;

use cloakroom_core::auth::{User as UserRow, uidb64};
use cloakroom_core::password::is_password_usable;

use crate::error::Error;
use crate::mail::Mail;
use crate::site::Site;

/// Has letters with links go to whoever has this address, in a task of its own.
pub(super) fn send_links(site: &Arc<Site>, email: &str, prefix: &str) {
    let (site, email, prefix) = (Arc::clone(site), email.to_owned(), prefix.to_owned());
    let Ok(letter) = Arc::clone(&site.letters).try_acquire_owned() else {
        tracing::warn!(
            "too many letters are on their way; a request for a new password is dropped"
        );
        return;
    };
    tokio::spawn(async move {
        if let Err(error) = links(&site, &email, &prefix).await {
            tracing::error!(reason = ?error.to_string(), "letters for a new password could not be sent");
        }
        drop(letter);
    });
}

async fn links(site: &Site, email: &str, prefix: &str) -> Result<(), Error> {
    let (Some(mailer), Some(origin)) = (&site.mailer, &site.config.public_origin) else {
        return Ok(());
    };
    for user in site.users.by_email(email).await? {
        if !user.is_active || !is_password_usable(&user.password) {
            continue;
        }
        let now = site.now();
        // To the address that is kept, and not to the one that was typed: they may differ (CVE-2019-19844).
        if !site.attempts.may_write_to(&user.email, now).await {
            tracing::warn!(user = ?user.id, "an address has got its letters for this hour");
            continue;
        }
        let (id, token) = (uidb64(&user.id), site.reset_tokens.make(&user, now));
        let text = format!(
            "Somebody, perhaps you, asked for a new password for the account {username} at {origin}.\n\nHere you can choose \
             one:\n\n{origin}{prefix}/reset/{id}/{token}/\n\nThe link is good for {lifetime}, and once. If it was not you, \
             there is nothing to do: your password stays as it is.\n",
            username = one_line(&user.username),
            lifetime = lifetime(site),
        );
        let mail = Mail::new(
            &*site.config.mail_from,
            &*user.email,
            format!("A new password at {}", host(origin)),
            text,
        );
        match mailer.send(&mail).await {
            Ok(()) => tracing::info!(user = ?user.id, "a link for a new password was sent"),
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(user = ?user.id, reason = ?error.to_string(), ?source, "a letter could not be sent");
            }
        }
    }
    Ok(())
}

/// Has a letter go to the user that says that the password is another one (OWASP ASVS 6.3.7).
pub(super) fn tell_of_change(site: &Arc<Site>, user: &UserRow) {
    let (Some(mailer), Some(origin)) = (&site.mailer, &site.config.public_origin) else {
        return;
    };
    if user.email.is_empty() {
        return;
    }
    let Ok(letter) = Arc::clone(&site.letters).try_acquire_owned() else {
        tracing::warn!(user = ?user.id, "too many letters are on their way; one about a changed password is dropped");
        return;
    };
    let text = format!(
        "The password of the account {username} at {origin} was changed. If it was not you, ask for a new one at once, and \
         tell the people who run the site.\n",
        username = one_line(&user.username),
    );
    let subject = format!("Your password at {} was changed", host(origin));
    let mail = Mail::new(&*site.config.mail_from, &*user.email, subject, text);
    let (mailer, id) = (Arc::clone(mailer), user.id.clone());
    tokio::spawn(async move {
        if let Err(error) = mailer.send(&mail).await {
            tracing::error!(user = ?id, reason = ?error.to_string(), "a letter could not be sent");
        }
        drop(letter);
    });
}

/// For how long a link is good, in words.
pub(super) fn lifetime(site: &Site) -> String {
    let seconds = site.config.login.password_reset_timeout;
    let (number, unit) = match seconds {
        ..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    match number {
        1 => format!("one {unit}"),
        _ => format!("{number} {unit}s"),
    }
}

fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

/// A name that is no more than a name in a letter.
fn one_line(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_control())
        .collect()
}
