//! What forms have in common: their fields, and what they say of those that were not accepted.

use std::borrow::Cow;

use cloakroom_core::auth::User as UserRow;
use serde::Serialize;

use crate::site::Site;

/// One message. The page puts it above the form, as a link to its field.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FieldError {
    /// The field's name.
    pub(super) field: &'static str,
    /// Its label, to stand before the message; empty where the message says what it means by itself.
    pub(super) label: &'static str,
    /// A sentence.
    pub(super) message: String,
}

/// All that was wrong with a form.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Errors {
    pub(super) errors: Vec<FieldError>,
    /// The fields that they are about.
    pub(super) invalid: Vec<&'static str>,
    /// The field where the next key press belongs.
    pub(super) focus: &'static str,
}

impl Errors {
    /// None, with the focus in this field.
    pub(super) fn none(focus: &'static str) -> Self {
        Self {
            focus,
            ..Self::default()
        }
    }

    pub(super) fn add(
        &mut self,
        field: &'static str,
        label: &'static str,
        message: impl Into<String>,
    ) {
        self.errors.push(FieldError {
            field,
            label,
            message: message.into(),
        });
        if !self.invalid.contains(&field) {
            self.invalid.push(field);
        }
        self.focus = self.invalid[0];
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Judges the two fields of a new password (`SetPasswordMixin`).
    pub(super) fn check_new_password(
        &mut self,
        site: &Site,
        user: &UserRow,
        password: &str,
        again: &str,
    ) {
        const LABEL: &str = "New password";
        const LABEL_AGAIN: &str = "New password again";
        if password.is_empty() {
            self.add("new_password1", LABEL, REQUIRED);
        }
        if again.is_empty() {
            self.add("new_password2", LABEL_AGAIN, REQUIRED);
        } else if !password.is_empty() && password != again {
            self.add("new_password2", "", MISMATCH);
        }
        if password.is_empty() {
            return;
        }
        if password.len() > LONGEST_PASSWORD {
            self.add("new_password1", LABEL, "This password is too long.");
        } else {
            let validators = &site.config.login.validators;
            for problem in validators.validate(password, &user.attributes()) {
                self.add("new_password1", "", problem.message);
            }
        }
    }
}

/// The last field of this name, as Django's `QueryDict` gives it; empty if there is none.
pub(super) fn last_field<'a>(form: &'a [u8], name: &str) -> Cow<'a, str> {
    form_urlencoded::parse(form)
        .filter(|(known, _)| known == name)
        .last()
        .map(|(_, value)| value)
        .unwrap_or_default()
}

/// Django's words for a field that was left empty.
pub(super) const REQUIRED: &str = "This field is required.";
/// Django's words for two passwords that differ.
const MISMATCH: &str = "The two password fields didn’t match.";
/// More is never verified.
const LONGEST_PASSWORD: usize = 4096;
