//! What forms have in common: their fields, and what they say of those that were not accepted.

use std::borrow::Cow;

use cloakroom_core::auth::User as UserRow;
use serde::Serialize;

use crate::site::Site;

/// All that was wrong with a form, as the macros of `registration/form.html` show it.
///
/// A page has it flattened among its values: `errors` are the messages, each a link to its field, `invalid` the names of
/// the fields that they are about, and `focus` the one where the next key press belongs.
///
/// ```
/// use cloakroom::Templates;
/// use cloakroom::pages::{self, FormErrors};
///
/// #[derive(serde::Serialize)]
/// struct Order { #[serde(flatten)] errors: FormErrors }
///
/// let source = "{% from 'registration/form.html' import problems %}{{ problems(errors) }}";
/// let templates = Templates::from_sources(pages::sources().chain([("order.html", source)]))?;
/// let mut errors = FormErrors::default();
/// errors.add("street", "Street", "This field is required.");
/// let page = templates.render("order.html", Order { errors })?;
/// assert!(page.contains(r##"Street: <a href="#id_street">This field is required.</a>"##));
/// # Ok::<(), cloakroom::templates::TemplateError>(())
/// ```
#[derive(Clone, Debug, Default, Serialize)]
pub struct FormErrors {
    pub(super) errors: Vec<FieldError>,
    /// The fields that they are about.
    pub(super) invalid: Vec<&'static str>,
    /// The field where the next key press belongs.
    pub(super) focus: &'static str,
}

impl FormErrors {
    /// None, with the focus in this field.
    pub(super) fn none(focus: &'static str) -> Self {
        Self {
            focus,
            ..Self::default()
        }
    }

    /// One message more. `label` stands before it; it is empty where the message says what it means by itself.
    pub fn add(&mut self, field: &'static str, label: &'static str, message: impl Into<String>) {
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

    /// True if nothing was wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
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

/// One message. The page puts it above the form, as a link to its field.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FieldError {
    field: &'static str,
    label: &'static str,
    message: String,
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
