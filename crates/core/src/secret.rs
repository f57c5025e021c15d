//! Secret keys: what signs, what may still verify, and what is too weak to do either.

mod compare;
mod text;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use compare::same;
pub use text::{parse_key_file, parse_list, parse_list_file};

/// The bytes of one `SECRET_KEY`. Never empty, wiped when dropped, never shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// The fewest bytes that [`new`](Self::new) takes: as many as SHA-256 has.
    pub const SHORTEST: usize = 32;
    /// What Django's `startproject` puts before keys that are for development only.
    pub const DJANGO_INSECURE: &str = "django-insecure-";

    /// Takes a key that is fit for a site others can reach.
    ///
    /// # Errors
    /// It is empty, shorter than 32 bytes, or begins with Django's `django-insecure-`.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let key = Self::insecure_new(bytes)?;
        if key.0.starts_with(Self::DJANGO_INSECURE.as_bytes()) {
            return Err(SecretError::DjangoInsecure);
        }
        if key.0.len() < Self::SHORTEST {
            return Err(SecretError::Short);
        }
        Ok(key)
    }

    /// Takes any key that is not empty.
    ///
    /// # Security
    /// Whoever guesses the key can sign in as anybody. This is for development on a loopback address and
    /// for reading test vectors.
    ///
    /// # Errors
    /// It is empty: everybody knows that one.
    pub fn insecure_new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Self(bytes))
        }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// `SECRET_KEY` and `SECRET_KEY_FALLBACKS`: the first signs, all of them verify.
#[derive(Clone, Debug)]
pub struct Secrets {
    key: SecretKey,
    fallbacks: Vec<SecretKey>,
}

impl Secrets {
    /// One key and no fallbacks.
    #[must_use]
    pub const fn new(key: SecretKey) -> Self {
        Self {
            key,
            fallbacks: Vec::new(),
        }
    }

    /// The same key with other fallbacks, newest first.
    #[must_use]
    pub fn with_fallbacks(mut self, fallbacks: Vec<SecretKey>) -> Self {
        self.fallbacks = fallbacks;
        self
    }

    /// The key that signs.
    #[must_use]
    pub const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// The keys that only verify.
    #[must_use]
    pub fn fallbacks(&self) -> &[SecretKey] {
        &self.fallbacks
    }

    /// Every key that verifies, the one that signs first.
    pub fn iter(&self) -> impl Iterator<Item = &SecretKey> {
        std::iter::once(&self.key).chain(&self.fallbacks)
    }
}

/// Why a secret key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// It has no bytes.
    Empty,
    /// It has fewer than 32 bytes.
    Short,
    /// It begins with `django-insecure-`.
    DjangoInsecure,
    /// It says `base64:`, and something else follows.
    NotBase64,
    /// The list begins with `[` and is no JSON list of strings.
    NotAList,
    /// The file of one key has further lines.
    SeveralLines,
}

impl fmt::Display for SecretError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "a secret key is empty",
            Self::Short => {
                "a secret key is shorter than 32 bytes; make one with `openssl rand -base64 48`"
            }
            Self::DjangoInsecure => {
                "a secret key begins with django-insecure-, which marks keys for development; \
                 make one with `openssl rand -base64 48`"
            }
            Self::NotBase64 => "a secret key begins with base64: and goes on as something else",
            Self::NotAList => "the list of secret keys is not a JSON list of strings",
            Self::SeveralLines => "the file of the secret key has more than one line",
        })
    }
}

impl std::error::Error for SecretError {}
