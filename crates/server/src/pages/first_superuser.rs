//! The page behind the one-time link of the first start.

use serde::Serialize;

use super::View;
use super::form::FieldError;
use super::local_path::LocalPath;

/// The form for the first account.
#[derive(Debug, Serialize)]
pub(crate) struct FirstSuperuser<'a> {
    action: &'a LocalPath,
    origin: &'a str,
    username: &'a str,
    email: &'a str,
    password_help: &'a [String],
    errors: Vec<FieldError>,
    invalid: Vec<&'static str>,
    described: Described,
    focus: &'static str,
}

/// The elements that say more about the first password: what it must be, what was wrong with it.
#[derive(Debug, Serialize)]
struct Described {
    password1: String,
}

impl<'a> FirstSuperuser<'a> {
    /// The empty form. `action` is the link itself, `origin` the one that was printed with it, and
    /// `password_help` a sentence for each rule that the password has to meet.
    pub(crate) fn form(
        action: &'a LocalPath,
        origin: &'a str,
        password_help: &'a [String],
    ) -> Self {
        Self {
            action,
            origin,
            username: "",
            email: "",
            password_help,
            errors: Vec::new(),
            invalid: Vec::new(),
            described: Described::new(password_help, false),
            // Nothing yet: what stands above the fields should be read first.
            focus: "",
        }
    }

    /// The form as it was sent, but for the passwords, and what was wrong with it.
    pub(crate) fn refused(
        self,
        username: &'a str,
        email: &'a str,
        problems: impl IntoIterator<Item = Problem>,
    ) -> Self {
        let problems: Vec<Problem> = problems.into_iter().collect();
        let mut invalid: Vec<&'static str> = problems
            .iter()
            .map(|problem| problem.field.name())
            .collect();
        invalid.dedup();
        Self {
            username,
            email,
            focus: invalid.first().copied().unwrap_or("username"),
            described: Described::new(self.password_help, invalid.contains(&"password1")),
            invalid,
            errors: problems.into_iter().map(Problem::error).collect(),
            ..self
        }
    }
}

impl View for FirstSuperuser<'_> {
    const TEMPLATE: &'static str = "registration/first_superuser.html";
}

impl Described {
    fn new(help: &[String], wrong: bool) -> Self {
        let help = (!help.is_empty()).then_some("password_help");
        let errors = wrong.then_some("errors");
        let ids: Vec<&str> = errors.into_iter().chain(help).collect();
        Self {
            password1: ids.join(" "),
        }
    }
}

/// Something that was wrong with one field.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The field.
    pub(crate) field: Field,
    /// A sentence, such as [`MISMATCH`] or a validator's.
    pub(crate) message: String,
}

impl Problem {
    fn error(self) -> FieldError {
        FieldError {
            field: self.field.name(),
            label: self.field.label(),
            message: self.message,
        }
    }
}

/// The form's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// `username`
    Username,
    /// `email`, which may be empty.
    Email,
    /// `password1`
    Password,
    /// `password2`, the same again.
    PasswordAgain,
}

impl Field {
    /// Its name in the form.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::Password => "password1",
            Self::PasswordAgain => "password2",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Username => "Username",
            Self::Email => "Email address",
            Self::Password => "Password",
            Self::PasswordAgain => "Password again",
        }
    }
}

/// Django's words for two passwords that differ.
pub(crate) const MISMATCH: &str = "The two password fields didn’t match.";

/// What the link shows when it was used, or is too old.
#[derive(Debug, Serialize)]
pub(crate) struct LinkGone {
    /// For how long a link lasts.
    pub(crate) minutes: u32,
}

impl View for LinkGone {
    const TEMPLATE: &'static str = "registration/link_gone.html";
}
