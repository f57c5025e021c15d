//! The pages' templates: those in the binary, and a site's own that take their place.
//!
//! They are written in Jinja's language, with the two words of Django's Jinja2 backend: `csrf_token` and
//! `csrf_input`. Every file is HTML whatever its name ends in, so every value is escaped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior};
use serde::Serialize;

use crate::assets::{MARK, STYLESHEET};

mod folder;

#[cfg(test)]
pub(crate) use folder::with_files;

pub(crate) use folder::FolderError;

/// Every template, parsed.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// The templates in the binary.
    ///
    /// # Panics
    /// Never: a test parses and renders each of them.
    pub(crate) fn embedded() -> Self {
        Self::from_sources(BTreeMap::new()).expect("a test parses the embedded templates")
    }

    /// The templates in the binary, each replaced by the file of its name in `folder` if there is one.
    ///
    /// Files of other names may be there too, for `extends` and `include`. Names that begin with a dot are
    /// passed over. All are read and parsed now: a later change in the folder counts from the next start.
    ///
    /// # Errors
    /// The folder cannot be read, someone else than its owner may write there, or a template is broken.
    pub(crate) fn with_folder(folder: &Path) -> Result<Self, TemplateError> {
        Self::from_sources(folder::read(folder).map_err(TemplateError::Folder)?)
    }

    fn from_sources(overrides: BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let embedded = EMBEDDED.map(|(name, source)| (name.to_owned(), source.to_owned()));
        let mut sources = BTreeMap::from(embedded);
        sources.extend(overrides);

        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(write_escaped);
        // A misspelt name is an error, not an empty place; `{% if name %}` may still ask whether it is there.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .expect("the delimiters are the usual ones"),
        );
        environment.add_global("stylesheet", STYLESHEET.path.as_str());
        environment.add_global("mark", MARK.path.as_str());
        for (name, source) in sources {
            environment
                .add_template_owned(name, source.replace(CSRF_TAG, CSRF_VALUE))
                .map_err(|error| TemplateError::Broken(Fault::of(&error)))?;
        }
        Ok(Self { environment })
    }

    /// The page that `template` makes of `context`.
    ///
    /// # Errors
    /// There is no such template, or it names a value that is not there.
    pub(crate) fn render(
        &self,
        template: &str,
        context: impl Serialize,
    ) -> Result<String, RenderError> {
        self.environment
            .get_template(template)
            .and_then(|template| template.render(Value::from(Serde(context))))
            .map_err(|error| RenderError(Fault::of(&error)))
    }
}

/// The templates with which the server cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum TemplateError {
    /// The folder cannot be used.
    Folder(FolderError),
    /// A template is not in Jinja's language, or names what is not there.
    Broken(Fault),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(error) => error.fmt(formatter),
            Self::Broken(fault) => write!(formatter, "template {fault}"),
        }
    }
}

impl std::error::Error for TemplateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(error) => error.source(),
            Self::Broken(_) => None,
        }
    }
}

impl From<RenderError> for TemplateError {
    fn from(error: RenderError) -> Self {
        Self::Broken(error.0)
    }
}

/// A page could not be made; the log may have all of it, for it names templates and no values.
#[derive(Debug)]
pub(crate) struct RenderError(Fault);

impl fmt::Display for RenderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "template {}", self.0)
    }
}

impl std::error::Error for RenderError {}

/// Where a template is wrong, and how.
#[derive(Debug)]
pub(crate) struct Fault {
    name: String,
    line: usize,
    what: String,
}

impl Fault {
    /// An error inside an included file is wrapped once for every file that includes it: the innermost
    /// names the place to mend.
    fn of(error: &minijinja::Error) -> Self {
        let mut innermost = error;
        while let Some(inner) = std::error::Error::source(innermost)
            .and_then(|source| source.downcast_ref::<minijinja::Error>())
        {
            innermost = inner;
        }
        let kind = innermost.kind().to_string();
        Self {
            name: innermost.name().unwrap_or("without a name").to_owned(),
            line: innermost.line().unwrap_or(0),
            what: match innermost.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind,
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}, line {}: {}",
            self.name, self.line, self.what
        )
    }
}

/// Escapes the five characters that Django escapes, in Django's form.
///
/// minijinja's own way is as safe but also writes `/` as `&#x2f;`, in which no one who searches a page's
/// source for an address finds it.
fn write_escaped(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    let text = match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => text,
        _ => return minijinja::escape_formatter(output, state, value),
    };
    Ok(output.write_str(&escape(text))?)
}

