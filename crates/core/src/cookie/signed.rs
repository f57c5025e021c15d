//! Signed cookies (`HttpResponse.set_signed_cookie`, `HttpRequest.get_signed_cookie`).

use std::time::Duration;

use crate::secret::Secrets;
use crate::signing::{SigningError, TimestampSigner};
use crate::time::Timestamp;
use crate::version::DjangoVersion;

/// What signs the cookies of a site.
///
/// A signature's salt is made of the cookie's name and the caller's salt. Until CVE-2026-6873 the two stood
/// side by side, so that a value signed as cookie `a` with salt `bc` was valid as cookie `ab` with salt `c`;
/// now a length stands between them. The newer form is always read. It is written for a Django that reads
/// it, and the older one is read where that Django does.
///
/// ```
/// use cloakroom_core::cookie::SignedCookies;
/// use cloakroom_core::secret::{SecretKey, Secrets};
/// use cloakroom_core::time::Timestamp;
/// use cloakroom_core::version::DjangoVersion;
///
/// let secrets = Secrets::new(SecretKey::new("thirty-two bytes are the shortest key")?);
/// let cookies = SignedCookies::new(&secrets, DjangoVersion::LATEST);
/// let signer = cookies.signer("theme", "");
/// let value = signer.sign("dark", Timestamp::now());
/// assert_eq!(signer.unsign(&value), Ok("dark"));
/// assert!(cookies.signer("other", "").unsign(&value).is_err());
/// # Ok::<(), cloakroom_core::secret::SecretError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookies {
    secrets: Secrets,
    writes_v2: bool,
    accepts_legacy: bool,
}

impl SignedCookies {
    /// Put before each secret, so that no other signature passes for a cookie's.
    const KEY_PREFIX: &[u8] = b"django.http.cookies";

    /// Signs and reads as this release does.
    #[must_use]
    pub fn new(secrets: &Secrets, version: DjangoVersion) -> Self {
        Self {
            secrets: secrets.clone(),
            writes_v2: version.reads_v2_signed_cookies(),
            accepts_legacy: version.accepts_legacy_signed_cookies(),
        }
    }

    /// `SIGNED_COOKIE_LEGACY_SALT_FALLBACK`: whether signatures under the older salt are valid.
    ///
    /// # Security
    /// With true, a value of one cookie may be valid for another whose name and salt read the same when put
    /// together.
    #[must_use]
    pub const fn legacy_salt_fallback(mut self, accepts: bool) -> Self {
        self.accepts_legacy = accepts;
        self
    }

    /// The signer of one cookie. It holds prepared keys and is worth keeping.
    #[must_use]
    pub fn signer(&self, name: &str, salt: &str) -> CookieSigner {
        let signer =
            |salt: &str| TimestampSigner::with_key_prefix(&self.secrets, Self::KEY_PREFIX, salt);
        // The length counts code points, as Python's `len` does.
        let length = salt.chars().count();
        let legacy = self.accepts_legacy || !self.writes_v2;
        CookieSigner {
            v2: signer(&format!("django.http.cookies.v2:{length}:{salt}{name}")),
            legacy: legacy.then(|| signer(&format!("{name}{salt}"))),
            writes_v2: self.writes_v2,
            accepts_legacy: self.accepts_legacy,
        }
    }
}

/// Signs the values of one cookie and verifies them.
#[derive(Clone, Debug)]
pub struct CookieSigner {
    v2: TimestampSigner,
    /// There if it is written or read.
    legacy: Option<TimestampSigner>,
    writes_v2: bool,
    accepts_legacy: bool,
}

impl CookieSigner {
    /// The cookie's value: `value`, the time and the signature.
    #[must_use]
    pub fn sign(&self, value: &str, now: Timestamp) -> String {
        let legacy = self.legacy.as_ref().filter(|_| !self.writes_v2);
        legacy.unwrap_or(&self.v2).sign(value, now)
    }

