//! Secrets that belong to one login, so that a cookie planted from elsewhere proves nothing.
//!
//! A page of a sister domain cannot read our cookie, but it can set one of the same name: a secret of its own, which its
//! form then proves. A bound secret names its login under the site's key, which only the site can write. It has the
//! shape of any other, so scripts and Django's pages handle it as ever; but a Django beside us makes secrets that belong
//! to nobody, which is why this is for sites of our own.

use std::fmt;
use std::sync::Arc;

use super::token::CsrfSecret;
use crate::random::{self, RandomError};
use crate::secret::{Secrets, same};
use crate::signing::SaltedHmac;

/// Characters that are drawn: 95 bits. As many again are the MAC.
const DRAWN: usize = CsrfSecret::LENGTH / 2;

/// The site's keys, from which each login's secrets are made. Clones share them.
#[derive(Clone)]
pub struct SecretBinding(Arc<[SaltedHmac]>);

impl SecretBinding {
    const SALT: &[u8] = b"cloakroom.csrf.SecretBinding";

    /// Secrets are made under the first key and belong to their login under each.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let keys = secrets.iter().map(|key| SaltedHmac::new(Self::SALT, key));
        Self(keys.collect())
    }

    /// Whose secrets are made and taken: a text that no two logins share. All who have not signed in share the empty
    /// one.
    #[must_use]
    pub fn owner(&self, login: impl Into<String>) -> SecretOwner {
        SecretOwner {
            binding: self.clone(),
            login: login.into(),
        }
    }
}

/// The login whose secrets a visitor's pages are given.
#[derive(Clone)]
pub struct SecretOwner {
    binding: SecretBinding,
    login: String,
}

impl SecretOwner {
    pub(super) fn generate(&self) -> Result<CsrfSecret, RandomError> {
        let drawn = random::text(CsrfSecret::ALPHABET, DRAWN)?;
        // There is a first key: `Secrets` cannot be without one.
        let tail = self.binding.0.first().map(|key| self.tail(key, &drawn));
        Ok(CsrfSecret::of_drawn(
            [drawn, tail.unwrap_or_default()].concat(),
        ))
    }

    pub(super) fn owns(&self, secret: &CsrfSecret) -> bool {
        let (drawn, tail) = secret.as_str().split_at(DRAWN);
        let is_tail = |key| same(self.tail(key, drawn).as_bytes(), tail.as_bytes());
        self.binding.0.iter().any(is_tail)
    }

    /// The MAC of the login and what was drawn, which is always as long, so that neither is read as the other.
    fn tail(&self, key: &SaltedHmac, drawn: &str) -> String {
        let mac = key.mac([&self.login, drawn].concat().as_bytes());
        // Of two bytes each, so that no character is likelier than another by more than a thousandth.
        let (pairs, _) = mac.as_chunks::<2>();
        let characters = pairs.iter().map(|pair| {
            let number = usize::from(u16::from_be_bytes(*pair));
            char::from(CsrfSecret::ALPHABET[number % CsrfSecret::ALPHABET.len()])
        });
        characters.collect()
    }
}

impl fmt::Debug for SecretBinding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretBinding(..)")
    }
}

impl fmt::Debug for SecretOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretOwner(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    fn binding(keys: &[&str]) -> SecretBinding {
        let mut keys = keys
            .iter()
            .map(|key| SecretKey::insecure_new(*key).unwrap());
        let secrets = Secrets::new(keys.next().unwrap());
        SecretBinding::new(&secrets.with_fallbacks(keys.collect()))
    }

    #[test]
    fn a_secret_is_its_login_s_and_nobody_else_s() {
        let binding = binding(&["key"]);
        let secret = binding.owner("7:hash").generate().unwrap();
        assert_eq!(
            CsrfSecret::from_stored(secret.as_str()).unwrap().as_str(),
            secret.as_str()
        );
        for (login, owns) in [
            ("7:hash", true),
            ("7:hasH", false),
            ("7:has", false),
            ("", false),
        ] {
            assert_eq!(binding.owner(login).owns(&secret), owns, "{login}");
        }
        assert!(
            binding
                .owner("")
                .owns(&binding.owner("").generate().unwrap())
        );
        for _ in 0..100 {
            let foreign = CsrfSecret::generate().unwrap();
            assert!(!binding.owner("").owns(&foreign) && !binding.owner("7:hash").owns(&foreign));
        }
    }

    /// As it was written by those before us, whose cookies are still about: the last sixteen characters are
    /// `HMAC-SHA-256(SHA-256(salt + key), login + drawn)`, two bytes for each, modulo 62.
    #[test]
    fn a_login_s_secret_stays_its_own_in_every_release() {
        let secret = CsrfSecret::from_stored("ABCDEFGHIJKLMNOPKpF9yGvsqMwIFu7C").unwrap();
        assert!(binding(&["key"]).owner("7:hash").owns(&secret));
    }

    #[test]
    fn debug_shows_neither_key_nor_login() {
        let binding = binding(&["key"]);
        assert_eq!(format!("{binding:?}"), "SecretBinding(..)");
        assert_eq!(format!("{:?}", binding.owner("7")), "SecretOwner(..)");
    }

    #[test]
    fn one_changed_character_makes_it_a_stranger_s() {
        let owner = binding(&["key"]).owner("7");
        let secret = owner.generate().unwrap();
        for place in 0..CsrfSecret::LENGTH {
            let mut bytes = secret.as_str().as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'a' { b'b' } else { b'a' };
            let changed = CsrfSecret::of_drawn(String::from_utf8(bytes).unwrap());
            assert!(!owner.owns(&changed), "{place}");
        }
    }

    #[test]
    fn a_fallback_key_s_secrets_are_still_taken_and_no_more_made() {
        let old = binding(&["old"]).owner("7").generate().unwrap();
        let rotated = binding(&["new", "old"]).owner("7");
        assert!(rotated.owns(&old));
        let new = rotated.generate().unwrap();
        assert!(binding(&["new"]).owner("7").owns(&new));
        assert!(!binding(&["old"]).owner("7").owns(&new));
    }
}
