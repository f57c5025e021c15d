//! `/login/`.

use cloakroom_core::time::Timestamp;
use serde::Serialize;

use super::View;
use super::form::{FieldError, REQUIRED};

/// The form, before and after a try.
#[derive(Debug, Serialize)]
pub(crate) struct Login<'a> {
    /// Where to go on to, as it came in the address or the form. Judged when the login succeeds, not here.
    next: &'a str,
    /// As it was typed, so that it need not be typed again. The password never comes back.
    username: &'a str,
    errors: Vec<FieldError>,
    invalid: Vec<&'static str>,
    /// The field where the next key press belongs.
    focus: &'static str,
}

impl<'a> Login<'a> {
    /// The empty form.
    pub(crate) fn form(next: &'a str) -> Self {
        Self {
            next,
            username: "",
            errors: Vec::new(),
            invalid: Vec::new(),
            focus: "username",
        }
    }

    /// The form after a try that failed, whatever the reason: a wrong name, a wrong password, a locked and
    /// a disabled account must look the same, or the page tells who has an account.
    pub(crate) fn refused(next: &'a str, username: &'a str) -> Self {
        Self {
            username,
            errors: vec![FieldError {
                field: "username",
                label: "",
                message: REFUSED.to_owned(),
            }],
            invalid: vec!["username", "password"],
            focus: "password",
            ..Self::form(next)
        }
    }

    /// The form after a try that was not looked at, because too many have failed: until when, and in how many seconds
    /// that is.
    pub(crate) fn throttled(
        next: &'a str,
        username: &'a str,
        until: Timestamp,
        seconds: i64,
    ) -> Self {
        let wait = match seconds {
            ..=1 => "a second".to_owned(),
            2..=119 => format!("{seconds} seconds"),
            120..=7199 => format!("{} minutes", (seconds + 59) / 60),
            _ => format!("{} hours", (seconds + 3599) / 3600),
        };
        // `2026-11-22T17:45:30…` in UTC.
        let text = until.iso_text();
        let clock = text.get(11..19).unwrap_or_default();
        Self {
            username,
            errors: vec![FieldError {
                field: "password",
                label: "",
                message: format!(
                    "Too many attempts to log in have failed. Your password was not looked at. Please try again in \
                     {wait}, at {clock} UTC."
                ),
            }],
            focus: "password",
            ..Self::form(next)
        }
    }

    /// The form sent with a field left empty, which browsers do not do; nobody's password was tried.
    pub(crate) fn incomplete(next: &'a str, username: &'a str, password_given: bool) -> Self {
        let mut form = Self {
            username,
            ..Self::form(next)
        };
        let fields = [
            ("username", "Username", !username.trim().is_empty()),
            ("password", "Password", password_given),
        ];
        for (field, label, given) in fields {
            if !given {
                form.errors.push(FieldError {
                    field,
                    label,
                    message: REQUIRED.to_owned(),
                });
                form.invalid.push(field);
            }
        }
        form.focus = form.invalid.first().copied().unwrap_or("password");
        form
    }
}

impl View for Login<'_> {
    const TEMPLATE: &'static str = "registration/login.html";
}

/// Django's words.
const REFUSED: &str = "Please enter a correct username and password. \
                       Note that both fields may be case-sensitive.";
