//! The extractor with which a handler makes its page, and the CSRF token in it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::response::Html;
use http::request::Parts;
use minijinja::Value;
use minijinja::value::{Object, ObjectRepr, Serde, ValueKind, merge_maps};
use serde::Serialize;

use super::Templates;
use crate::csrf::CsrfToken;
use crate::error::Error;
use crate::visit::Visit;

/// Makes a handler's page of one of the site's [`Templates`].
///
/// Beside the handler's values the template has the two words of Django's Jinja2 backend: `csrf_input` is the hidden
/// field of a form, which Django's own `{% csrf_token %}` writes too, and `csrf_token` the bare token. A page that uses
/// neither makes no token and sets no cookie. As in Django, values of the handler under these names do not count.
///
/// ```
/// use axum::response::Html;
/// use cloakroom::{Error, Page, context};
///
/// async fn class_list(page: Page) -> Result<Html<String>, Error> {
///     let students = ["Ann", "Bob"];
///     page.render("class_list.html", context! { students })
/// }
/// ```
///
/// With a status: `Ok((StatusCode::CREATED, page.render("created.html", ())?))`.
#[derive(Clone)]
pub struct Page {
    templates: Templates,
    csrf: CsrfToken,
}

impl Page {
    /// The page that the template `name` makes of `values`: [`context!`](crate::context), or what serde makes a map
    /// of.
    ///
    /// # Errors
    /// The template is not there, names a value that is not there, or does with one what cannot be done: 500. A token
    /// cannot be made: what [`CsrfToken::token`] says.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<Html<String>, Error> {
        let (token, input) = (self.csrf.clone(), self.csrf.clone());
        let words: [(_, Maker); 2] = [
            ("csrf_token", Box::new(move || token.token())),
            ("csrf_input", Box::new(move || input.input())),
        ];
        let html = render(&self.templates, name, Value::from(Serde(values)), words)?;
        Ok(Html(html))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let csrf = CsrfToken::from_request_parts(parts, state).await?;
        let templates = Visit::of(parts)?.site().templates.clone();
        let templates = templates.ok_or_else(Error::no_templates)?;
        Ok(Self { templates, csrf })
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Page(..)")
    }
}

fn render(
    templates: &Templates,
    name: &str,
    values: Value,
    words: [(&str, Maker); 2],
) -> Result<String, Error> {
    let failed = Arc::new(Mutex::new(None));
    let words = words.map(|(name, make)| {
        let failed = Arc::clone(&failed);
        (name, Value::from_object(CsrfWord { make, failed }))
    });
    let values = match values.kind() {
        // What serde could not serialise says so itself.
        ValueKind::Invalid => values,
        _ => merge_maps([values, Value::from_pairs(words)]),
    };
    let html = templates.render_value(name, values);
    // Whatever became of the page: without its token, its form would be refused.
    match failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(error),
        None => Ok(html?),
    }
}

type Maker = Box<dyn Fn() -> Result<String, Error> + Send + Sync>;

/// One of the two words. The token is made when a template writes it, not when it only names it: so a macro that no
/// page calls costs none.
pub(super) struct CsrfWord {
    make: Maker,
    /// Why there is no token. Templates cannot be told: some of their filters take it that any value can be written.
    failed: Arc<Mutex<Option<Error>>>,
}

impl CsrfWord {
    /// What the page shows, which needs no escaping; nothing if there is no token, and then there is no page.
    pub(super) fn html(&self) -> String {
        (self.make)().unwrap_or_else(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            String::new()
        })
    }
}

impl Object for CsrfWord {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.html())
    }
}

/// The token is a secret between the page and its reader.
impl fmt::Debug for CsrfWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfWord(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// The page, and how many tokens were made for it.
    fn page(
        source: &str,
        make: fn(&'static str) -> Result<String, Error>,
    ) -> (Result<String, Error>, u32) {
        let templates = Templates::from_sources([
            ("x", source),
            ("fields", "{% macro all() %}{{ csrf_input }}{% endmacro %}"),
        ]);
        let made = Arc::new(AtomicU32::new(0));
        let words = [("csrf_token", "TOKEN"), ("csrf_input", "<input>")].map(|(name, text)| {
            let made = Arc::clone(&made);
            let maker: Maker = Box::new(move || {
                made.fetch_add(1, Ordering::Relaxed);
                make(text)
            });
            (name, maker)
        });
        let values = crate::context! { csrf_token => "the handler's", name => "<ann>" };
        let page = render(&templates.unwrap(), "x", values, words);
        (page, made.load(Ordering::Relaxed))
    }

    #[test]
    fn a_token_is_made_when_it_is_written_and_not_before() {
        for (source, expected, made) in [
            ("{{ name }}", "&lt;ann&gt;", 0),
            ("{% if csrf_token %}yes{% endif %}", "yes", 0),
            ("{% set field = csrf_input %}", "", 0),
            ("{% from 'fields' import all %}", "", 0),
            ("{% macro all() %}{{ csrf_token }}{% endmacro %}", "", 0),
            ("{% if name == 'bob' %}{% csrf_token %}{% endif %}", "", 0),
            ("{{ csrf_token }}", "TOKEN", 1),
            ("{{ csrf_input }}", "<input>", 1),
            ("{% csrf_token %}{%-csrf_token-%}", "<input><input>", 2),
            ("{% from 'fields' import all %}{{ all() }}", "<input>", 1),
            ("{% set field = csrf_input %}{{ field }}", "<input>", 1),
            (
                "{% autoescape false %}{{ csrf_input }}{% endautoescape %}",
                "<input>",
                1,
            ),
            ("{{ csrf_token|lower }}", "token", 1),
            ("{{ csrf_input|safe }}", "<input>", 1),
            ("{{ 'X' ~ csrf_token }}", "XTOKEN", 1),
            (
                "{{ {'X-CSRFToken': csrf_token}|tojson }}",
                "{\"X-CSRFToken\": \"TOKEN\"}",
                1,
            ),
        ] {
            let (page, tokens) = page(source, |text| Ok(text.to_owned()));
            assert_eq!(
                (page.unwrap().as_str(), tokens),
                (expected, made),
                "{source}"
            );
        }
    }

    #[test]
    fn a_page_whose_token_cannot_be_made_is_no_page() {
        for source in [
            "{{ csrf_token }}",
            "{% csrf_token %}",
            "{{ csrf_token|lower }}",
            "{{ csrf_input|safe }}",
            "{{ 'X' ~ csrf_token }}",
            "{{ [csrf_token]|tojson }}",
        ] {
            let (page, _) = page(source, |_| Err(Error::busy()));
            let error = page.unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Unavailable, "{source}");
        }
    }

    #[test]
    fn debug_does_not_tell_the_token() {
        let word = CsrfWord {
            make: Box::new(|| Ok("TOKEN".to_owned())),
            failed: Arc::default(),
        };
        assert_eq!(format!("{word:?}"), "CsrfWord(..)");
    }
}