/// `text` as it may stand in HTML, between tags and inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Django's tag, which is no word of Jinja's, and what stands for it. Only exactly this text is replaced,
/// and it has no line break: line numbers in errors stay true.
const CSRF_TAG: &str = "{% csrf_token %}";
const CSRF_VALUE: &str = "{{ csrf_input }}";

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const EMBEDDED: [(&str, &str); 13] = embedded![
    "400.html",
    "403.html",
    "403_csrf.html",
    "404.html",
    "500.html",
    "503.html",
    "base.html",
    "home.html",
    "index.html",
    "registration/first_superuser.html",
    "registration/link_gone.html",
    "registration/login.html",
    "registration/logout.html",
];

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn with_files(files: &[(&str, &str)]) -> Result<Templates, TemplateError> {
        Templates::with_folder(folder::with_files(files).path())
    }

    #[test]
    fn every_file_is_escaped_whatever_its_name_ends_in() {
        for name in ["x.html", "x.jinja", "x.txt", "x.json", "x", "x.txt.j2"] {
            let templates =
                with_files(&[(name, "<p title='{{ v }}'>{{ v }}{{ [v] }}</p>")]).unwrap();
            let page = templates
                .render(name, context! { v => "<script>\"&'" })
                .unwrap();
            assert!(!page.contains("<script"), "{name}: {page}");
            assert!(
                page.starts_with(
                    "<p title='&lt;script&gt;&quot;&amp;&#x27;'>&lt;script&gt;&quot;&amp;&#x27;"
                ),
                "{name}: {page}"
            );
        }
    }

    #[test]
    fn an_included_text_file_is_escaped_too() {
        let files = [("a.html", "{% include 'b.txt' %}"), ("b.txt", "{{ v }}")];
        let page = with_files(&files)
            .unwrap()
            .render("a.html", context! { v => "<b>" });
        assert_eq!(page.unwrap(), "&lt;b&gt;");
    }

    #[test]
    fn an_address_stays_readable() {
        let page = with_files(&[("x", "{{ v }}")])
            .unwrap()
            .render("x", context! { v => "/home/?a=1&b=2" });
        assert_eq!(page.unwrap(), "/home/?a=1&amp;b=2");
    }

    #[test]
    fn a_file_takes_the_place_of_the_embedded_one_of_its_name() {
        let templates = with_files(&[("404.html", "gone fishing")]).unwrap();
        assert_eq!(templates.render("404.html", ()).unwrap(), "gone fishing");
    }

    #[test]
    fn djangos_tag_means_the_hidden_field() {
        let templates = with_files(&[("x", "<form>{% csrf_token %}</form>")]).unwrap();
        let input = Value::from_safe_string("<input>".to_owned());
        let page = templates.render("x", context! { csrf_input => input });
        assert_eq!(page.unwrap(), "<form><input></form>");
    }

    #[test]
    fn a_tag_that_is_almost_djangos_is_an_error() {
        let error = with_files(&[("x", "{% csrf_tokens %}")]).unwrap_err();
        assert!(matches!(error, TemplateError::Broken(_)), "{error}");
    }

    #[test]
    fn a_broken_template_is_named_with_its_line() {
        let error = with_files(&[("registration/login.html", "one\ntwo {% if %}\n")]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("template registration/login.html, line 2: "),
            "{message}"
        );
    }

    #[test]
    fn the_innermost_file_is_named() {
        let files = [("a", "{% include 'b' %}"), ("b", "\n\n{{ nothing }}")];
        let error = with_files(&files).unwrap().render("a", ()).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("template b, line 3: "), "{message}");
    }

    #[test]
    fn a_misspelt_value_is_an_error_and_a_question_for_it_is_not() {
        let templates = with_files(&[("x", "{% if usrname %}{% endif %}"), ("y", "{{ usrname }}")]);
        let templates = templates.unwrap();
        assert_eq!(templates.render("x", ()).unwrap(), "");
        assert!(templates.render("y", ()).is_err());
    }

    #[test]
    fn an_error_tells_no_value() {
        let templates = with_files(&[("x", "{{ v.nothing.more }}")]).unwrap();
        let error = templates
            .render("x", context! { v => "hunter2" })
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
