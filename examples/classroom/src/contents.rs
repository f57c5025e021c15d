//! The table of contents: every lesson, its templates, and the code that its page shows.

use cloakroom::templates::minijinja::value::{Serde, Value};
use cloakroom::{Templates, pages};
use serde::Serialize;

use crate::assets;
use crate::first_start::PASSWORD;

/// One lesson: a page that people click, and the code that makes it.
#[derive(Serialize)]
pub(crate) struct Lesson {
    /// What its files are called.
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    #[serde(skip)]
    pub(crate) template: &'static str,
    /// The file of Rust that is compiled into this program.
    #[serde(skip)]
    pub(crate) rust: &'static str,
    /// The same lesson in Django, which the tests run.
    #[serde(skip)]
    pub(crate) django: &'static str,
}

macro_rules! lessons {
    ($($name:literal, $path:literal, $title:literal;)*) => {
        &[$(Lesson {
            name: $name,
            path: $path,
            title: $title,
            template: include_str!(concat!("../templates/", $name, ".html")),
            rust: include_str!(concat!("lessons/", $name, ".rs")),
            django: include_str!(concat!("../django/lessons/", $name, ".py")),
        }),*]
    };
}

pub(crate) const LESSONS: &[Lesson] = lessons! {
    "cookies", "/cookies/", "Plain cookies";
    "signed", "/signed/", "Signed cookies";
    "cookie_login", "/cookie-login/", "Login by a signed cookie";
    "session_login", "/session-login/", "A login in the session";
    "users", "/class_list/", "Users and guards";
    "session", "/session/", "The session";
    "cart", "/cart/", "A shopping cart";
    "scores", "/scores/", "A game's score";
    "preferences", "/preferences/", "Preferences";
    "tracking", "/tracking/", "What a site can record";
    "csrf", "/csrf/", "Forms of one’s own and of others";
    "token", "/token/", "Tokens";
};

const SHARED: [(&str, &str); 7] = [
    ("base.html", include_str!("../templates/base.html")),
    ("index.html", include_str!("../templates/index.html")),
    ("lesson.html", include_str!("../templates/lesson.html")),
    ("chart.html", include_str!("../templates/chart.html")),
    ("evil.html", include_str!("../templates/evil.html")),
    ("refused.html", include_str!("../templates/refused.html")),
    (LOGIN, include_str!("../templates/registration/login.html")),
];

const LOGIN: &str = "registration/login.html";

/// All templates: the library's login pages in our own look, and the lessons.
pub(crate) fn templates() -> Templates {
    let login = pages::sources().filter(|(name, _)| *name != "base.html");
    // The one that is replaced goes by another name, so that ours can extend it.
    let login = login.map(|(name, source)| match name {
        LOGIN => (format!("library/{name}"), source),
        _ => (name.to_owned(), source),
    });
    let shared = SHARED.map(|(name, source)| (name.to_owned(), source));
    let lessons = LESSONS
        .iter()
        .map(|lesson| (format!("{}.html", lesson.name), lesson.template));
    let all = login.chain(shared).chain(lessons);
    let mut templates = Templates::from_sources(all).expect("a test renders every template");
    let environment = templates.environment_mut();
    environment.add_global("lessons", Value::from(Serde(LESSONS)));
    environment.add_global("stylesheet", assets::STYLESHEET.path);
    environment.add_global("shared_password", PASSWORD);
    environment.add_function("rust", |name: &str| {
        shown(find(name).map_or("", |lesson| lesson.rust))
    });
    environment.add_function("django", |name: &str| {
        shown(find(name).map_or("", |lesson| lesson.django))
    });
    templates
}

fn find(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name)
}

/// What a page shows of a file: the lines between those that say `page: from here` and `page: to here`.
pub(crate) fn shown(source: &str) -> String {
    let mut lines = source.lines();
    let shown = lines
        .by_ref()
        .skip_while(|line| !line.ends_with(FROM))
        .skip(1);
    let shown: Vec<_> = shown.take_while(|line| !line.ends_with(TO)).collect();
    shown
        .join("\n")
        .trim_matches('\n')
        .replace("pub(crate) ", "")
}

const FROM: &str = "page: from here";
const TO: &str = "page: to here";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_between_the_comments_are_shown() {
        let source =
            "use a;\n// page: from here\npub(crate) fn a() {\n}\n\n// page: to here\nfn b() {}\n";
        assert_eq!(shown(source), "fn a() {\n}");
    }

    #[test]
    fn every_handler_of_a_lesson_is_among_the_lines_that_its_page_shows() {
        for lesson in LESSONS {
            let shown = shown(lesson.rust);
            let handlers: Vec<_> = handlers(lesson.rust).collect();
            assert!(!handlers.is_empty(), "{}", lesson.name);
            for handler in handlers {
                assert!(
                    shown.contains(&format!("async fn {handler}(")),
                    "{}: {handler}",
                    lesson.name
                );
            }
            assert!(shown.lines().count() <= MOST_LINES, "{}", lesson.name);
        }
    }

    /// What a page has to say on two boards without scrolling for long.
    const MOST_LINES: usize = 80;

    /// What the routes of a file name: `get(this).post(that)`.
    fn handlers(source: &str) -> impl Iterator<Item = &str> {
        let calls = source
            .split(|character: char| !(character.is_alphanumeric() || "_(".contains(character)));
        calls.filter_map(|call| {
            let name = call
                .strip_prefix("get(")
                .or_else(|| call.strip_prefix("post("))?;
            name.starts_with(char::is_alphabetic).then_some(name)
        })
    }
}
