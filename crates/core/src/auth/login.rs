//! How a session comes to belong to a user and stops doing so (`login`, `logout` and `get_user` of
//! `django.contrib.auth`).

use std::fmt;
use std::sync::Arc;

use super::user::User;
use crate::secret::{self, Secrets};
use crate::session::{SIGNED_IN_AT_NAME, SessionState, USER_ID_NAME};
use crate::signing::SaltedHmac;
use crate::time::Timestamp;

const BACKEND_NAME: &str = "_auth_user_backend";
const HASH_NAME: &str = "_auth_user_hash";

/// The rules by which sessions belong to users. Clones share the prepared keys.
#[derive(Clone)]
pub struct AuthRules {
    /// The key that signs comes first.
    hashers: Arc<[SaltedHmac]>,
    backends: Arc<[String]>,
    relogin: Relogin,
    dates_login: bool,
}

/// What becomes of the session key when the user who is signed in signs in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Relogin {
    /// The session gets a new key (OWASP ASVS 7.2.4).
    RenewsKey,
    /// The key stays, as in Django.
    KeepsKey,
}

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Owner {
    /// The user's.
    User,
    /// Nobody's.
    Nobody,
}

impl AuthRules {
    /// The backend that Django's own login writes.
    pub const MODEL_BACKEND: &str = "django.contrib.auth.backends.ModelBackend";
    const HASH_SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

    /// Django's rules, with `ModelBackend` as the only backend.
    #[must_use]
    pub fn new(secrets: &Secrets, relogin: Relogin) -> Self {
        let hashers = secrets
            .iter()
            .map(|secret| SaltedHmac::new(Self::HASH_SALT.as_bytes(), secret));
        Self {
            hashers: hashers.collect(),
            backends: [Self::MODEL_BACKEND.to_owned()].into(),
            relogin,
            dates_login: false,
        }
    }

    /// `AUTHENTICATION_BACKENDS`: a session of another backend belongs to nobody. The first one is written.
    #[must_use]
    pub fn with_backends(mut self, backends: Vec<String>) -> Self {
        if !backends.is_empty() {
            self.backends = backends.into();
        }
        self
    }

    /// Also keeps in the session when its user signed in, for a limit on its whole life. Django does not
    /// know that name, so this is for sites of our own.
    #[must_use]
    pub const fn dating_logins(mut self) -> Self {
        self.dates_login = true;
        self
    }

    /// What ties a session to its user's password: 64 hexadecimal digits (`get_session_auth_hash`).
    #[must_use]
    pub fn session_auth_hash(&self, user: &User) -> String {
        self.hashers[0].hex(user.password.as_bytes())
    }

    /// Makes the session `user`'s. The caller has verified the password; it also rotates the CSRF secret and
    /// sets `last_login`.
    ///
    /// A session that was somebody else's, or was made under another password, ends first. An anonymous one
    /// keeps its data and gets a new key.
    ///
    /// # Security
    /// As in Django an inactive user is not refused here, but by whoever authenticates.
    pub fn login(&self, session: &mut SessionState, user: &User, now: Timestamp) {
        let hash = self.session_auth_hash(user);
        match stored_text(session, USER_ID_NAME) {
            None => session.cycle_key(),
            Some(id)
                if id != user.id || !same(&hash, stored_text(session, HASH_NAME).as_deref()) =>
            {
                session.flush()
            }
            Some(_) if self.relogin == Relogin::RenewsKey => session.cycle_key(),
            Some(_) => {}
        }
        session.set_text(USER_ID_NAME, &user.id);
        session.set_text(BACKEND_NAME, &self.backends[0]);
        session.set_text(HASH_NAME, &hash);
        if self.dates_login {
            // An integer is always writable.
            let _ = session.set(SIGNED_IN_AT_NAME, &now.unix_seconds());
        }
    }

    /// Ends the session. What is set afterwards belongs to a new one.
    pub fn logout(session: &mut SessionState) {
        session.flush();
    }

    /// The primary key of the user who may own this session; [`verify`](Self::verify) decides.
    #[must_use]
    pub fn claimed_user(&self, session: &SessionState) -> Option<String> {
        let id = stored_text(session, USER_ID_NAME)?;
        let backend = stored_text(session, BACKEND_NAME)?;
        self.backends.contains(&backend).then_some(id)
    }

    /// A text that no two logins of different users share, nor those of one user before and after a change of the
    /// password, nor, where logins are dated, at different seconds. `None`: nobody claims the session.
    #[must_use]
    pub fn claimed_login(&self, session: &SessionState) -> Option<String> {
        let id = self.claimed_user(session)?;
        let part = |name| stored_text(session, name).unwrap_or_default();
        // A hash has no colon, nor has a date.
        Some(format!(
            "{}:{}:{id}",
            part(HASH_NAME),
            part(SIGNED_IN_AT_NAME)
        ))
    }

