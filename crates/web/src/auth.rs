//! Who the visitor is, and how visitors become users.

pub(crate) mod attempt;
pub(crate) mod event;
pub(crate) mod everywhere;
mod gate;
mod guard;
mod permissions;
mod required;
mod sessions;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri};
use axum::response::Response;
use cloakroom_core::time::Timestamp;
use http::request::Parts;

pub use event::{AuthEvent, Failure};
pub use guard::{
    Guard, Guarded, permission_required, permissions_required, staff_required, superuser_required,
    user_passes_test,
};
pub use permissions::Permissions;
pub use required::login_required;
pub use sessions::ListedSession;

pub use cloakroom_core::auth::Permissions as Granted;
pub use cloakroom_core::auth::User as UserRow;
pub use cloakroom_core::auth::*;

use crate::csrf;
use crate::error::Error;
use crate::redirect::redirect;
use crate::visit::Visit;

/// The user who is signed in. A handler that takes it runs for nobody else: a browser's page load is sent to
/// the login page, anything else gets 401.
///
/// `Option<User>` runs for everybody, and `Result<Option<User>, cloakroom::Error>` even while the store fails.
/// The columns are those of [`UserRow`], to which this derefs.
#[derive(Clone, PartialEq, Eq)]
pub struct User(Arc<UserRow>);

impl Deref for User {
    type Target = UserRow;

    fn deref(&self) -> &UserRow {
        &self.0
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self(Arc::new(row))
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        required::signed_in(&visit, parts).await
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Error> {
        let visit = Visit::of(parts)?.clone();
        Ok(visit.load_user(&parts.headers).await?.map(Self))
    }
}

/// Signs visitors in and out.
///
/// ```
/// use axum::{Form, response::{IntoResponse, Response}};
/// use cloakroom::{Auth, Error};
///
/// #[derive(serde::Deserialize)]
/// struct SignIn { username: String, password: String }
///
/// async fn sign_in(auth: Auth, Form(form): Form<SignIn>) -> Result<Response, Error> {
///     let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
///         return Ok("Please try again.".into_response());
///     };
///     auth.login(&user)?;
///     Ok(auth.redirect_next("/home/"))
/// }
/// ```
#[derive(Clone)]
pub struct Auth {
    /// Its session is loaded.
    pub(crate) visit: Visit,
    query_next: Option<String>,
    /// The cookie of a browser in which somebody has signed in before.
    device: Option<String>,
}

impl Auth {
    /// The user who is signed in.
    ///
    /// # Errors
    /// The store failed, or the session is closed.
    pub async fn user(&self) -> Result<Option<User>, Error> {
        Ok(self.visit.session_user().await?.map(User))
    }

    /// The active user with this name and password.
    ///
    /// A failure is answered at a fixed time after it began (`LOGIN_FAILURE_SECONDS`), whatever the reason, so that
    /// neither the answer nor the clock tells whether there is such a user. Passwords are verified on threads of their
    /// own, a few at a time, and failures are counted before they are made, by account and by address.
    ///
    /// A user who has a second factor in the tables of allauth or django-otp is not signed in here: a password alone would
    /// be the weaker door.
    ///
    /// # Errors
    /// 403: the user has a second factor ([`ErrorKind::SecondFactor`](crate::ErrorKind)). 429: there were too many failures, until [when](Error::throttled_until) is in the error. 503: the store failed, or
    /// too many passwords wait to be verified; nobody was looked for then.
    pub async fn authenticate(
        &self,
        username: &str,
        password: impl AsRef<[u8]>,
    ) -> Result<Option<User>, Error> {
        let credentials = self.credentials(username, password.as_ref(), false);
        let found = attempt::authenticate(self.visit.site(), credentials).await?;
        Ok(found.map(|row| {
            let user = User::from(row);
            self.visit.state().authenticated = Some((username.to_owned(), user.id.clone()));
            user
        }))
    }

    /// Whether this is the password of a user who is signed in, before something that a session alone must not do. It is
    /// counted and answered as a try to sign in.
    ///
    /// # Errors
    /// As of [`authenticate`](Self::authenticate); a second factor is not asked for again.
    pub async fn check_password(
        &self,
        user: &User,
        password: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let credentials = self.credentials(&user.username, password.as_ref(), true);
        let found = attempt::authenticate(self.visit.site(), credentials).await?;
        Ok(found.is_some_and(|found| found.id == user.id))
    }

    /// The text to keep for a new password (`make_password`), made on the threads that verify passwords.
    ///
    /// # Errors
    /// Too many wait there, the system gives no random numbers, or the preferred hasher cannot take this password.
    pub async fn make_password(&self, password: impl AsRef<[u8]>) -> Result<String, Error> {
        let user = self.visit.state().user.clone().flatten();
        let account = user.as_ref().map_or("", |user| &user.username);
        let address = self.visit.place().client;
        attempt::make_password(self.visit.site(), account, address, password.as_ref()).await
    }

