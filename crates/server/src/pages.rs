//! The server's pages: for each a struct with what it shows, which the routes fill in.
//!
//! They work without scripts, and hold none: [`HEADERS`] forbid what they do not need.

use std::path::Path;

use cloakroom::Templates;
use cloakroom::templates::TemplateError;
use http::HeaderName;
use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use serde::Serialize;

use crate::templates;

pub(crate) mod error;
pub(crate) mod first_superuser;
pub(crate) mod home;
pub(crate) mod index;
pub(crate) mod local_path;
mod samples;

/// What one template is given.
pub(crate) trait View: Serialize {
    /// The template's name.
    const TEMPLATE: &'static str;

    /// The page, if it has no form.
    ///
    /// # Errors
    /// A site's own template names a value that is not there. Answer with [`error::LAST_RESORT`].
    fn render(&self, templates: &Templates) -> Result<String, TemplateError> {
        templates.render(Self::TEMPLATE, self)
    }
}

/// The templates, each tried once with made-up values, so that a mistake shows at the start and not on
/// the first visit.
///
/// # Errors
/// The folder cannot be used, or one of its templates cannot make its page.
pub(crate) fn load(folder: Option<&Path>) -> Result<Templates, TemplateError> {
    let Some(folder) = folder else {
        return Ok(templates::embedded());
    };
    let templates = templates::with_folder(folder)?;
    samples::render_all(&templates, "sample")?;
    Ok(templates)
}

/// The headers of every page, of an error's too.
///
/// Nothing is loaded but our own style sheet and images, no other site may put a page into a frame or
/// hold a handle to its window, and no other site learns a page's address. A page does tell its own site
/// where it came from: the CSRF check of a secure site reads that. `form-action` holds for the redirect
/// after a form too, so a login that ends on another host needs that host added.
pub(crate) const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

#[cfg(test)]
mod tests;
