//! One request's visit: what its extractors have loaded and changed, until the response takes it up.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use cloakroom_core::auth::{AuthRules, Permissions, SessionEntry, User as UserRow};
use cloakroom_core::cookie::{self, ResponseCookies};
use cloakroom_core::csrf::{CsrfCookie, FormFault};
use cloakroom_core::session::{SessionKey, SessionState};
use cloakroom_core::time::Timestamp;
use http::header::{COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::auth::User;
use crate::config::{Duplicates, SecretPlace, Secure};
use crate::error::{Error, json};
use crate::host::Place;
use crate::listed::{Listed, Listing};
use crate::site::{CarriedOut, Sessions, Site};

/// The one thing that the layer puts into a request's extensions. Clones are the same visit.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

struct Inner {
    site: Arc<Site>,
    place: Place,
    /// The layer has taken the request's cookies away, because of a bearer token.
    takes_no_cookies: bool,
    /// Whether the response has anything to take up. Everything else is behind locks that nobody took.
    touched: AtomicBool,
    /// Whether the client asked for JSON: an error is a response by the time that this matters, and the request gone.
    wants_json: OnceLock<bool>,
    /// Held while the session is loaded or committed.
    session_io: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// The id of a user who has signed in, and when.
pub(crate) type LastLogin = (String, Timestamp);

/// What a visit has come to.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) session: Slot,
    /// The browser sent a session cookie, whatever it opens.
    pub(crate) sent_session_cookie: bool,
    /// What the browser calls itself, where sessions are listed.
    pub(crate) user_agent: Option<HeaderValue>,
    /// `None`: nobody asked yet.
    pub(crate) user: Option<Option<Arc<UserRow>>>,
    /// The user whom an access token was taken to speak for.
    pub(crate) bearer: Option<User>,
    /// What a user may do, by the id.
    pub(crate) permissions: Option<(String, Arc<Permissions>)>,
    /// The name and the id of a user whose password has been verified.
    pub(crate) authenticated: Option<(String, String)>,
    /// A login whose time is to be kept.
    pub(crate) last_login: Option<LastLogin>,
    pub(crate) csrf: CsrfCookie,
    pub(crate) cookies: ResponseCookies,
    /// The names of `cookies`, for the log.
    pub(crate) cookie_names: Vec<String>,
    /// A layer of ours has let this request through; another need not look again.
    pub(crate) csrf_checked: bool,
    /// The field `next` of the form that the CSRF check read.
    pub(crate) form_next: Option<String>,
    /// Why the handler could not read the form to its end. Then nothing of what it did counts.
    pub(crate) body_failure: Option<BodyFailure>,
    /// The response depends on the request's cookies.
    pub(crate) reads_cookies: bool,
    /// It depends on the header `Authorization`.
    pub(crate) reads_authorization: bool,
    /// The response is made.
    pub(crate) sealed: bool,
}

/// What went wrong with a form after its handler had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFailure {
    /// What came behind the token.
    Form(FormFault),
    /// What was put aside could not be read back.
    Spool,
}

impl From<BodyFailure> for Error {
    fn from(failure: BodyFailure) -> Self {
        match failure {
            BodyFailure::Form(fault) => Self::csrf(fault.into()),
            // The handler has got the error itself.
            BodyFailure::Spool => Self::spool(std::io::Error::other("it cannot be read back")),
        }
    }
}

/// Where the session is.
#[derive(Default)]
pub(crate) enum Slot {
    /// Nobody asked for it.
    #[default]
    Unloaded,
    /// In the hands of the request.
    Open(SessionState),
    /// With a commit, or committed for good.
    Away,
}

impl Visit {
    pub(crate) fn new(site: Arc<Site>, place: Place, takes_no_cookies: bool) -> Self {
        Self(Arc::new(Inner {
            site,
            place,
            takes_no_cookies,
            touched: AtomicBool::new(false),
            wants_json: OnceLock::new(),
            session_io: tokio::sync::Mutex::const_new(()),
            state: Mutex::default(),
        }))
    }

