//! Addresses on this site that a page may link to.

use serde::Serialize;

/// A path with its query: it cannot lead to another site, nor run anything when it is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct LocalPath(String);

impl LocalPath {
    /// From a request's path and query; `None` for what a browser might read as another host.
    ///
    /// Browsers take `//host` and `/\host` for a host, and drop tabs and line ends before they look.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let fine = !rest.starts_with('/')
            && !text
                .chars()
                .any(|character| character == '\\' || character.is_control())
            && text.len() <= LONGEST;
        fine.then(|| Self(text.to_owned()))
    }
}

/// Django's limit for an address to go on to.
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_on_this_site_is_linked() {
        for (text, fine) in [
            ("/", true),
            ("/login/?next=/home/", true),
            ("/a//b", true),
            ("", false),
            ("login/", false),
            ("//evil.example/", false),
            ("/\\evil.example/", false),
            ("/\t/evil.example/", false),
            ("/\n/evil.example/", false),
            ("\\\\evil.example", false),
            ("javascript:alert(1)", false),
            ("https://evil.example/", false),
        ] {
            assert_eq!(LocalPath::parse(text).is_some(), fine, "{text:?}");
        }
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(2048))), None);
    }
}
