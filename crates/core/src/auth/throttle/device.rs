//! Browsers in which a user has signed in before (OWASP's device cookies).

use std::fmt;
use std::time::Duration;

use super::super::user::{User, canonical_login};
use crate::random::RandomError;
use crate::secret::{Secrets, same};
use crate::session::SessionKey;
use crate::signing::{SaltedHmac, TimestampSigner};
use crate::time::Timestamp;

/// Makes and reads the cookie by which a browser is known.
///
/// Who sends it is counted apart from everybody who guesses at the account, so that guessing locks no owner out. It
/// signs nobody in.
#[derive(Clone)]
pub struct Devices {
    signer: TimestampSigner,
    names: SaltedHmac,
    logins: SaltedHmac,
}

/// A browser in which somebody has signed in by the name that was typed.
#[derive(Clone)]
pub struct Device {
    id: String,
    login: String,
}

impl Devices {
    /// How many seconds a browser is known for after its last login: a year. Browsers keep no cookie for more than 400
    /// days.
    pub const AGE: Duration = Duration::from_secs(365 * 86_400);
    const SALT: &str = "cloakroom.auth.device";

    /// The cookies of a site with these keys.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let hasher = |salt: &[u8]| SaltedHmac::new(salt, secrets.key());
        Self {
            signer: TimestampSigner::new(secrets, Self::SALT),
            names: hasher(b"cloakroom.auth.device.name"),
            logins: hasher(b"cloakroom.auth.device.login"),
        }
    }

    /// The cookie for a browser in which `user` has signed in by this name. A change of the password ends it.
    ///
    /// # Errors
    /// The operating system's generator does not answer.
    pub fn issue(&self, typed: &str, user: &User, now: Timestamp) -> Result<String, RandomError> {
        // Drawn like a session's key, which it is not.
        let id = SessionKey::generate()?;
        let id = id.as_str();
        let name = self.name(typed);
        let login = self.login(id, user);
        Ok(self.signer.sign(&format!("{id}.{login}.{name}"), now))
    }

    /// The browser, if this is a cookie of ours, not too old, and was made for this name.
    #[must_use]
    pub fn read(&self, cookie: &str, typed: &str, now: Timestamp) -> Option<Device> {
        let value = self.signer.unsign_within(cookie, Self::AGE, now).ok()?;
        let mut parts = value.split('.');
        let (id, login, name) = (parts.next()?, parts.next()?, parts.next()?);
        same(name.as_bytes(), self.name(typed).as_bytes()).then(|| Device {
            id: id.to_owned(),
            login: login.to_owned(),
        })
    }

    /// Whether the browser was this user's, under the password that the user has now.
    #[must_use]
    pub fn knows(&self, device: &Device, user: &User) -> bool {
        same(
            device.login.as_bytes(),
            self.login(&device.id, user).as_bytes(),
        )
    }

    fn name(&self, typed: &str) -> String {
        self.names.hex(canonical_login(typed).as_bytes())
    }

    fn login(&self, id: &str, user: &User) -> String {
        let (length, user_id, password) = (user.id.len(), &user.id, &user.password);
        self.logins
            .hex(format!("{id}.{length}.{user_id}{password}").as_bytes())
    }
}

impl Device {
    /// What its failures are counted under.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Devices(..)")
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Device(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn devices(key: &str) -> Devices {
        Devices::new(&Secrets::new(SecretKey::insecure_new(key).unwrap()))
    }

    fn user(id: &str, password: &str) -> User {
        let mut user = User::new(id, "ann", NOW);
        user.password = password.into();
        user
    }

    #[test]
    fn a_browser_is_known_for_the_name_and_for_a_year() {
        let devices = devices("k");
        let cookie = devices.issue("ann", &user("7", "p"), NOW).unwrap();
        assert!(devices.read(&cookie, "ann", NOW).is_some());
        assert!(
            devices.read(&cookie, " Ann ", NOW).is_some(),
            "one name in any spelling"
        );
        assert!(devices.read(&cookie, "bob", NOW).is_none());
        assert!(devices.read(&cookie, "", NOW).is_none());
        let year = NOW.plus_seconds(365 * 86_400);
        assert!(devices.read(&cookie, "ann", year).is_some());
        assert!(devices.read(&cookie, "ann", year.plus_seconds(2)).is_none());
        assert!(self::devices("other").read(&cookie, "ann", NOW).is_none());
        for part in 0..cookie.len() {
            assert!(devices.read(&cookie[..part], "ann", NOW).is_none());
        }
    }

    /// D1: the attacker's own device cookie says nothing about the victim.
    #[test]
    fn a_browser_is_the_user_s_until_the_password_changes() {
        let devices = devices("k");
        let cookie = devices.issue("ann", &user("7", "p"), NOW).unwrap();
        let device = devices.read(&cookie, "ann", NOW).unwrap();
        assert!(devices.knows(&device, &user("7", "p")));
        assert!(!devices.knows(&device, &user("7", "other")));
        assert!(!devices.knows(&device, &user("8", "p")));
        // The length keeps the id and the password apart.
        let cookie = devices.issue("ann", &user("7", "8p"), NOW).unwrap();
        let device = devices.read(&cookie, "ann", NOW).unwrap();
        assert!(!devices.knows(&device, &user("78", "p")));
    }

    #[test]
    fn two_logins_are_two_browsers() {
        let devices = devices("k");
        let issue = || devices.issue("ann", &user("7", "p"), NOW).unwrap();
        let (one, other) = (issue(), issue());
        let id = |cookie: &str| devices.read(cookie, "ann", NOW).unwrap().id;
        assert_ne!(id(&one), id(&other));
    }
}