    /// The visit that the layer began for this request, for an extractor. From here on there may be errors of ours.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, Error> {
        let visit = parts.extensions.get::<Self>().ok_or_else(Error::no_layer)?;
        visit.note_wanted(&parts.headers);
        Ok(visit)
    }

    /// Remembers in which form the client wants errors.
    pub(crate) fn note_wanted(&self, headers: &HeaderMap) {
        self.0.wants_json.get_or_init(|| json::is_wanted(headers));
    }

    /// Whether the client wants errors as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.0.wants_json.get().copied().unwrap_or(false)
    }

    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.0.site
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    /// Whether cookies, had there been any, were taken away for a bearer token.
    pub(crate) fn takes_no_cookies(&self) -> bool {
        self.0.takes_no_cookies
    }

    /// Whether any extractor ran.
    pub(crate) fn is_touched(&self) -> bool {
        self.0.touched.load(Ordering::Acquire)
    }

    /// The state, for a moment; never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.touched.store(true, Ordering::Release);
        // A panic in user code between two calls leaves nothing half done here.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the session unless it is loaded, by one read.
    pub(crate) async fn load_session(&self, headers: &HeaderMap) -> Result<(), Error> {
        let _io = self.0.session_io.lock().await;
        {
            let mut state = self.state();
            if !matches!(state.session, Slot::Unloaded) {
                return Ok(());
            }
            if state.sealed {
                return Err(Error::closed());
            }
            state.reads_cookies = true;
        }
        let site = self.site();
        let cookie = self.session_cookie(headers);
        let sent = cookie.is_some();
        let session = match (cookie, &site.sessions) {
            (None, _) => SessionState::new(),
            (Some(value), Sessions::SignedCookie(engine)) => engine.read(&value, site.now()),
            (Some(value), Sessions::RevocableCookie(cookies)) => {
                cookies.load(&value, site.now()).await?
            }
            (Some(value), Sessions::Store(store)) => match SessionKey::parse(&value) {
                None => SessionState::new(),
                Some(key) => match store.load(&key, site.now()).await? {
                    None => SessionState::new(),
                    Some(stored) => SessionState::from_stored(key, stored, &site.save_rules.codec),
                },
            },
        };
        if session.is_unreadable() {
            tracing::warn!(
                "a session record cannot be read with this SECRET_KEY and is left as it is"
            );
        }
        let mut state = self.state();
        state.session = Slot::Open(session);
        state.sent_session_cookie = sent;
        if site.listed.is_some() {
            state.user_agent = headers.get(USER_AGENT).cloned();
        }
        Ok(())
    }

    /// Loads the session of a site that saves it with every response, whether or not the page looks at it. A page
    /// that does not must not fail because the store does.
    pub(crate) async fn load_to_save(&self, headers: &HeaderMap) {
        if self.session_cookie(headers).is_none() {
            return;
        }
        if let Err(error) = self.load_session(headers).await {
            tracing::warn!(%error, "a session is not saved, because it could not be loaded");
        }
    }

    /// The session cookie's value, by the site's rule for duplicates.
    fn session_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<Cow<'a, str>> {
        let config = &self.site().config.session;
        let mut found = find_cookies(headers, &config.cookie.name);
        let last = found.next();
        if config.duplicates == Duplicates::Anonymous && found.next().is_some() {
            tracing::warn!("a request with more than one session cookie is anonymous");
            return None;
        }
        last
    }

    /// The cookie by which a browser is known in which somebody has signed in before.
    pub(crate) fn device_cookie(&self, headers: &HeaderMap) -> Option<String> {
        let cookie = self.site().config.login.device_cookie.as_ref()?;
        find_cookie(headers, &cookie.name).map(Cow::into_owned)
    }

    /// Looks at the open session, unless the response is made.
    pub(crate) fn with_session<T>(
        &self,
        action: impl FnOnce(&SessionState) -> T,
    ) -> Result<T, Error> {
        self.open_session(|session| action(session))
    }

    /// Changes the open session, unless the response is made or the site may only look.
    pub(crate) fn change_session<T>(
        &self,
        action: impl FnOnce(&mut SessionState) -> T,
    ) -> Result<T, Error> {
        if self.site().guard_only {
            return Err(Error::guard_only());
        }
        self.open_session(action)
    }

    /// Both under one lock: what was let through is part of the response.
    fn open_session<T>(&self, action: impl FnOnce(&mut SessionState) -> T) -> Result<T, Error> {
        match &mut *self.state() {
            State {
                session: Slot::Open(session),
                sealed: false,
                ..
            } => Ok(action(session)),
            _ => Err(Error::closed()),
        }
    }

    /// The user whom the session belongs to, by at most one read of the session and one of the user.
    pub(crate) async fn load_user(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<UserRow>>, Error> {
        self.load_session(headers).await?;
        self.session_user().await
    }

    /// The user whom the session that is loaded belongs to, by at most one read.
    pub(crate) async fn session_user(&self) -> Result<Option<Arc<UserRow>>, Error> {
        if let Some(known) = &self.state().user {
            return Ok(known.clone());
        }
        let rules = &self.site().auth_rules;
        let claimed = self.with_session(|session| rules.claimed_user(session))?;
        let found = match claimed {
            None => None,
            Some(id) => self.site().users.by_id(&id).await?,
        };
        let mut state = self.state();
        // A login meanwhile knows better.
        if let Some(known) = &state.user {
            return Ok(known.clone());
        }
        let Slot::Open(session) = &mut state.session else {
            return Err(Error::closed());
        };
        let owner = if self.site().guard_only {
            rules.verify_only(session, found.as_ref())
        } else {
            rules.verify(session, found.as_ref())
        };
        let user = found
            .filter(|_| owner == cloakroom_core::auth::Owner::User)
            .map(Arc::new);
        if let (Some(listed), Some(_), Some(key)) = (&self.site().listed, &user, session.key()) {
            listed.note(key, self.site().now());
        }
        state.user = Some(user.clone());
        Ok(user)
    }

    /// Takes up the CSRF secret of the session, which is loaded.
    pub(crate) fn read_csrf_secret(&self) -> Result<(), Error> {
        match &mut *self.state() {
            State {
                session: Slot::Open(session),
                csrf,
                sealed: false,
                ..
            } => Ok(csrf.process_request_in_session(session)?),
            _ => Err(Error::closed()),
        }
    }

    /// Puts the CSRF secret into the session, where the site keeps it there and a page has shown it. Django does so at
    /// the end of the request; here it is part of an early save too.
    pub(crate) fn keep_csrf_secret(&self, state: &mut State) {
        let State {
            session: Slot::Open(session),
            csrf,
            ..
        } = state
        else {
            return;
        };
        if self.site().config.csrf.secret == SecretPlace::Session && !self.site().guard_only {
            csrf.process_response_in_session(session);
        }
    }

    /// What ties tokens to the login of the session, if it is loaded and this user's.
    pub(crate) fn token_login(&self, user: &UserRow) -> Result<Option<String>, Error> {
        if matches!(self.state().session, Slot::Unloaded) {
            return Ok(None);
        }
        let rules = &self.site().auth_rules;
        Ok(self.change_session(|session| rules.token_login(session, user))??)
    }

    /// The open session and the login whose time is to be kept, for a commit.
    fn take_session(&self) -> Result<(SessionState, Option<LastLogin>), Error> {
        let mut state = self.state();
        self.keep_csrf_secret(&mut state);
        let last_login = state.last_login.take();
        match std::mem::replace(&mut state.session, Slot::Away) {
            Slot::Open(session) => Ok((session, last_login)),
            Slot::Unloaded | Slot::Away => Err(Error::closed()),
        }
    }

    /// Commits the session in a task of its own, which a client who hangs up does not cancel.
    ///
    /// `last` seals it: it is not opened again. A session that a cookie keeps is written with the response only.
    pub(crate) async fn commit(&self, last: bool) -> Result<CarriedOut, Error> {
        let mut commit = Box::pin(self.clone().carry_out(last));
        // Nobody can hang up on a commit that waits for nothing, so it needs no task.
        let first = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await;
        if let Poll::Ready(result) = first {
            return result;
        }
        match tokio::spawn(commit).await {
            Ok(result) => result,
            // Only a panic ends the task, and none of its parts may panic.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// What a commit does. It is small: what does not fit a kilobyte takes the allocator's slow way, which would be a
    /// twentieth of a request.
    async fn carry_out(self, last: bool) -> Result<CarriedOut, Error> {
        let _io = self.0.session_io.lock().await;
        let site = self.site();
        if let Some(failure) = self.state().body_failure {
            return Err(failure.into());
        }
        if site.guard_only {
            return Err(Error::guard_only());
        }
        if !last && !matches!(site.sessions, Sessions::Store(_)) {
            return Ok(CarriedOut::Nothing);
        }
        let (mut session, mut last_login) = self.take_session()?;
        let admitted = site.admit(&session, self.place().client, site.now());
        // Before the session says that its user is signed in: reset links end by this time.
        let dated = match (admitted, &last_login) {
            (Ok(()), Some((id, at))) => {
                let dated = site.users.set_last_login(id, *at).await;
                dated.map(drop).map_err(Error::from)
            }
            (admitted, _) => admitted,
        };
        // Before the session too: who is told that the logout failed can ask for it again.
        let ended = match (dated, session.ended_login()) {
            (Ok(()), Some(login)) => Box::pin(site.end_tokens(login)).await,
            (dated, _) => dated,
        };
        let committed = match ended {
            Ok(()) => {
                let signs_in = last_login.take().is_some();
                match site
                    .listed
                    .as_ref()
                    .filter(|_| signs_in || session.key().is_none())
                {
                    None => site.carry_out(&mut session).await.map_err(Error::from),
                    Some(listed) => {
                        Box::pin(self.carry_out_listed(listed, &mut session, signs_in)).await
                    }
                }
            }
            Err(error) => Err(error),
        };
        if !last {
            // After an error too: the response's own commit finds out that this is still to be done.
            let mut state = self.state();
            state.session = Slot::Open(session);
            state.last_login = state.last_login.take().or(last_login);
        }
        committed
    }

    /// Carries out what begins, moves or ends a session, and has the list know of it before.
    async fn carry_out_listed(
        &self,
        listed: &Listed,
        session: &mut SessionState,
        signs_in: bool,
    ) -> Result<CarriedOut, Error> {
        let site = self.site();
        let Sessions::Store(store) = &site.sessions else {
            return Err(Error::no_session_list());
        };
        let list = &*listed.list;
        let before = session.record_key().cloned();
        let entry = match AuthRules::signed_in_user(session) {
            None => None,
            Some(user) => {
                let stand_in = match &before {
                    Some(key) => key.clone(),
                    None => SessionKey::generate()?,
                };
                let mut entry = self.session_entry(&user, stand_in)?;
                // Under another key it is the same session.
                let renewed = match &before {
                    Some(key) => list.by_key(&user, key).await?,
                    None => None,
                };
                if let Some(renewed) = renewed {
                    entry.id = renewed.id;
                    if !signs_in {
                        entry.created = renewed.created;
                    }
                }
                Some(entry)
            }
        };
        let listing = Listing {
            store: &**store,
            list,
            entry,
            signs_in,
        };
        let committed = session.commit(&listing, &site.save_rules, site.now());
        Ok(CarriedOut::InStore(committed.await?))
    }

    /// A session of this request's browser, to be listed.
    pub(crate) fn session_entry(
        &self,
        user_id: &str,
        key: SessionKey,
    ) -> Result<SessionEntry, Error> {
        let browser = self.state().user_agent.clone();
        let browser = browser.as_ref().map_or(&[][..], HeaderValue::as_bytes);
        let (now, address) = (self.site().now(), self.place().client);
        Ok(SessionEntry::new(user_id, key, now, address, browser)?)
    }

    /// Whether a cookie of this response is for https only.
    pub(crate) fn secure(&self, setting: Secure) -> bool {
        match setting {
            Secure::Always => true,
            Secure::Never => false,
            Secure::UnlessLocal => {
                if self.place().local {
                    self.site().warn_once_of_insecure_cookies();
                }
                !self.place().local
            }
        }
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Visit(..)")
    }
}

/// The last cookie of this name in all of the request's `Cookie` headers.
pub(crate) fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    find_cookies(headers, name).next()
}

/// All cookies of this name, the last one first.
fn find_cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    let headers = headers.get_all(COOKIE).iter().rev();
    headers.flat_map(move |header| cookie::find_all(header.as_bytes(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_fits_what_the_allocator_has_at_hand() {
        fn size<F: Future>(_: impl FnOnce(Visit, bool) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(Visit::carry_out) <= 1024, "{}", size(Visit::carry_out));
    }
}
