//! The two words about CSRF in Django's Jinja2 templates.

use minijinja::value::Value;
use serde::Serialize;

use crate::templates::escape;

/// `csrf_token` and `csrf_input`, as a part of a page that has a form.
#[derive(Clone, Serialize)]
pub(crate) struct Csrf {
    csrf_token: String,
    /// Marked as HTML, so that the template does not escape it again.
    csrf_input: Value,
}

impl Csrf {
    /// From the masked token that belongs to this request's cookie.
    pub(crate) fn new(token: &str) -> Self {
        let input = format!(
            r#"<input type="hidden" name="csrfmiddlewaretoken" value="{}">"#,
            escape(token)
        );
        Self {
            csrf_token: token.to_owned(),
            csrf_input: Value::from_safe_string(input),
        }
    }
}

/// The token is a secret between the page and its reader.
impl std::fmt::Debug for Csrf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Csrf").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::{Templates, with_files};

    #[test]
    fn a_template_gets_the_token_and_the_field_as_html() {
        #[derive(Serialize)]
        struct Page {
            #[serde(flatten)]
            csrf: Csrf,
        }
        let folder = with_files(&[("x", "{{ csrf_token }} {{ csrf_input }}")]);
        let page = Page {
            csrf: Csrf::new("a<b"),
        };
        let html = Templates::with_folder(folder.path())
            .unwrap()
            .render("x", &page)
            .unwrap();
        assert_eq!(
            html,
            r#"a&lt;b <input type="hidden" name="csrfmiddlewaretoken" value="a&lt;b">"#
        );
    }

    #[test]
    fn debug_does_not_tell_the_token() {
        assert!(!format!("{:?}", Csrf::new("tokentext")).contains("tokentext"));
    }
}
