//! What each command does, one file each.

pub(crate) mod change_password;
pub(crate) mod check;
pub(crate) mod clear_sessions;
pub(crate) mod create_superuser;
pub(crate) mod jwt_key;
pub(crate) mod migrate;
mod prompt;
pub mod serve;

use std::fmt;

use cloakroom::LoginConfig;
use cloakroom_core::version::DjangoVersion;
use cloakroom_stores::Database;

use crate::settings::Settings;

/// Why a command failed, in words for the person who gave it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<Failure> for Box<dyn std::error::Error + Send + Sync> {
    fn from(failure: Failure) -> Self {
        failure.0.into()
    }
}

/// With the errors underneath, unless they are told already. (So this cannot itself be an `Error`.)
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = error.source();
        }
        Self(message)
    }
}

/// How new passwords are hashed and what they must be, on this database's site.
///
/// # Errors
/// The settings cannot be used, or the database does not answer.
async fn passwords(settings: &Settings, database: &dyn Database) -> Result<LoginConfig, Failure> {
    let profile = serve::profile(settings, database).await?;
    Ok(serve::without_secrets(settings, Some(profile))?.login)
}

/// The release of Django that reads what we write.
///
/// # Errors
/// The setting names none from 4.2 on.
pub fn django_version(settings: &Settings) -> Result<DjangoVersion, Failure> {
    settings
        .text("DJANGO_VERSION")
        .map_or(Ok(DjangoVersion::LATEST), |text| {
            text.parse()
                .map_err(|error| Failure::new(format!("DJANGO_VERSION: {error}")))
        })
}

/// A name as Python shows it, so that no control character reaches the terminal.
fn quoted(name: &str) -> String {
    format!("'{}'", name.escape_debug())
}
