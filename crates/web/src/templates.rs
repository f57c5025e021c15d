//! Pages made of templates in Jinja's language: those in the program, and those of a folder.

mod csrf_tag;
mod error;
mod escape;
mod folder;
mod moment;
mod page;

use std::path::Path;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

pub use minijinja;

pub use error::TemplateError;
pub use moment::Moment;
pub use page::Page;

/// Templates in Jinja's language, all of them read and parsed. Clones share them.
///
/// They are HTML whatever their names end in, so every value in them is escaped, as Django escapes it. A name that
/// is not there is an error and not an empty place; `{% if name %}` may ask whether it is there. An error names the
/// template and the line, and no value.
///
/// Give them to the site by [`Cloakroom::with_templates`](crate::Cloakroom::with_templates); then each handler makes
/// its page with the extractor [`Page`]. Without a request:
///
/// ```
/// use cloakroom::{Templates, context};
///
/// let templates = Templates::from_sources([
///     ("base.html", "<h1>{% block title %}{% endblock %}</h1>"),
///     ("mail.txt", "{% extends 'base.html' %}{% block title %}Hello {{ name }}{% endblock %}"),
/// ])?;
/// let name = "<Ann>";
/// assert_eq!(templates.render("mail.txt", context! { name })?, "<h1>Hello &lt;Ann&gt;</h1>");
/// # Ok::<(), cloakroom::templates::TemplateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Arc<Environment<'static>>,
}

impl Templates {
    /// Templates by their names, as a program embeds them by `include_str!`.
    ///
    /// # Errors
    /// One of them is not in Jinja's language.
    pub fn from_sources<N, S>(
        sources: impl IntoIterator<Item = (N, S)>,
    ) -> Result<Self, TemplateError>
    where
        N: Into<String>,
        S: AsRef<str>,
    {
        let mut templates = Self {
            environment: Arc::new(environment()),
        };
        templates.add(sources)?;
        Ok(templates)
    }

    /// The files below `folder`, named by their paths in it: `registration/login.html`.
    ///
    /// Names that begin with a dot are passed over. All are read and parsed now: a later change in the folder counts
    /// from the next start.
    ///
    /// # Errors
    /// The folder cannot be read, others than its owner may write there, or a template is not in Jinja's language.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self, TemplateError> {
        Self::from_sources::<String, String>([])?.overridden_by(folder)
    }

    /// These, each replaced by the file of its name in `folder` if there is one. Other files may be there too, for
    /// `extends` and `include`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use cloakroom::Templates;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # std::fs::write(folder.path().join("b.html"), "mine")?;
    /// # #[cfg(unix)]
    /// # for (path, mode) in [(folder.path().to_owned(), 0o755), (folder.path().join("b.html"), 0o644)] {
    /// #     use std::os::unix::fs::PermissionsExt;
    /// #     std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    /// # }
    /// let embedded = Templates::from_sources([("a.html", "yours"), ("b.html", "yours")])?;
    /// let templates = embedded.overridden_by(folder)?;
    /// assert_eq!(templates.render("a.html", ())?, "yours");
    /// assert_eq!(templates.render("b.html", ())?, "mine");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As of [`from_folder`](Self::from_folder).
    pub fn overridden_by(mut self, folder: impl AsRef<Path>) -> Result<Self, TemplateError> {
        self.add(folder::read(folder.as_ref())?)?;
        Ok(self)
    }

    /// What the templates may use beside their pages' values: filters, functions, values for all pages.
    ///
    /// ```
    /// use cloakroom::Templates;
    ///
    /// let mut templates = Templates::from_sources([("a.html", "{{ 'ann'|shout }} at {{ site }}")])?;
    /// let environment = templates.environment_mut();
    /// environment.add_filter("shout", |text: String| text.to_uppercase());
    /// environment.add_global("site", "home");
    /// assert_eq!(templates.render("a.html", ())?, "ANN at home");
    /// # Ok::<(), cloakroom::templates::TemplateError>(())
    /// ```
    ///
    /// # Security
    /// What is set here about escaping and missing names is in force: leave it as it is.
    pub fn environment_mut(&mut self) -> &mut Environment<'static> {
        Arc::make_mut(&mut self.environment)
    }

    /// The page that the template `name` makes of `values`: [`context!`](crate::context), or what serde makes a map
    /// of.
    ///
    /// A template that uses the CSRF token needs a request, and so [`Page::render`].
    ///
    /// # Errors
    /// There is no such template, it names a value that is not there, or does with one what cannot be done.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String, TemplateError> {
        self.render_value(name, Value::from(Serde(values)))
    }

    fn render_value(&self, name: &str, values: Value) -> Result<String, TemplateError> {
        let Ok(template) = self.environment.get_template(name) else {
            return Err(TemplateError::missing(name));
        };
        template
            .render(values)
            .map_err(|error| TemplateError::rendering(&error))
    }

    fn add<N: Into<String>, S: AsRef<str>>(
        &mut self,
        sources: impl IntoIterator<Item = (N, S)>,
    ) -> Result<(), TemplateError> {
        let environment = self.environment_mut();
        for (name, source) in sources {
            environment
                .add_template_owned(
                    name.into(),
                    csrf_tag::as_expression(source.as_ref()).into_owned(),
                )
                .map_err(|error| TemplateError::parsing(&error))?;
        }
        Ok(())
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(escape::write);
    // A misspelt name is an error, not an empty place; `{% if name %}` may still ask whether it is there.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the delimiters are the usual ones"),
    );
    environment
}

