//! What is wrong with a template, and where.

use std::fmt;

use minijinja::ErrorKind;

use super::folder::FolderError;

/// A template cannot be used, or makes no page.
///
/// It names the template and the line, and no value that the page was to show: the log may have all of it.
#[derive(Debug)]
pub struct TemplateError(Box<Trouble>);

#[derive(Debug)]
enum Trouble {
    Folder(FolderError),
    Missing { name: String },
    Fault(Fault),
}

/// Where a template is wrong, and how.
#[derive(Debug)]
struct Fault {
    name: String,
    line: usize,
    what: String,
}

impl TemplateError {
    pub(super) fn missing(name: &str) -> Self {
        let name = name.to_owned();
        Self(Box::new(Trouble::Missing { name }))
    }

    pub(super) fn parsing(error: &minijinja::Error) -> Self {
        Self::at(error, error.kind(), error.detail())
    }

    /// An error inside an included file is wrapped once for every file that includes it: the innermost names the
    /// place to mend. One inside a value has no place, but the error around it has.
    pub(super) fn rendering(error: &minijinja::Error) -> Self {
        let (mut place, mut innermost) = (error, error);
        while let Some(inner) = std::error::Error::source(innermost)
            .and_then(|source| source.downcast_ref::<minijinja::Error>())
        {
            innermost = inner;
            if inner.name().is_some() {
                place = inner;
            }
        }
        let kind = innermost.kind();
        let detail = innermost.detail().filter(|_| names_no_value(kind));
        Self::at(place, kind, detail)
    }

    fn at(place: &minijinja::Error, kind: ErrorKind, detail: Option<&str>) -> Self {
        Self(Box::new(Trouble::Fault(Fault {
            name: place.name().unwrap_or("without a name").to_owned(),
            line: place.line().unwrap_or(0),
            what: match detail {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        })))
    }
}

/// Whether an error's words are all the template's own. Those of other kinds may quote what was calculated with, or
/// the name of a file that came in a value.
const fn names_no_value(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::UnknownBlock
    )
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Trouble::Folder(error) => error.fmt(formatter),
            Trouble::Missing { name } => write!(formatter, "there is no template {name:?}"),
            Trouble::Fault(Fault { name, line, what }) => {
                write!(formatter, "template {name}, line {line}: {what}")
            }
        }
    }
}

impl std::error::Error for TemplateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Trouble::Folder(error) => error.source(),
            Trouble::Missing { .. } | Trouble::Fault(_) => None,
        }
    }
}

impl From<FolderError> for TemplateError {
    fn from(error: FolderError) -> Self {
        Self(Box::new(Trouble::Folder(error)))
    }
}