    /// The value, whenever it was signed.
    ///
    /// # Errors
    /// No key signed this cookie, or what was signed carries no time.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SigningError> {
        self.read(|signer| signer.unsign(signed))
    }

    /// The value, if it was signed at most `max_age` before `now`.
    ///
    /// # Errors
    /// As [`unsign`](Self::unsign), and when the signature is older.
    pub fn unsign_within<'a>(
        &self,
        signed: &'a str,
        max_age: Duration,
        now: Timestamp,
    ) -> Result<&'a str, SigningError> {
        self.read(|signer| signer.unsign_within(signed, max_age, now))
    }

    /// Only a bad signature leads to the older salt: what has expired under the newer one has expired.
    fn read<'a>(
        &self,
        unsign: impl Fn(&TimestampSigner) -> Result<&'a str, SigningError>,
    ) -> Result<&'a str, SigningError> {
        let legacy = self.legacy.as_ref().filter(|_| self.accepts_legacy);
        match (unsign(&self.v2), legacy) {
            (Err(SigningError::BadSignature(_)), Some(legacy)) => unsign(legacy),
            (result, _) => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;
    use crate::signing::{BadSignature, Compression, ObjectSigner};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const SALT_X: &str = "hello:1r31eq:LDjJkbCzAAWsPf2UpHXInRJJb5bZa8mYghoMd7pM9hA";
    const SALT_X_LEGACY: &str = "hello:1r31eq:TBGCINHtS0nLERS5ba8NLvUWL6B-Vmd2xYTgfJgOtt4";
    const MISMATCH: Result<&str, SigningError> =
        Err(SigningError::BadSignature(BadSignature::Mismatch));

    fn secrets(key: &str) -> Secrets {
        Secrets::new(SecretKey::insecure_new(key).unwrap())
    }

    fn cookies(version: &str) -> SignedCookies {
        SignedCookies::new(
            &secrets("test-secret-key-0123456789"),
            version.parse().unwrap(),
        )
    }

    #[test]
    fn signed_cookies_are_django_s() {
        let rows = [
            (
                "",
                "hello:1r31eq:npp0YctQu_NRIFlgx03UOed68SfQek92HTdu8TPCIBI",
            ),
            (
                "sé",
                "hello:1r31eq:RiBZsrK898ApNFc8hEM3vaR7Gv8HlSDFGP4M88VV0Jk",
            ),
            ("x", SALT_X),
        ];
        for (salt, signed) in rows {
            let signer = cookies("6.1").signer("c", salt);
            assert_eq!(signer.sign("hello", NOW), signed, "{salt}");
            assert_eq!(signer.unsign(signed), Ok("hello"), "{salt}");
        }
    }

    #[test]
    fn the_release_decides_which_salt_is_written() {
        for version in ["4.2", "5.1.15", "5.2.14", "6.0.5"] {
            let signer = cookies(version).signer("c", "x");
            assert_eq!(signer.sign("hello", NOW), SALT_X_LEGACY, "{version}");
        }
        for version in ["5.2.15", "6.0.6", "6.1"] {
            let signer = cookies(version).signer("c", "x");
            assert_eq!(signer.sign("hello", NOW), SALT_X, "{version}");
        }
    }

    /// C12, CVE-2026-6873.
    #[test]
    fn the_older_salt_is_read_where_it_is_accepted() {
        for version in ["4.2", "5.2.15", "6.0.6"] {
            let signer = cookies(version).signer("c", "x");
            assert_eq!(signer.unsign(SALT_X), Ok("hello"), "{version}");
            assert_eq!(signer.unsign(SALT_X_LEGACY), Ok("hello"), "{version}");
        }
        let accepting = |accepts| {
            cookies("6.1")
                .legacy_salt_fallback(accepts)
                .signer("c", "x")
        };
        assert_eq!(
            cookies("6.1").signer("c", "x").unsign(SALT_X_LEGACY),
            MISMATCH
        );
        assert_eq!(accepting(true).unsign(SALT_X_LEGACY), Ok("hello"));
        let refusing = cookies("5.1").legacy_salt_fallback(false).signer("c", "x");
        assert_eq!(refusing.unsign(SALT_X_LEGACY), MISMATCH);
        assert_eq!(refusing.sign("hello", NOW), SALT_X_LEGACY);
    }

    /// C12.
    #[test]
    fn name_and_salt_cannot_be_shifted_into_each_other() {
        let signed = cookies("6.1").signer("a", "bc").sign("hello", NOW);
        for (name, salt) in [
            ("ab", "c"),
            ("abc", ""),
            ("", "abc"),
            ("bca", ""),
            ("a", "b"),
        ] {
            assert_eq!(cookies("6.1").signer(name, salt).unsign(&signed), MISMATCH);
        }
        // The older salt can: that is CVE-2026-6873.
        let signed = cookies("5.1").signer("a", "bc").sign("hello", NOW);
        assert_eq!(
            cookies("5.1").signer("ab", "c").unsign(&signed),
            Ok("hello")
        );
    }

    #[test]
    fn an_expired_cookie_is_expired_under_either_salt() {
        let signer = cookies("6.0.6").signer("c", "x");
        let later = NOW.plus_seconds(11);
        for signed in [SALT_X, SALT_X_LEGACY] {
            let within =
                |seconds| signer.unsign_within(signed, Duration::from_secs(seconds), later);
            assert_eq!(within(10), Err(SigningError::Expired));
            assert_eq!(within(11), Ok("hello"));
        }
    }

    /// C13.
    #[test]
    fn nothing_signed_for_another_purpose_is_a_cookie() {
        let secrets = secrets("test-secret-key-0123456789");
        let salt = "django.http.cookies.v2:0:c";
        let others = [
            TimestampSigner::new(&secrets, salt).sign("hello", NOW),
            TimestampSigner::new(&secrets, "c").sign("hello", NOW),
            ObjectSigner::new(
                &secrets,
                "django.contrib.sessions.backends.signed_cookies",
                Compression::Never,
            )
            .dumps("{}", NOW),
        ];
        let signer = cookies("6.0.6").signer("c", "");
        for signed in others {
            assert_eq!(signer.unsign(&signed), MISMATCH);
        }
        let cookie = signer.sign("hello", NOW);
        assert!(
            TimestampSigner::new(&secrets, salt)
                .unsign(&cookie)
                .is_err()
        );
    }

    #[test]
    fn a_fallback_key_verifies_and_never_signs() {
        let rotated = secrets("new").with_fallbacks(vec![
            SecretKey::insecure_new("test-secret-key-0123456789").unwrap(),
        ]);
        let signer = SignedCookies::new(&rotated, DjangoVersion::LATEST).signer("c", "x");
        assert_eq!(signer.unsign(SALT_X), Ok("hello"));
        assert_ne!(signer.sign("hello", NOW), SALT_X);
    }
}
