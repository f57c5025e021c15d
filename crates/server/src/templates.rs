//! The templates in the binary, and a site's own that take their place.

use std::path::Path;

use cloakroom::Templates;
use cloakroom::templates::TemplateError;

use crate::assets::{MARK, STYLESHEET};

/// The templates in the binary.
///
/// # Panics
/// Never: a test parses and renders each of them.
pub(crate) fn embedded() -> Templates {
    // Our look is around the library's pages too.
    let pages = cloakroom::pages::sources().filter(|(name, _)| *name != "base.html");
    let sources = pages.chain(EMBEDDED);
    let mut templates =
        Templates::from_sources(sources).expect("a test parses the embedded templates");
    let environment = templates.environment_mut();
    environment.add_global("stylesheet", STYLESHEET.path.as_str());
    environment.add_global("mark", MARK.path.as_str());
    templates
}

/// The templates in the binary, each replaced by the file of its name in `folder` if there is one.
///
/// # Errors
/// The folder cannot be read, someone else than its owner may write there, or a template is broken.
pub(crate) fn with_folder(folder: &Path) -> Result<Templates, TemplateError> {
    embedded().overridden_by(folder)
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const EMBEDDED: [(&str, &str); 11] = sources![
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
];
