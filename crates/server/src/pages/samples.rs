//! Every page in every state, made of one text: tried on a site's own templates, and looked at in tests.

use cloakroom_core::auth::User;
use cloakroom_core::time::Timestamp;

use super::View;
use super::csrf::Csrf;
use super::error::{
    BadRequest, CsrfFailure, CsrfHelp, Forbidden, NotFound, ServerError, Unavailable,
};
use super::first_superuser::{Field, FirstSuperuser, LinkGone, MISMATCH, Problem};
use super::home::Home;
use super::index::Index;
use super::local_path::LocalPath;
use super::login::Login;
use super::logout::Logout;
use crate::templates::{RenderError, Templates};

/// The pages by a name for each, with `text` wherever a value may come from outside.
///
/// # Errors
/// A template cannot make its page.
pub(super) fn render_all(
    templates: &Templates,
    text: &str,
) -> Result<Vec<(&'static str, String)>, RenderError> {
    let csrf = || Csrf::new(text);
    let mut user = User::new("1", text, Timestamp::from_unix_seconds(0));
    let newcomer = user.clone();
    user.first_name = text.to_owned();
    user.last_login = Some(Timestamp::from_unix_seconds(1_785_000_189));
    let path = LocalPath::parse(&format!("/{text}"));
    let link = LocalPath::parse("/setup/").expect("a fixed path on this site");
    let help = [text.to_owned()];
    let setup = || FirstSuperuser::form(&link, text, &help, csrf());
    let problems = [
        (Field::Username, text),
        (Field::Email, text),
        (Field::Password, text),
        (Field::PasswordAgain, MISMATCH),
    ]
    .map(|(field, message)| Problem {
        field,
        message: message.to_owned(),
    });
    let failure = |help, again: bool, reason| CsrfFailure {
        help,
        again: path.clone().filter(|_| again),
        reason,
    };

    let mut pages = Vec::new();
    let mut add =
        |name, page: Result<String, RenderError>| page.map(|page| pages.push((name, page)));
    add("index", Index::Nobody.render(templates))?;
    add(
        "index of a user",
        Index::User { name: text }.render(templates),
    )?;
    add("index in the dark", Index::Unknown.render(templates))?;
    add("login", Login::form("", csrf()).render(templates))?;
    add(
        "login on the way",
        Login::form(text, csrf()).render(templates),
    )?;
    add(
        "login refused",
        Login::refused(text, text, csrf()).render(templates),
    )?;
    add(
        "login incomplete",
        Login::incomplete(text, "", false, csrf()).render(templates),
    )?;
    for (name, of) in [("logout", ""), ("logout of a user", text)] {
        let page = Logout {
            csrf: csrf(),
            name: of,
        };
        add(name, page.render(templates))?;
    }
    add("home", Home::new(&user, csrf()).render(templates))?;
    add(
        "home of a newcomer",
        Home::new(&newcomer, csrf()).render(templates),
    )?;
    add("first superuser", setup().render(templates))?;
    add(
        "first superuser refused",
        setup().refused(text, text, problems).render(templates),
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
        ("403 csrf", failure(CsrfHelp::LoadAgain, true, None)),
        (
            "403 csrf no cookie",
            failure(CsrfHelp::NoCookie, true, None),
        ),
        (
            "403 csrf no referer",
            failure(CsrfHelp::NoReferer, false, None),
        ),
        (
            "403 csrf debug",
            failure(CsrfHelp::LoadAgain, true, Some(text)),
        ),
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
