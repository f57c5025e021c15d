//! How a session comes to belong to a user and stops doing so (`login`, `logout` and `get_user` of
//! `django.contrib.auth`).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::jwt::JwtRules;
use super::user::User;
use crate::random::RandomError;
use crate::secret::{self, Secrets};
use crate::session::{SIGNED_IN_AT_NAME, SessionState, TOKEN_LOGIN_NAME, USER_ID_NAME};
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
    hash_columns: Arc<[String]>,
    hash_separator: Arc<str>,
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

/// What a session's hash says of a user.
#[derive(Clone, Copy)]
enum Judged {
    /// It is of the current secret.
    Current,
    /// It is of a fallback secret.
    Fallback,
    /// It is of another password, or there is none.
    Invalid,
    /// The user is not there, or may not be let in.
    Nobody,
}

impl AuthRules {
    /// The backend that Django's own login writes.
    pub const MODEL_BACKEND: &str = "django.contrib.auth.backends.ModelBackend";
    /// Django's backend that lets users in who are not active.
    pub const ALLOW_ALL_USERS_BACKEND: &str =
        "django.contrib.auth.backends.AllowAllUsersModelBackend";
    /// The same for users whom a proxy has authenticated. No password is checked by it.
    const ALLOW_ALL_REMOTE_USERS_BACKEND: &str =
        "django.contrib.auth.backends.AllowAllUsersRemoteUserBackend";
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
            hash_columns: [].into(),
            hash_separator: "".into(),
            relogin,
            dates_login: false,
        }
    }

    /// `AUTHENTICATION_BACKENDS`: a session of another backend belongs to nobody. The first one is written, or for a
    /// user who is not active the one that lets such users in.
    ///
    /// What a backend of the site's own does is not known here: its sessions are those of active users.
    #[must_use]
    pub fn with_backends(mut self, backends: Vec<String>) -> Self {
        if !backends.is_empty() {
            self.backends = backends.into();
        }
        self
    }

    /// Ties sessions to more than the password: the texts of these columns follow it, each behind `separator`, in what
    /// is hashed. For sites that override `get_session_auth_hash`; the same in Python stands in `docs/django.md`.
    ///
    /// The store must read these columns ([`User::columns`]). A user without one of them owns no session.
    #[must_use]
    pub fn with_hash_columns(mut self, columns: Vec<String>, separator: &str) -> Self {
        self.hash_columns = columns.into();
        self.hash_separator = separator.into();
        self
    }

    /// Also keeps in the session when its user signed in, for a limit on its whole life and for what asks for a recent
    /// password. Django does not know that name: it keeps it, and its own logins do not date themselves.
    #[must_use]
    pub const fn dating_logins(mut self) -> Self {
        self.dates_login = true;
        self
    }

    /// What ties a session to its user's password: 64 hexadecimal digits (`get_session_auth_hash`).
    #[must_use]
    pub fn session_auth_hash(&self, user: &User) -> String {
        self.hashers[0].hex(self.hashed(user).as_bytes())
    }

    /// Whether somebody with this user's password may be signed in (`user_can_authenticate`): an active user, and any
    /// other only where the site has [`AllowAllUsersModelBackend`](Self::ALLOW_ALL_USERS_BACKEND).
    #[must_use]
    pub fn may_authenticate(&self, user: &User) -> bool {
        user.is_active || self.has_backend(Self::ALLOW_ALL_USERS_BACKEND)
    }

    /// The backend that stands in a session of this user's: the first one that lets them in.
    fn backend_of(&self, user: &User) -> &str {
        if !user.is_active && self.has_backend(Self::ALLOW_ALL_USERS_BACKEND) {
            Self::ALLOW_ALL_USERS_BACKEND
        } else {
            &self.backends[0]
        }
    }

    fn has_backend(&self, wanted: &str) -> bool {
        self.backends.iter().any(|backend| backend == wanted)
    }

    /// What a session's hash is made of.
    fn hashed<'a>(&self, user: &'a User) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(user.password.as_str());
        for column in &*self.hash_columns {
            let text = text.to_mut();
            text.push_str(&self.hash_separator);
            text.push_str(&user.columns.text(column).unwrap_or_default());
        }
        text
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
        session.set_text(BACKEND_NAME, self.backend_of(user));
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

    /// The primary key of the user who has signed in to this session, by whatever backend, here or at a Django.
    #[must_use]
    pub fn signed_in_user(session: &SessionState) -> Option<String> {
        stored_text(session, USER_ID_NAME)
    }

    /// When its user gave the password, where [logins are dated](Self::dating_logins). A session that a Django has made
    /// does not say.
    #[must_use]
    pub fn signed_in_at(session: &SessionState) -> Option<Timestamp> {
        let seconds: i64 = session.get(SIGNED_IN_AT_NAME).ok()??;
        Some(Timestamp::from_unix_seconds(seconds))
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

    /// What ties tokens to this session's login, so that they [end](super::TokenFamilies::end_login) with it; `None` if
    /// the session is not this user's. A session that has handed out none gets it now.
    ///
    /// # Errors
    /// No random number could be drawn.
    pub fn token_login(
        &self,
        session: &mut SessionState,
        user: &User,
    ) -> Result<Option<String>, RandomError> {
        if self.claimed_user(session).as_ref() != Some(&user.id) {
            return Ok(None);
        }
        if let Some(login) = session.token_login() {
            return Ok(Some(login));
        }
        let login = JwtRules::draw_id()?;
        session.set_text(TOKEN_LOGIN_NAME, &login);
        Ok(Some(login))
    }

    /// Decides whether the session belongs to `user`, whom a store found under the claimed key.
    ///
    /// An unknown user owns nothing and the session stays as it is; nor does one who is not active, unless the session
    /// is of a backend that lets such users in. A session made under another
    /// password ends. One made under a fallback secret gets a new key and the hash of the current secret.
    pub fn verify(&self, session: &mut SessionState, user: Option<&User>) -> Owner {
        match (self.judge(session, user), user) {
            (Judged::Current, _) => Owner::User,
            (Judged::Fallback, Some(user)) => {
                session.upgrade_key(HASH_NAME, &self.session_auth_hash(user));
                Owner::User
            }
            (Judged::Invalid, _) => {
                session.drop_invalid();
                Owner::Nobody
            }
            (Judged::Fallback | Judged::Nobody, _) => Owner::Nobody,
        }
    }

    /// The same for whoever may write nothing: what [`verify`](Self::verify) would end or renew is for others to end and to
    /// renew. Nothing of a session that would end is to be seen any more.
    pub fn verify_only(&self, session: &mut SessionState, user: Option<&User>) -> Owner {
        match self.judge(session, user) {
            Judged::Current | Judged::Fallback => Owner::User,
            Judged::Invalid => {
                *session = SessionState::new();
                Owner::Nobody
            }
            Judged::Nobody => Owner::Nobody,
        }
    }

    fn judge(&self, session: &SessionState, user: Option<&User>) -> Judged {
        let lets_in = |user: &&User| user.is_active || Self::lets_inactive_in(session);
        let Some(user) = user.filter(lets_in) else {
            return Judged::Nobody;
        };
        // What cannot be compared does not count as equal.
        if self.hash_columns.iter().any(|name| !user.columns.has(name)) {
            return Judged::Nobody;
        }
        let stored = stored_text(session, HASH_NAME);
        let hashed = self.hashed(user);
        let hash = |hasher: &SaltedHmac| hasher.hex(hashed.as_bytes());
        match self
            .hashers
            .iter()
            .position(|hasher| same(&hash(hasher), stored.as_deref()))
        {
            Some(0) => Judged::Current,
            Some(_) => Judged::Fallback,
            None => Judged::Invalid,
        }
    }

    fn lets_inactive_in(session: &SessionState) -> bool {
        let backend = stored_text(session, BACKEND_NAME);
        backend.is_some_and(|backend| {
            [
                Self::ALLOW_ALL_USERS_BACKEND,
                Self::ALLOW_ALL_REMOTE_USERS_BACKEND,
            ]
            .contains(&backend.as_str())
        })
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
mod tests;
