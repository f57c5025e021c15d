//! The way to the login page and back.

use cloakroom_core::auth::{
    NextRule, REDIRECT_FIELD_NAME, full_path, iri_to_uri, is_safe_next, login_redirect,
    next_of_request,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::rows::{Answer, Release, Row};

pub(crate) fn safe_next(row: &Row, _: &Release) -> Answer {
    let (url, hosts) = (row.text("url"), row.texts("hosts"));
    let safe = |https| is_safe_next(url, &hosts, https, NextRule::Django);
    Answer::new(
        url,
        format!("http {}, https {}", row.flag("http"), row.flag("https")),
        format!("http {}, https {}", safe(false), safe(true)),
    )
}

fn redirect(row: &Row, next: &str, field: &str) -> String {
    login_redirect(row.text("login_url"), next, field)
}

pub(crate) fn login_redirect_row(row: &Row, _: &Release) -> Answer {
    let next = row.text("next");
    Answer::new(
        format!("{} {next}", row.text("login_url")),
        row.text("location"),
        redirect(row, next, row.text("field")),
    )
}

pub(crate) fn guarded_redirect(row: &Row, _: &Release) -> Answer {
    // The row has the path as Django sees it, decoded; browsers send it so.
    let path = utf8_percent_encode(row.text("path"), &IN_PATHS).to_string();
    let full = full_path(&path, Some(row.text("query")));
    let scheme = if row.flag("secure") { "https" } else { "http" };
    let next = next_of_request(row.text("login_url"), scheme, row.text("host"), &full);
    Answer::new(
        format!("{} {path} {}", row.text("login_url"), row.text("query")),
        row.text("location"),
        redirect(row, &next, REDIRECT_FIELD_NAME),
    )
}

pub(crate) fn redirect_location(row: &Row, _: &Release) -> Answer {
    let (url, uri) = (row.text("url"), row.text("uri"));
    let django = format!("{uri} {}", row.text("location"));
    let ours = iri_to_uri(url);
    Answer::new(url, django, format!("{ours} {ours}"))
}

/// What browsers escape in a path, and the percent sign that stands for itself.
const IN_PATHS: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