    fn credentials<'a>(
        &'a self,
        username: &'a str,
        password: &'a [u8],
        again: bool,
    ) -> attempt::Credentials<'a> {
        attempt::Credentials {
            username,
            password,
            address: self.visit.place().client,
            device: self.device.as_deref(),
            again,
        }
    }

    /// Signs `user` in: the session gets a new key, forms a new secret, the user a new `last_login`.
    ///
    /// # Errors
    /// The session is closed, or no random number could be drawn.
    pub fn login(&self, user: &User) -> Result<(), Error> {
        let now = self.visit.site().now();
        let rules = &self.visit.site().auth_rules;
        self.visit
            .change_session(|session| rules.login(session, user, now))?;
        csrf::set_owner(&self.visit)?;
        self.remember_browser(user, now)?;
        self.visit.site().tell(&AuthEvent::SignedIn {
            user,
            address: self.visit.place().client,
        });
        let mut state = self.visit.state();
        state.user = Some(Some(Arc::clone(&user.0)));
        state.last_login = Some((user.id.clone(), now));
        Ok(state.csrf.rotate_token()?)
    }

    /// Gives the browser the cookie by which it is known, if this user's password has just been verified.
    fn remember_browser(&self, user: &User, now: Timestamp) -> Result<(), Error> {
        let site = self.visit.site();
        let typed = self.visit.state().authenticated.take();
        let (Some(cookie), Some((typed, _))) =
            (&site.device_cookie, typed.filter(|(_, id)| *id == user.id))
        else {
            return Ok(());
        };
        let value = site.attempts.devices.issue(&typed, user, now)?;
        let age = i64::try_from(Devices::AGE.as_secs()).unwrap_or(i64::MAX);
        let secure = self.visit.secure(site.config.session.cookie.secure);
        let cookie = cookie.as_ref().map_err(Clone::clone)?;
        let cookie = cookie.cookie(&value, Some(age), secure)?;
        self.visit.state().cookies.set(&cookie, now);
        Ok(())
    }

    /// Signs the visitor out: the session ends on the server, and its cookie is deleted.
    ///
    /// # Errors
    /// The session is closed.
    pub fn logout(&self) -> Result<(), Error> {
        self.visit.change_session(AuthRules::logout)?;
        let user = self.visit.state().user.clone().flatten();
        self.visit.site().tell(&AuthEvent::SignedOut {
            user: user.as_deref(),
            address: self.visit.place().client,
        });
        let mut state = self.visit.state();
        state.user = Some(None);
        state.last_login = None;
        Ok(())
    }

    /// Keeps this session through a change of its user's password; the user's other sessions end.
    ///
    /// # Errors
    /// The session is closed.
    pub fn update_session_auth_hash(&self, user: &User) -> Result<(), Error> {
        let rules = &self.visit.site().auth_rules;
        let is_own = self.visit.change_session(|session| {
            rules.update_session_auth_hash(session, user);
            rules.claimed_user(session).as_ref() == Some(&user.id)
        })?;
        // An administrator who changes somebody's password does not become that user.
        if is_own {
            self.visit.state().user = Some(Some(Arc::clone(&user.0)));
        }
        Ok(())
    }

    /// Where the visitor wanted to go before signing in, if that is a page of this site: the field `next` of the
    /// form that was sent, even if it is empty, otherwise the query's.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let form_next = self.visit.state().form_next.clone();
        let next = form_next.or_else(|| self.query_next.clone())?;
        let place = self.visit.place();
        let rule = self.visit.site().config.login.next_rule;
        is_safe_next(&next, &[&place.host], place.secure, rule).then_some(next)
    }

    /// A redirect to [`next`](Self::next), or else to `default`.
    #[must_use]
    pub fn redirect_next(&self, default: &str) -> Response {
        redirect(self.next().as_deref().unwrap_or(default))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        visit.load_session(&parts.headers).await?;
        let query_next = original_uri(parts).query().and_then(|query| {
            let fields = form_urlencoded::parse(query.as_bytes());
            fields
                .filter(|(name, _)| name == REDIRECT_FIELD_NAME)
                .last()
                .map(|(_, value)| value.into_owned())
        });
        let device = visit.device_cookie(&parts.headers);
        Ok(Self {
            visit,
            query_next,
            device,
        })
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Auth(..)")
    }
}

/// The request's URI as the client sent it: a nested router strips its prefix.
fn original_uri(parts: &Parts) -> &http::Uri {
    parts
        .extensions
        .get::<OriginalUri>()
        .map_or(&parts.uri, |original| &original.0)
}