    /// Decides whether the session belongs to `user`, whom a store found under the claimed key.
    ///
    /// An unknown or inactive user owns nothing and the session stays as it is. A session made under another
    /// password ends. One made under a fallback secret gets a new key and the hash of the current secret.
    pub fn verify(&self, session: &mut SessionState, user: Option<&User>) -> Owner {
        let Some(user) = user.filter(|user| user.is_active) else {
            return Owner::Nobody;
        };
        let stored = stored_text(session, HASH_NAME);
        let hash = |hasher: &SaltedHmac| hasher.hex(user.password.as_bytes());
        match self
            .hashers
            .iter()
            .position(|hasher| same(&hash(hasher), stored.as_deref()))
        {
            Some(0) => Owner::User,
            Some(_) => {
                session.upgrade_key(HASH_NAME, &self.session_auth_hash(user));
                Owner::User
            }
            None => {
                session.drop_invalid();
                Owner::Nobody
            }
        }
    }

    /// Keeps this session through a change of its user's password (`update_session_auth_hash`); all others of
    /// that user end at their next use.
    ///
    /// Somebody else's session, such as that of an administrator who sets the password, only gets a new key.
    pub fn update_session_auth_hash(&self, session: &mut SessionState, user: &User) {
        session.cycle_key();
        if stored_text(session, USER_ID_NAME).as_ref() == Some(&user.id) {
            session.set_text(HASH_NAME, &self.session_auth_hash(user));
        }
    }
}

impl fmt::Debug for AuthRules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthRules")
            .field("backends", &self.backends)
            .field("relogin", &self.relogin)
            .finish_non_exhaustive()
    }
}

/// A text, or an integer as its digits: a custom backend may have stored one.
fn stored_text(session: &SessionState, name: &str) -> Option<String> {
    session.get::<String>(name).ok().or_else(|| {
        session
            .get::<i64>(name)
            .ok()
            .map(|id| id.map(|id| id.to_string()))
    })?
}

