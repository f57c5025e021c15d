//! The files that the pages name.

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

#[derive(Clone, Copy)]
pub(crate) struct Asset {
    pub(crate) path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

impl Asset {
    pub(crate) fn response(&self) -> impl IntoResponse + use<> {
        let headers = [
            (CONTENT_TYPE, self.content_type),
            (CACHE_CONTROL, "no-cache"),
        ];
        (headers, self.text)
    }
}

pub(crate) const STYLESHEET: Asset = Asset {
    path: "/static/classroom.css",
    content_type: "text/css; charset=utf-8",
    text: include_str!("../static/classroom.css"),
};

/// The only script of the classroom.
const FETCH_SCRIPT: Asset = Asset {
    path: "/static/fetch.js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../static/fetch.js"),
};

/// The evil page's, at the other port.
pub(crate) const EVIL_SCRIPT: Asset = Asset {
    path: "/static/evil.js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../static/evil.js"),
};

pub(crate) const ALL: [Asset; 2] = [STYLESHEET, FETCH_SCRIPT];
