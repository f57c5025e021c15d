//! Django's cookies, sessions, login and CSRF protection for axum and tower.
//!
//! One layer, made by [`Cloakroom::layer`], gives every route it wraps its visitor's [`Session`], [`User`],
//! [`Auth`], [`Cookies`] and [`CsrfToken`] as extractors, and checks every form. What a handler does not ask
//! for is not loaded, not parsed and not written.
//!
//! With the feature `templates`, [`Page`](https://docs.rs/cloakroom/latest/cloakroom/struct.Page.html) makes pages of
//! templates in Jinja's language, with the form's token in them.
//!
//! It writes what Django writes and reads what Django reads, so a Rust service and a Django site share one
//! login; and it needs no Django.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::panic, clippy::unwrap_used))]

pub mod auth;
mod clock;
mod config;
mod cookies;
pub mod csrf;
mod error;
mod finish;
mod host;
mod layer;
mod listed;
#[cfg(feature = "mail")]
pub mod mail;
mod newcomers;
#[cfg(feature = "pages")]
pub mod pages;
mod redirect;
pub mod session;
mod site;
#[cfg(feature = "templates")]
pub mod templates;
mod tokens;
mod visit;

pub use auth::{
    Auth, Permissions, User, login_required, permission_required, permissions_required,
    staff_required, superuser_required, user_passes_test,
};
pub use cloakroom_core::{cookie, password, secret, signing, time, version};
#[cfg(all(feature = "file", unix))]
pub use cloakroom_stores::{FileOptions, FileStore};
#[cfg(feature = "sqlite")]
pub use cloakroom_stores::{KeyType, LinkTable, NameRule, SqliteOptions, SqliteStore, UserTable};
pub use config::{
    Config, ConfigError, CookieConfig, CsrfConfig, Duplicates, InvalidCookie, JwtConfig,
    LoginConfig, MailBackend, MailConfig, SecretPlace, Secure, SessionConfig, Settings,
};
pub use cookies::Cookies;
pub use csrf::{CsrfToken, ensure_csrf_cookie};
pub use error::{Error, ErrorKind};
pub use host::{HostPattern, HostRules, Listener, Network, NotANetwork, TrustedProxies};
pub use layer::{CloakroomLayer, CloakroomService, ResponseFuture};
pub use redirect::redirect;
pub use session::Session;
pub use site::Cloakroom;
#[cfg(feature = "templates")]
pub use templates::{Page, Templates};
pub use tokens::{Bearer, Pair, Tickets, Tokens, bearer_required};

/// The examples in the documents, compiled and run.
#[cfg(all(doctest, feature = "templates"))]
#[doc = include_str!("../../../docs/csrf.md")]
pub struct Forms;

/// The examples in the documents, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookies.md")]
pub struct CookieDocuments;

/// The examples in the documents, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/django.md")]
pub struct DjangoDocuments;

/// The examples in the documents, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/permissions.md")]
pub struct PermissionDocuments;

/// The examples in the documents, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/login.md")]
pub struct LoginDocuments;

/// The examples in the documents, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tokens.md")]
pub struct TokenDocuments;

/// The examples in the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
