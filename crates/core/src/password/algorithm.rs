//! The algorithms that Django has hashers for, from 4.2 on.

use std::fmt;

/// What stands before the first dollar sign of a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `pbkdf2_sha256`, `PBKDF2PasswordHasher`: Django's default.
    Pbkdf2Sha256,
    /// `pbkdf2_sha1`, `PBKDF2SHA1PasswordHasher`.
    Pbkdf2Sha1,
    /// `argon2`, `Argon2PasswordHasher`: makes Argon2id; reads Argon2i and Argon2d too.
    Argon2,
    /// `bcrypt_sha256`, `BCryptSHA256PasswordHasher`.
    BcryptSha256,
    /// `bcrypt`, `BCryptPasswordHasher`: for passwords of at most 72 bytes, without NULs.
    Bcrypt,
    /// `scrypt`, `ScryptPasswordHasher`.
    Scrypt,
    /// `md5`, `MD5PasswordHasher`: for tests, and for hashes that are to be replaced.
    Md5,
    /// `sha1`, `SHA1PasswordHasher`, which Django has until 5.0.
    Sha1,
    /// `unsalted_md5`, `UnsaltedMD5PasswordHasher`, until 5.0: 32 hexadecimal digits, with or without `md5$$`.
    UnsaltedMd5,
    /// `unsalted_sha1`, `UnsaltedSHA1PasswordHasher`, until 5.0: `sha1$$` and 40 hexadecimal digits.
    UnsaltedSha1,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha1,
        Self::Argon2,
        Self::BcryptSha256,
        Self::Bcrypt,
        Self::Scrypt,
        Self::Md5,
        Self::Sha1,
        Self::UnsaltedMd5,
        Self::UnsaltedSha1,
    ];

    /// Those of Django's own `PASSWORD_HASHERS`, in its order, the same in every release.
    pub const DJANGO: [Self; 5] = [
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha1,
        Self::Argon2,
        Self::BcryptSha256,
        Self::Scrypt,
    ];

    /// An entry of `PASSWORD_HASHERS`: the dotted path of Django's class, or the algorithm's name.
    ///
    /// ```
    /// use cloakroom_core::password::Algorithm;
    ///
    /// let path = "django.contrib.auth.hashers.Argon2PasswordHasher";
    /// assert_eq!(Algorithm::parse(path), Ok(Algorithm::Argon2));
    /// assert_eq!(Algorithm::parse("argon2"), Ok(Algorithm::Argon2));
    /// assert!(Algorithm::parse("site.hashers.Argon2").is_err());
    /// ```
    ///
    /// # Errors
    /// It is none of them. The error names those there are.
    pub fn parse(entry: &str) -> Result<Self, UnknownHasher> {
        let class = entry.strip_prefix(MODULE);
        let known = Self::ALL.into_iter().find(|algorithm| {
            entry == algorithm.name() || class.is_some_and(|class| class == algorithm.class())
        });
        known.ok_or(UnknownHasher)
    }

    /// As in stored hashes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.names().0
    }

    /// The name of Django's class.
    const fn class(self) -> &'static str {
        self.names().1
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Pbkdf2Sha256 => ("pbkdf2_sha256", "PBKDF2PasswordHasher"),
            Self::Pbkdf2Sha1 => ("pbkdf2_sha1", "PBKDF2SHA1PasswordHasher"),
            Self::Argon2 => ("argon2", "Argon2PasswordHasher"),
            Self::BcryptSha256 => ("bcrypt_sha256", "BCryptSHA256PasswordHasher"),
            Self::Bcrypt => ("bcrypt", "BCryptPasswordHasher"),
            Self::Scrypt => ("scrypt", "ScryptPasswordHasher"),
            Self::Md5 => ("md5", "MD5PasswordHasher"),
            Self::Sha1 => ("sha1", "SHA1PasswordHasher"),
            Self::UnsaltedMd5 => ("unsalted_md5", "UnsaltedMD5PasswordHasher"),
            Self::UnsaltedSha1 => ("unsalted_sha1", "UnsaltedSHA1PasswordHasher"),
        }
    }

    /// Django's `identify_hasher`: which algorithm made a stored hash, by its form alone.
    pub(super) fn identify(encoded: &str) -> Option<Self> {
        let characters = encoded.chars().count();
        if (characters == 32 && !encoded.contains('$'))
            || (characters == 37 && encoded.starts_with("md5$$"))
        {
            return Some(Self::UnsaltedMd5);
        }
        if characters == 46 && encoded.starts_with("sha1$$") {
            return Some(Self::UnsaltedSha1);
        }
        let name = encoded.split('$').next()?;
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

/// No hasher has this path or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownHasher;

impl fmt::Display for UnknownHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not every hasher is known; there are")?;
        for (number, algorithm) in Algorithm::ALL.iter().enumerate() {
            let comma = if number == 0 { " " } else { ", " };
            write!(formatter, "{comma}{MODULE}{}", algorithm.class())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownHasher {}

const MODULE: &str = "django.contrib.auth.hashers.";
