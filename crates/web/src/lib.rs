//! Django's cookies, sessions, login and CSRF protection for axum and tower.

#![forbid(unsafe_code)]