/// The values for a template by their names: `context! { students, title => "Class" }`.
///
/// A value may be whatever serde can serialise.
///
/// ```
/// use cloakroom::{Templates, context};
///
/// #[derive(serde::Serialize)]
/// struct Student { name: String }
///
/// let templates = Templates::from_sources([(
///     "class_list.html",
///     "{{ title }}:{% for student in students %} {{ student.name }}{% endfor %}",
/// )])?;
/// let students = [Student { name: "Ann".into() }, Student { name: "Bob".into() }];
/// let page = templates.render("class_list.html", context! { students, title => "Class 1" })?;
/// assert_eq!(page, "Class 1: Ann Bob");
/// # Ok::<(), cloakroom::templates::TemplateError>(())
/// ```
#[macro_export]
macro_rules! context {
    ($($name:ident $(=> $value:expr)?),* $(,)?) => {{
        let values: [(&str, $crate::templates::minijinja::Value); _] =
            [$((stringify!($name), $crate::context!(@value $name $($value)?))),*];
        $crate::templates::minijinja::Value::from_pairs(values)
    }};
    (@value $name:ident) => { $crate::context!(@value $name $name) };
    (@value $name:ident $value:expr) => {
        $crate::templates::minijinja::Value::from($crate::templates::minijinja::value::Serde(&$value))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_files(files: &[(&str, &str)]) -> Result<Templates, TemplateError> {
        Templates::from_folder(folder::with_files(files).path())
    }

    /// O1.
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
        let folder = folder::with_files(&[("404.html", "gone fishing")]);
        let embedded = Templates::from_sources([("404.html", "not here"), ("a", "a")]).unwrap();
        let templates = embedded.clone().overridden_by(folder.path()).unwrap();
        assert_eq!(templates.render("404.html", ()).unwrap(), "gone fishing");
        assert_eq!(templates.render("a", ()).unwrap(), "a");
        assert_eq!(embedded.render("404.html", ()).unwrap(), "not here");
    }

    #[test]
    fn djangos_tag_means_the_hidden_field() {
        let templates = with_files(&[("x", "<form>\n  {%csrf_token%}\n</form>")]).unwrap();
        let input = Value::from_safe_string("<input>".to_owned());
        let page = templates.render("x", context! { csrf_input => input });
        assert_eq!(page.unwrap(), "<form>\n  <input>\n</form>");
    }

    #[test]
    fn a_tag_that_is_almost_djangos_is_an_error() {
        let error = with_files(&[("x", "{% csrf_tokens %}")]).unwrap_err();
        assert!(
            error.to_string().starts_with("template x, line 1: "),
            "{error}"
        );
    }

    #[test]
    fn a_broken_template_is_named_with_its_line() {
        let source = "one {%\ncsrf_token\n%}\ntwo {% if %}\n";
        let error = with_files(&[("registration/login.html", source)]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("template registration/login.html, line 4: "),
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
    fn a_template_that_is_not_there_is_named() {
        let templates = with_files(&[]).unwrap();
        let error = templates.render("clas_list.html", ()).unwrap_err();
        assert_eq!(error.to_string(), "there is no template \"clas_list.html\"");
    }

    #[test]
    fn an_error_tells_no_value() {
        for source in [
            "{{ v.nothing.more }}",
            "{{ v.nothing() }}",
            "{{ v|nothing }}",
            "{{ v() }}",
            "{% include v %}",
            "{% extends v %}",
            "{% include [v, v] %}",
            "{% import v as x %}",
            "{{ v + 1 }}",
            "{{ -v }}",
            "{{ v|int }}",
            "{{ v|float }}",
            "{{ v|first|length|join(v, v) }}",
            "{{ v|format(1) }}",
            "{{ 1|format(v) }}",
            "{{ ('%' ~ v)|format(1) }}",
            "{{ n ** n }}",
            "{{ n * n }}",
            "{{ range(n) }}",
            "{{ [1]|map(v)|list }}",
            "{{ [1]|select(v)|list }}",
            "{{ dict(**{v: 1}) }}",
            "{{ range(**{v: 1}) }}",
            "{% for a, b in v %}{% endfor %}",
            "{{ broken }}",
        ] {
            let templates = with_files(&[("x", source)]).unwrap();
            let values = context! {
                v => "hunter2",
                n => 9_223_372_036_854_775_807_i64,
                broken => Unwritable,
            };
            let Err(error) = templates.render("x", values) else {
                continue;
            };
            let text = format!("{error} {error:?}");
            assert!(text.contains("template x, line 1: "), "{source}: {text}");
            for secret in ["hunter2", "9223372"] {
                assert!(!text.contains(secret), "{source}: {text}");
            }
        }
    }

    struct Unwritable;

    impl Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2 cannot be written"))
        }
    }

    #[test]
    fn macros_and_json_are_there_for_those_who_come_from_jinja() {
        let source = "{% macro field(name) %}<input name=\"{{ name }}\">{% endmacro %}\
                      {{ field('a') }} {{ v|tojson }}";
        let page = with_files(&[("x", source)])
            .unwrap()
            .render("x", context! { v => ["</script>"] });
        let page = page.unwrap();
        assert!(page.starts_with("<input name=\"a\"> [\""), "{page}");
        assert!(!page.contains("</script>"), "{page}");
    }
}
