//! A moment on a page.

use cloakroom_core::time::Timestamp;
use serde::Serialize;

/// A moment as a template shows it in a `time` element.
///
/// ```
/// use cloakroom::templates::Moment;
/// use cloakroom::time::Timestamp;
/// use cloakroom::{Templates, context};
///
/// let source = r#"<time datetime="{{ seen.iso }}">{{ seen.words }}</time>"#;
/// let templates = Templates::from_sources([("seen.html", source)])?;
/// let seen = Moment::from(Timestamp::from_unix_seconds(1_785_000_189));
/// let page = templates.render("seen.html", context! { seen })?;
/// assert_eq!(page, r#"<time datetime="2026-07-25T17:23:09+00:00">25 Jul 2026, 17:23 UTC</time>"#);
/// # Ok::<(), cloakroom::templates::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Moment {
    /// To the second, for programs.
    pub iso: String,
    /// To the minute, for people.
    pub words: String,
}

impl From<Timestamp> for Moment {
    fn from(moment: Timestamp) -> Self {
        let date = moment.http_date();
        // `Sat, 25 Jul 2026 14:03:09 GMT`: neither the day of the week nor the second matters here.
        let words = match (date.get(5..16), date.get(17..22)) {
            (Some(day), Some(time)) => format!("{day}, {time} UTC"),
            _ => date,
        };
        Self {
            iso: moment.iso_text(),
            words,
        }
    }
}
