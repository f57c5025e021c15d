//! The files that the pages name: the style sheet and the mark, in the binary.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use sha2::{Digest, Sha256};

/// One file, under a name that changes with what it holds: a browser may keep it for ever.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Such as `/static/cloakroom-0123456789abcdef.css`.
    pub(crate) path: String,
    content_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, text: &'static str) -> Self {
        let digest = Sha256::digest(text);
        let hash: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            path: format!("/static/{stem}-{hash}.{ending}"),
            content_type,
            text,
        }
    }

    /// The file as an answer to GET and HEAD. It is the same for everybody and sets no cookie.
    pub(crate) fn response(&self) -> Response {
        Response::builder()
            .header(CONTENT_TYPE, self.content_type)
            .header(CACHE_CONTROL, "public, max-age=31536000, immutable")
            .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
            // An SVG that is opened by itself is a document, and may hold scripts; ours may not.
            .header(CONTENT_SECURITY_POLICY, "default-src 'none'")
            .body(Body::from(self.text))
            .expect("every part is fixed and valid")
    }
}

/// The one style sheet.
pub(crate) static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../static/cloakroom.css");
    Asset::new("cloakroom", "css", "text/css; charset=utf-8", text)
});

/// The coat hanger, in the pages' head line and in the browser's tab.
pub(crate) static MARK: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../static/mark.svg");
    Asset::new("mark", "svg", "image/svg+xml", text)
});

/// All of them, for the router.
pub(crate) fn all() -> [&'static Asset; 2] {
    [&STYLESHEET, &MARK]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_changes_with_the_text() {
        let path = |text| Asset::new("a", "css", "text/css", text).path;
        assert_ne!(path("one"), path("two"));
        assert_eq!(path("one"), path("one"));
        assert_eq!(path("one"), "/static/a-7692c3ad3540bb80.css");
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in all() {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            for word in [
                "://", "url(", "@import", "<script", "<style", "style=", "href",
            ] {
                assert!(!text.contains(word), "{} has {word}", asset.path);
            }
        }
    }

    #[test]
    fn a_browser_may_keep_a_file_for_ever_and_must_not_guess_its_type() {
        for asset in all() {
            let response = asset.response();
            assert_eq!(response.status(), 200);
            let header = |name: &str| response.headers()[name].to_str().unwrap();
            assert_eq!(
                header("cache-control"),
                "public, max-age=31536000, immutable"
            );
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("content-type"), asset.content_type);
        }
    }

    /// WCAG 2.2, success criteria 1.4.3 (text, 4.5 to 1) and 1.4.11 (edges of controls, 3 to 1).
    #[test]
    fn every_pair_of_colours_can_be_told_apart_in_the_light_and_in_the_dark() {
        let text = [
            ("ink", "room"),
            ("ink", "card"),
            ("ink", "field"),
            ("faint", "card"),
            ("on-stub", "stub"),
            ("accent", "card"),
            ("accent-hover", "card"),
            ("on-button", "button"),
            ("on-button", "button-hover"),
            ("error", "error-room"),
        ];
        let edges = [
            ("line", "card"),
            ("line", "field"),
            ("error", "field"),
            ("error", "card"),
            ("button", "card"),
            ("accent", "room"),
            ("accent", "card"),
        ];
        let (light, dark) = STYLESHEET
            .text
            .split_once("prefers-color-scheme: dark")
            .unwrap();
        for palette in [light, dark] {
            let pairs = text.map(|pair| (pair, 4.5)).into_iter();
            for ((one, other), least) in pairs.chain(edges.map(|pair| (pair, 3.0))) {
                let ratio = contrast(colour(palette, one), colour(palette, other));
                assert!(ratio >= least, "{one} on {other}: {ratio:.2}");
            }
        }
    }

    fn colour(palette: &str, name: &str) -> [u8; 3] {
        let (_, rest) = palette.split_once(&format!("--{name}: #")).expect(name);
        [0, 2, 4].map(|at| u8::from_str_radix(&rest[at..at + 2], 16).unwrap())
    }

    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let luminance = |colour: [u8; 3]| {
            let [red, green, blue] = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.040_45 {
                    part / 12.92
                } else {
                    ((part + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }
}
