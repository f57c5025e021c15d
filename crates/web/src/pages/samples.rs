//! Every page in every state, made of one text: tried on a site's own templates, and looked at in tests.

use cloakroom_core::time::Timestamp;
use minijinja::Value;
use minijinja::value::{Serde, merge_maps};

use super::View;
use super::account::{Account, Place};
use super::form::FormErrors;
use super::login::{CookieLost, Login};
use super::logout::Logout;
use super::password_change::{PasswordChange, PasswordChangeDone};
use super::password_reset::{PasswordReset, PasswordResetDone};
use super::reset_confirm::{ResetConfirm, ResetDone};
use crate::templates::{Moment, TemplateError, Templates};

/// Makes each of the login pages of these templates once, with `text` wherever a value may come from outside: a mistake in
/// a site's own template shows at the start, and not on the first visit. The pages, each with a name for its state.
///
/// # Errors
/// A template is not there or cannot make its page.
pub fn render_samples(
    templates: &Templates,
    text: &str,
) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let moment = Timestamp::from_unix_seconds(1_785_000_189);
    let login = || Login {
        action: "/login/",
        errors: FormErrors::none("username"),
        ..Login::default()
    };
    let mut on_the_way = login();
    on_the_way.next = text;
    on_the_way.reset = Some("/password_reset/".to_owned());
    let [mut refused, mut throttled, mut elsewhere, mut incomplete] = [(); 4].map(|()| Login {
        username: text,
        next: text,
        ..login()
    });
    refused.refuse();
    throttled.throttle(moment, 300);
    elsewhere.ask_elsewhere(Some("/accounts/login/"));
    incomplete.errors.add("username", "Username", text);
    incomplete.errors.add("password", "Password", text);
    let lost = |lost| Login {
        cookie_lost: Some(lost),
        next: text,
        ..login()
    };
    let mut wrong = FormErrors::default();
    wrong.add("old_password", "Old password", text);
    wrong.add("new_password1", "", text);
    wrong.add("new_password2", "New password again", text);
    let mut wrong_new = FormErrors::default();
    wrong_new.add("new_password1", "", text);
    wrong_new.add("new_password2", "New password again", text);
    let change = |errors| PasswordChange {
        action: "/password_change/",
        name: text,
        username: text,
        help: vec![text.to_owned()],
        errors,
    };
    let confirm = |validlink, errors| ResetConfirm {
        validlink,
        action: "/reset/MQ/set-password/",
        username: text,
        help: vec![text.to_owned()],
        errors,
        again: "/password_reset/".to_owned(),
    };
    let place = |is_current| Place {
        id: "abcdefghijklmnopqrstuv".to_owned(),
        browser: text.to_owned(),
        address: Some(text.to_owned()),
        created: moment.into(),
        last_seen: moment.into(),
        is_current,
    };
    let account = |last_login, sessions, errors: FormErrors| Account {
        action: "/account/",
        asks_password: !errors.is_empty(),
        sessions,
        errors,
        username: text,
        email: text,
        last_login,
        password_change: "/password_change/".to_owned(),
        logout: "/logout/".to_owned(),
    };
    let mut wrong_password = FormErrors::default();
    wrong_password.add("password", "", text);
    let logout = Logout {
        action: "/logout/",
        name: text,
        stay: "/home/",
    };
    let asked = |errors| PasswordReset {
        action: "/password_reset/",
        email: text,
        errors,
    };
    let mut no_address = FormErrors::default();
    no_address.add("email", "", text);
    let lifetime = text.to_owned();
    let pages = Samples(templates);
    Ok(vec![
        ("login", pages.of(&login())?),
        ("login on the way", pages.of(&on_the_way)?),
        ("login refused", pages.of(&refused)?),
        ("login throttled", pages.of(&throttled)?),
        ("login elsewhere", pages.of(&elsewhere)?),
        ("login incomplete", pages.of(&incomplete)?),
        (
            "login without cookies",
            pages.of(&lost(CookieLost::Blocked))?,
        ),
        (
            "login without https",
            pages.of(&lost(CookieLost::Insecure))?,
        ),
        ("logout", pages.of(&logout)?),
        (
            "account",
            pages.of(&account(
                Some(Moment::from(moment)),
                Some(vec![place(true), place(false)]),
                FormErrors::default(),
            ))?,
        ),
        (
            "account of a newcomer",
            pages.of(&account(None, None, FormErrors::default()))?,
        ),
        (
            "account refused",
            pages.of(&account(None, Some(vec![place(true)]), wrong_password))?,
        ),
        (
            "password change",
            pages.of(&change(FormErrors::none("old_password")))?,
        ),
        ("password change refused", pages.of(&change(wrong))?),
        (
            "password changed",
            pages.of(&PasswordChangeDone {
                account: "/account/".to_owned(),
            })?,
        ),
        (
            "password reset",
            pages.of(&asked(FormErrors::none("email")))?,
        ),
        ("password reset refused", pages.of(&asked(no_address))?),
        (
            "password reset sent",
            pages.of(&PasswordResetDone { lifetime })?,
        ),
        (
            "new password",
            pages.of(&confirm(true, FormErrors::none("new_password1")))?,
        ),
        ("new password refused", pages.of(&confirm(true, wrong_new))?),
        (
            "reset link gone",
            pages.of(&confirm(false, FormErrors::default()))?,
        ),
        (
            "password set",
            pages.of(&ResetDone {
                login: "/login/".to_owned(),
            })?,
        ),
    ])
}

struct Samples<'a>(&'a Templates);

impl Samples<'_> {
    /// The page of a view, as [`Page`](crate::Page) makes it for a visitor.
    fn of<V: View>(&self, view: &V) -> Result<String, TemplateError> {
        let token = "tokentext";
        let input =
            format!("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\">");
        let words = crate::context! {
            csrf_token => token,
            csrf_input => Value::from_safe_string(input),
        };
        self.0
            .render(V::TEMPLATE, merge_maps([Value::from(Serde(view)), words]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_made_of_the_plain_templates_and_escapes_what_comes_from_outside() {
        let hostile = "\"'><script>alert(1)</script>{{ 7 * 7 }}";
        for (name, page) in render_samples(&super::super::templates(), hostile).unwrap() {
            assert!(!page.contains("<script"), "{name}: {page}");
            assert!(!page.contains("49"), "{name}");
            assert!(page.contains("<h1>") && page.contains("<title>"), "{name}");
        }
    }

    #[test]
    fn whatever_changes_something_is_a_form_with_a_token() {
        for (name, page) in render_samples(&super::super::templates(), "ann").unwrap() {
            let forms = page.matches("method=\"post\"").count();
            assert_eq!(page.matches("value=\"tokentext\"").count(), forms, "{name}");
        }
    }
}
