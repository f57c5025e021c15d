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

pub(crate) const ALL: [Asset; 1] = [STYLESHEET];
