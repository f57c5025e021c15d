//! The secrets, read from where the settings say they are.

use std::path::Path;

use cloakroom_core::secret::{
    SecretError, SecretKey, Secrets, parse_key_file, parse_list, parse_list_file,
};
use zeroize::Zeroizing;

use super::{Settings, SettingsError};

/// Whether keys pass that are short, or marked as Django's for development.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between")]
pub enum WeakKeys {
    /// They do: nobody but this machine reaches the server.
    Pass,
    /// They do not.
    Refused,
}

impl WeakKeys {
    const fn parse(self) -> fn(&str) -> Result<SecretKey, SecretError> {
        match self {
            Self::Pass => SecretKey::insecure_parse,
            Self::Refused => SecretKey::parse,
        }
    }
}

impl Settings {
    /// The key and the fallbacks, `None` if no key is given.
    ///
    /// # Errors
    /// A file cannot be read, a key or a fallback is refused, or fallbacks are given without a key.
    pub fn secrets(&self, weak: WeakKeys) -> Result<Option<Secrets>, SettingsError> {
        let parse = weak.parse();
        let fallbacks = self.fallbacks(weak)?;
        let key = match (
            self.secrets.get("SECRET_KEY"),
            self.secrets.get("SECRET_KEY_FILE"),
        ) {
            (Some(text), _) => {
                parse(text).map_err(|error| SettingsError::Secret("SECRET_KEY", error))?
            }
            (None, Some(path)) => parse_key_file(&read(path)?, parse)
                .map_err(|error| SettingsError::Secret("SECRET_KEY_FILE", error))?,
            (None, None) => return Ok(None),
        };
        Ok(Some(Secrets::new(key).with_fallbacks(fallbacks)))
    }

    /// The fallbacks alone, for a key that comes from elsewhere.
    ///
    /// # Errors
    /// Their file cannot be read, or one is refused.
    pub fn fallbacks(&self, weak: WeakKeys) -> Result<Vec<SecretKey>, SettingsError> {
        let (text, path) = (
            self.secrets.get("SECRET_KEY_FALLBACKS"),
            self.secrets.get("SECRET_KEY_FALLBACKS_FILE"),
        );
        match (text, path) {
            (Some(text), _) => parse_list(text, weak.parse())
                .map_err(|error| SettingsError::Secret("SECRET_KEY_FALLBACKS", error)),
            (None, Some(path)) => parse_list_file(&read(path)?, weak.parse())
                .map_err(|error| SettingsError::Secret("SECRET_KEY_FALLBACKS_FILE", error)),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The key of access and refresh tokens, if one is given.
    ///
    /// # Errors
    /// It is refused. A weak one is whoever may connect: tokens are read elsewhere too.
    pub fn jwt_signing_key(&self) -> Result<Option<SecretKey>, SettingsError> {
        let text = self.secrets.get("JWT_SIGNING_KEY");
        text.map(|text| SecretKey::parse(text))
            .transpose()
            .map_err(|error| SettingsError::Secret("JWT_SIGNING_KEY", error))
    }
}

/// Not checked for who may read it: a container's secrets are mounted as its runtime sees fit.
fn read(path: &str) -> Result<Zeroizing<String>, SettingsError> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| SettingsError::File(Path::new(path).to_owned(), error))
}
