//! Every page in every state, made of one text: tried on a site's own templates, and looked at in tests.

use cloakroom::pages::FormErrors;
use cloakroom::templates::TemplateError;
use cloakroom::templates::minijinja::Value;
use cloakroom::templates::minijinja::value::{Serde, merge_maps};
use cloakroom::{Templates, context};
use cloakroom_core::auth::User;
use cloakroom_core::time::Timestamp;

use super::View;
use super::error::{
    BadRequest, CsrfFailure, CsrfHelp, Forbidden, NotFound, ServerError, Unavailable,
};
use super::first_superuser::{FirstSuperuser, LinkGone};
use super::home::Home;
use super::index::Index;
use super::local_path::LocalPath;

/// The pages by a name for each, with `text` wherever a value may come from outside.
///
/// # Errors
/// A template cannot make its page.
pub(super) fn render_all(
    templates: &Templates,
    text: &str,
) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let mut user = User::new("1", text, Timestamp::from_unix_seconds(0));
    let newcomer = user.clone();
    user.first_name = text.to_owned();
    user.last_login = Some(Timestamp::from_unix_seconds(1_785_000_189));
    let path = LocalPath::parse(&format!("/{text}"));
    let link = LocalPath::parse("/setup/").expect("a fixed path on this site");
    let help = [text.to_owned()];
    let setup = |typed, errors| FirstSuperuser {
        action: &link,
        origin: text,
        username: typed,
        email: typed,
        password_help: &help,
        errors,
    };
    let mut errors = FormErrors::default();
    for (field, label) in [
        ("username", "Username"),
        ("email", "Email address"),
        ("password1", "Password"),
        ("password2", "Password again"),
    ] {
        errors.add(field, label, text);
    }
    let failure = |help, again: bool| CsrfFailure {
        help,
        again: path.clone().filter(|_| again),
    };

    let mut pages = cloakroom::pages::render_samples(templates, text)?;
    let mut add =
        |name, page: Result<String, TemplateError>| page.map(|page| pages.push((name, page)));
    add("index", Index::Nobody.render(templates))?;
    add(
        "index of a user",
        Index::User { name: text }.render(templates),
    )?;
    add("index in the dark", Index::Unknown.render(templates))?;
    add("home", with_form(templates, &Home::new(&user)))?;
    add(
        "home of a newcomer",
        with_form(templates, &Home::new(&newcomer)),
    )?;
    add(
        "first superuser",
        with_form(templates, &setup("", FormErrors::default())),
    )?;
    add(
        "first superuser refused",
        with_form(templates, &setup(text, errors)),
    )?;
    add("link gone", LinkGone { minutes: 30 }.render(templates))?;
    for (name, session_interrupted) in [("400", false), ("400 interrupted", true)] {
        let page = BadRequest {
            session_interrupted,
        };
        add(name, page.render(templates))?;
    }
    add("403", Forbidden {}.render(templates))?;
    for (name, page) in [
        ("403 csrf", failure(CsrfHelp::LoadAgain, true)),
        ("403 csrf no cookie", failure(CsrfHelp::NoCookie, true)),
        ("403 csrf no referer", failure(CsrfHelp::NoReferer, false)),
    ] {
        add(name, page.render(templates))?;
    }
    add("404", NotFound {}.render(templates))?;
    add("500", ServerError {}.render(templates))?;
    for (name, again) in [("503", path.clone()), ("503 of a form", None)] {
        add(name, Unavailable { again }.render(templates))?;
    }
    Ok(pages)
}

/// The page of a view that has a form, as [`Page`](cloakroom::Page) makes it for a visitor.
fn with_form<V: View>(templates: &Templates, view: &V) -> Result<String, TemplateError> {
    let input = format!("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{TOKEN}\">");
    let words = context! {
        csrf_token => TOKEN,
        csrf_input => Value::from_safe_string(input),
    };
    templates.render(V::TEMPLATE, merge_maps([Value::from(Serde(view)), words]))
}

/// Stands for a visitor's token, which has letters and digits only.
pub(super) const TOKEN: &str = "tokentext";