fn same(expected: &str, stored: Option<&str>) -> bool {
    stored.is_some_and(|stored| secret::same(expected.as_bytes(), stored.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;
    use crate::session::{Codec, SessionKey, Stored};
    use crate::signing::Compression;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn secrets(key: &str) -> Secrets {
        Secrets::new(SecretKey::insecure_new(key).unwrap())
    }

    fn rules(key: &str) -> AuthRules {
        AuthRules::new(&secrets(key), Relogin::KeepsKey)
    }

    fn user(id: &str) -> User {
        let mut user = User::new(id, "ann", NOW);
        user.password = "pbkdf2_sha256$1$s$h".into();
        user
    }

    /// The session as it is after being kept.
    fn kept(session: &SessionState) -> SessionState {
        let codec = Codec::new(&secrets("k"), Codec::DJANGO_SALT, Compression::Never);
        let stored = Stored::signed(codec.encode(session.data().text(), NOW), NOW);
        SessionState::from_stored(SessionKey::parse("abcdefgh").unwrap(), stored, &codec)
    }

    fn signed_in(rules: &AuthRules, user: &User) -> SessionState {
        let mut session = SessionState::new();
        session.set("cart", &[1, 2]).unwrap();
        rules.login(&mut session, user, NOW);
        kept(&session)
    }

    #[test]
    fn the_session_hash_is_django_s() {
        assert_eq!(
            rules("test-secret-key-0123456789").session_auth_hash(&user("7")),
            "e6d20eab3ea1aea48b74701b4383bbffbfada630abe944aa560fb2c88d7a7727"
        );
    }

    #[test]
    fn login_keeps_anonymous_data_and_writes_django_s_names_in_its_order() {
        let session = signed_in(&rules("k"), &user("7"));
        let names: Vec<_> = session.names().map(String::from).collect();
        assert_eq!(
            names,
            [
                "cart",
                "_auth_user_id",
                "_auth_user_backend",
                "_auth_user_hash"
            ]
        );
        assert_eq!(session.raw("_auth_user_id").as_deref(), Some("\"7\""));
    }

    #[test]
    fn only_an_active_user_with_the_same_password_owns_the_session() {
        let rules = rules("k");
        let verify = |user: Option<&User>| {
            let mut session = signed_in(&rules, &self::user("7"));
            (rules.verify(&mut session, user), session.is_modified())
        };
        let inactive = User {
            is_active: false,
            ..user("7")
        };
        let other_password = User {
            password: "pbkdf2_sha256$1$s$other".into(),
            ..user("7")
        };
        assert_eq!(verify(Some(&user("7"))), (Owner::User, false));
        assert_eq!(verify(None), (Owner::Nobody, false));
        assert_eq!(verify(Some(&inactive)), (Owner::Nobody, false));
        assert_eq!(verify(Some(&other_password)), (Owner::Nobody, true));
    }

    #[test]
    fn a_part_of_the_hash_owns_nothing() {
        let rules = rules("k");
        let whole = rules.session_auth_hash(&user("7"));
        let owner = |hash: &str| {
            let mut session = signed_in(&rules, &user("7"));
            session.set_text(HASH_NAME, hash);
            rules.verify(&mut session, Some(&user("7")))
        };
        assert_eq!(owner(&whole), Owner::User);
        for length in 0..whole.len() {
            assert_eq!(owner(&whole[..length]), Owner::Nobody, "{length} digits");
        }
        assert_eq!(owner(&format!("{whole}0")), Owner::Nobody);
        assert_eq!(owner(&whole.to_uppercase()), Owner::Nobody);
    }

    #[test]
    fn a_session_of_a_fallback_secret_moves_to_the_current_one() {
        let mut session = signed_in(&rules("old"), &user("7"));
        let fallbacks = vec![SecretKey::insecure_new("old").unwrap()];
        let rotated = AuthRules::new(&secrets("new").with_fallbacks(fallbacks), Relogin::KeepsKey);
        assert_eq!(rotated.verify(&mut session, Some(&user("7"))), Owner::User);
        assert_eq!(session.key(), None, "it is to get a new key");
        assert_eq!(
            rules("new").verify(&mut kept(&session), Some(&user("7"))),
            Owner::User
        );
    }

    #[test]
    fn signing_in_again_keeps_or_renews_the_key_and_never_another_s_data() {
        let again = |relogin, id: &str| {
            let rules = AuthRules::new(&secrets("k"), relogin);
            let mut session = signed_in(&rules, &user("7"));
            rules.login(&mut session, &user(id), NOW);
            (session.key().is_some(), session.contains("cart"))
        };
        assert_eq!(again(Relogin::KeepsKey, "7"), (true, true));
        assert_eq!(again(Relogin::RenewsKey, "7"), (false, true));
        assert_eq!(again(Relogin::KeepsKey, "8"), (false, false));
    }

    #[test]
    fn sessions_of_unknown_backends_and_odd_ids_belong_to_nobody() {
        let rules = rules("k");
        let claimed = |json: &str| {
            let codec = Codec::new(&secrets("k"), Codec::DJANGO_SALT, Compression::Never);
            let stored = Stored::signed(codec.encode(json, NOW), NOW);
            rules.claimed_user(&SessionState::from_stored(
                SessionKey::parse("abcdefgh").unwrap(),
                stored,
                &codec,
            ))
        };
        let backend = AuthRules::MODEL_BACKEND;
        assert_eq!(
            claimed(&format!(
                r#"{{"_auth_user_id":"7","_auth_user_backend":"{backend}"}}"#
            ))
            .as_deref(),
            Some("7")
        );
        assert_eq!(
            claimed(&format!(
                r#"{{"_auth_user_id":7,"_auth_user_backend":"{backend}"}}"#
            ))
            .as_deref(),
            Some("7")
        );
        assert_eq!(
            claimed(r#"{"_auth_user_id":"7","_auth_user_backend":"x.Other"}"#),
            None
        );
        assert_eq!(claimed(r#"{"_auth_user_id":"7"}"#), None);
        assert_eq!(
            claimed(&format!(
                r#"{{"_auth_user_id":[7],"_auth_user_backend":"{backend}"}}"#
            )),
            None
        );
    }

    #[test]
    fn a_changed_password_keeps_this_session_only() {
        let rules = rules("k");
        let mut session = signed_in(&rules, &user("7"));
        let changed = User {
            password: "pbkdf2_sha256$1$s$other".into(),
            ..user("7")
        };
        rules.update_session_auth_hash(&mut session, &changed);
        assert_eq!(session.key(), None);
        assert_eq!(
            rules.verify(&mut kept(&session), Some(&changed)),
            Owner::User
        );
    }

    #[test]
    fn another_user_s_changed_password_leaves_this_session_its_own_hash() {
        let rules = rules("k");
        let changed = User {
            password: "pbkdf2_sha256$1$s$other".into(),
            ..user("8")
        };
        let mut session = signed_in(&rules, &user("7"));
        rules.update_session_auth_hash(&mut session, &changed);
        assert_eq!(session.key(), None, "it gets a new key, as in Django");
        assert_eq!(
            rules.verify(&mut kept(&session), Some(&user("7"))),
            Owner::User
        );
        let mut anonymous = SessionState::new();
        rules.update_session_auth_hash(&mut anonymous, &changed);
        assert!(anonymous.data().is_empty());
    }
}
