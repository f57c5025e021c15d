//! A site put together: its settings, its stores, and what is prepared from them once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_core::auth::{
    AuthRules, Devices, JwtRules, SessionList, Throttle, TicketRules, TokenFamilies, UserStore,
};
use cloakroom_core::cookie::{PreparedCookie, SignedCookies};
use cloakroom_core::csrf::SecretBinding;
use cloakroom_core::session::{
    Codec, CommitError, Committed, ResponseRules, RevocableCookies, Revocations, SaveRules,
    SessionState, SignedCookieEngine, Store, WrittenCookie,
};
use cloakroom_core::time::Timestamp;
use http::Extensions;

use crate::auth::attempt::Attempts;
use crate::auth::event::{self, AuthEvent, Listener};
use crate::clock::Clock;
use crate::config::{Config, CookieConfig, InvalidCookie, SecretPlace};
use crate::csrf::SpoolQuota;
use crate::error::Error;
use crate::layer::CloakroomLayer;
use crate::listed::Listed;
use crate::newcomers::Newcomers;
#[cfg(feature = "templates")]
use crate::templates::Templates;
use crate::tokens::Tokens;

/// A site's sessions, users and rules. Make it once; clones are the same site.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::{Cloakroom, Config, Session};
/// use cloakroom::secret::{SecretKey, Secrets};
/// use cloakroom::session::MemoryStore;
/// # use cloakroom::auth::UserStore;
///
/// async fn index(session: Session) -> Result<String, cloakroom::Error> {
///     Ok(format!("visit {}", session.add("visits", 1)?))
/// }
///
/// # fn app(users: impl UserStore + 'static) -> Result<Router, cloakroom::secret::SecretError> {
/// let key = SecretKey::new("fifty random characters that nobody else knows, say")?;
/// let cloakroom = Cloakroom::new(Config::strict(Secrets::new(key)), MemoryStore::new(10_000), users);
/// let app = Router::new().route("/", get(index)).layer(cloakroom.layer());
/// # Ok(app) }
/// ```
#[derive(Clone, Debug)]
pub struct Cloakroom(pub(crate) Arc<Site>);

impl Cloakroom {
    /// A site whose sessions are kept in a store.
    #[must_use]
    pub fn new(
        config: Config,
        sessions: impl Store + 'static,
        users: impl UserStore + 'static,
    ) -> Self {
        Self::with_stores(config, Arc::new(sessions), Arc::new(users))
    }

    /// The same with stores that are chosen when the program runs.
    #[must_use]
    pub fn with_stores(
        config: Config,
        sessions: Arc<dyn Store>,
        users: Arc<dyn UserStore>,
    ) -> Self {
        let shared = Arc::clone(&sessions);
        Self::put_together(config, Sessions::Store(sessions), users, Some(shared))
    }

    /// A site whose sessions are kept in the browsers' own signed cookies, as by Django's `signed_cookies`.
    ///
    /// # Security
    /// A copy of the cookie taken before a logout is valid until it is `SESSION_COOKIE_AGE` old. See
    /// [`with_revocable_cookies`](Self::with_revocable_cookies).
    #[must_use]
    pub fn with_signed_cookies(config: Config, users: Arc<dyn UserStore>) -> Self {
        let engine = SignedCookieEngine::new(&config.secrets, config.session.lifetime);
        Self::put_together(config, Sessions::SignedCookie(engine), users, None)
    }

    /// The same, with a list of the sessions that have ended, so that a logout holds for all copies of the cookie.
    ///
    /// `ended` keeps the list: one small record for each session that has ended, for as long as one of its cookies
    /// could be valid. Whoever clears expired sessions there clears the list. What it costs, and what it does not
    /// cover, stands at [`RevocableCookies`].
    #[must_use]
    pub fn with_revocable_cookies(
        config: Config,
        ended: Arc<dyn Store>,
        users: Arc<dyn UserStore>,
    ) -> Self {
        let lifetime = config.session.lifetime;
        let engine = SignedCookieEngine::new(&config.secrets, lifetime);
        let codec = codec(&config);
        let shared = Arc::clone(&ended);
        let ended = Revocations::new(ended, &config.secrets, codec, lifetime.age);
        let cookies = Box::new(RevocableCookies::new(engine, ended));
        Self::put_together(
            config,
            Sessions::RevocableCookie(cookies),
            users,
            Some(shared),
        )
    }

    /// `shared` is where servers together count failed logins, and remember tokens.
    fn put_together(
        config: Config,
        sessions: Sessions,
        users: Arc<dyn UserStore>,
        shared: Option<Arc<dyn Store>>,
    ) -> Self {
        let session = &config.session;
        let save_rules = SaveRules {
            codec: codec(&config),
            lifetime: session.lifetime,
            guarded_names: session.guarded_names.clone(),
            save_every_request: session.save_every_request,
            key_length: session.key_length,
        };
        let auth_rules = AuthRules::new(&config.secrets, config.login.relogin)
            .with_backends(config.login.backends.clone())
            .with_hash_columns(
                config.login.hash_columns.clone(),
                &config.login.hash_separator,
            );
        let auth_rules = if session.lifetime.absolute.is_some() {
            auth_rules.dating_logins()
        } else {
            auth_rules
        };
        let signed_cookies = SignedCookies::new(&config.secrets, config.django_version);
        let signed_cookies = match config.accepts_legacy_signed_cookies {
            None => signed_cookies,
            Some(accepts) => signed_cookies.legacy_salt_fallback(accepts),
        };
        let response_rules = ResponseRules {
            save_every_request: session.save_every_request,
            deletes_dead_cookie: session.deletes_dead_cookie,
        };
        let remembered = shared
            .as_ref()
            .map(|store| Remembered::new(Arc::clone(store), &config));
        let throttle = config.login.throttle.map(|limits| {
            let throttle = Throttle::new(&config.secrets, limits);
            match shared {
                Some(store) => throttle.shared_by(store, &config.secrets),
                None => throttle,
            }
        });
        let devices = Devices::new(&config.secrets);
        Self(Arc::new(Site {
            sessions,
            users,
            save_rules,
            response_rules,
            auth_rules,
            signed_cookies,
            session_cookie: config.session.cookie.checked(),
            csrf_cookie: config.csrf.cookie.checked(),
            csrf_binding: (config.csrf.secret == SecretPlace::CookieOfLogin)
                .then(|| SecretBinding::new(&config.secrets)),
            device_cookie: config
                .login
                .device_cookie
                .as_ref()
                .map(CookieConfig::checked),
            attempts: Attempts::new(&config.login, devices, throttle),
            listener: None,
            clock: Clock::default(),
            #[cfg(feature = "pages")]
            reset_tokens: config.reset_tokens(),
            #[cfg(feature = "mail")]
            mailer: None,
            #[cfg(feature = "pages")]
            letters: Arc::new(tokio::sync::Semaphore::new(MOST_LETTERS)),
            login_required_everywhere: false,
            guard_only: false,
            spool: SpoolQuota::new(config.csrf.spool_quota),
            newcomers: config.session.anonymous_per_hour.map(Newcomers::new),
            jwt: config.jwt.rules(&config.secrets),
            remembered,
            listed: None,
            warned: AtomicBool::new(false),
            extensions: roomy_extensions(),
            #[cfg(feature = "templates")]
            templates: None,
            config,
        }))
    }

    /// The same site with templates, of which its handlers make their pages by [`Page`](crate::Page).
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would have none.
    #[cfg(feature = "templates")]
    #[must_use]
    pub fn with_templates(mut self, templates: Templates) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("templates are given before the site is cloned or its layer made");
        site.templates = Some(templates);
        self
    }

    /// The same site with somebody who takes letters to its users, such as links for new passwords.
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would have none.
    #[cfg(feature = "mail")]
    #[must_use]
    pub fn with_mailer(mut self, mailer: Arc<dyn crate::mail::Mailer>) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("a mailer is given before the site is cloned or its layer made");
        site.mailer = Some(mailer);
        self
    }

    /// The same site with somebody who is told of logins, logouts and tries that fail: what signals are for in Django.
    ///
    /// He is called within the request and should be quick about it. The log is told in any case.
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would have none.
    #[must_use]
    pub fn on_auth_event(
        mut self,
        listener: impl Fn(&AuthEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("a listener is given before the site is cloned or its layer made");
        site.listener = Some(Listener(Arc::new(listener)));
        self
    }

    /// The same site with another clock than the system's: for tests, which have sessions expire and links grow old
    /// without waiting. `cloakroom-testing` has one that can be moved (`TestClock`).
    ///
    /// Whatever the site decides by the time of day it decides by this clock. How long a call may take, and when a failure
    /// is answered, is no time of day.
    ///
    /// # Security
    /// What has ended is good again for a clock that goes back.
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would go by the system's.
    #[must_use]
    pub fn with_clock(mut self, read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("a clock is given before the site is cloned or its layer made");
        site.clock = Clock::new(read);
        self
    }

    /// The same site whose pages are all for users, but those in a layer that is
    /// [`login_not_required`](CloakroomLayer::login_not_required): Django's `LoginRequiredMiddleware`.
    ///
    /// The login page has to be one of those, and whatever asks for something else than a session. An address without a
    /// route is 404 for strangers; so are nested services and fallbacks, which have no path of their own.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    ///
    /// # async fn login() {}
    /// # async fn home() {}
    /// # fn app(cloakroom: cloakroom::Cloakroom) -> Router {
    /// let cloakroom = cloakroom.login_required_everywhere();
    /// let public = Router::new()
    ///     .route("/login/", get(login).post(login))
    ///     .layer(cloakroom.layer().login_not_required());
    /// let app = Router::new().route("/home/", get(home)).layer(cloakroom.layer()).merge(public);
    /// # app }
    /// ```
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would let everybody in.
    #[must_use]
    pub fn login_required_everywhere(mut self) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("this is said before the site is cloned or its layer made");
        site.login_required_everywhere = true;
        self
    }

    /// The same site, which only looks: it knows who is signed in and what they may do, and writes nothing at all. A role of
    /// the database that may read is enough.
    ///
    /// The first step beside a Django that keeps its own login. A session that Django would end or renew because of its
    /// hash belongs to nobody, or to its user, and stays as it is. No session cookie is set or deleted, and nothing is counted
    /// or remembered. What changes a session, or signs somebody in or out, is an error (500) whose line in the log names this mode.
    /// Forms are checked as ever; their cookie `csrftoken` is set for a browser that has none.
    ///
    /// ```
    /// # use cloakroom::{Cloakroom, Config};
    /// # use cloakroom::{auth::UserStore, session::Store};
    /// # fn site(config: Config, sessions: impl Store + 'static, users: impl UserStore + 'static) -> Cloakroom {
    /// Cloakroom::new(config, sessions, users).guard_only()
    /// # }
    /// ```
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would write.
    #[must_use]
    pub fn guard_only(mut self) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("this is said before the site is cloned or its layer made");
        site.guard_only = true;
        site.config.session.save_every_request = false;
        site.remembered = None;
        self
    }

    /// The same site with a store for what it remembers of refresh tokens and tickets. One whose sessions are kept in a
    /// store has that already.
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would have none.
    #[must_use]
    pub fn with_token_store(mut self, store: Arc<dyn Store>) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("the store is given before the site is cloned or its layer made");
        site.remembered = Some(Remembered::new(store, &site.config));
        self
    }

    /// The same site with a list of its users' sessions, which they can see and end:
    /// [`Auth::sessions`](crate::Auth::sessions). The stores of SQL databases keep one once `make_session_list` has made its
    /// table, or where allauth has; the sessions themselves may be in another store.
    ///
    /// A login is listed before it is acknowledged: while the list does not answer, nobody can sign in (503). Logins are
    /// dated in their sessions.
    ///
    /// # Panics
    /// There is a clone or a layer of the site already, which would have none; or the sessions are in cookies, which nobody
    /// can end from elsewhere.
    #[must_use]
    pub fn with_session_list(mut self, list: Arc<dyn SessionList>) -> Self {
        let site = Arc::get_mut(&mut self.0);
        let site = site.expect("the list is given before the site is cloned or its layer made");
        assert!(
            matches!(site.sessions, Sessions::Store(_)),
            "sessions that are kept in cookies cannot be listed"
        );
        site.listed = Some(Listed::new(list));
        site.auth_rules = site.auth_rules.clone().dating_logins();
        self
    }

    /// The site's tokens, for what is no request. Handlers take [`Tokens`] as an extractor.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens::of(&self.0)
    }

    /// The layer that gives every route it wraps its sessions and checks its forms.
    ///
    /// It belongs behind the routes (`Router::layer` wraps the routes that are there already). A route added
    /// later has none, and its extractors answer 500 and name this layer.
    ///
    /// Around a whole router it misses no route and not the fallback, and every request costs one boxed future less. What
    /// comes of it is a service, and routes in it cannot be [exempt](CloakroomLayer::csrf_exempt):
    ///
    /// ```
    /// use axum::extract::Request;
    /// use axum::Router;
    /// use tower_layer::Layer as _;
    ///
    /// # fn serve(cloakroom: cloakroom::Cloakroom, router: Router) {
    /// let app = cloakroom.layer().layer(router);
    /// let app = axum::ServiceExt::<Request>::into_make_service(app);
    /// // axum::serve(listener, app).await
    /// # }
    /// ```
    #[must_use]
    pub fn layer(&self) -> CloakroomLayer {
        CloakroomLayer::new(Arc::clone(&self.0))
    }

    /// The site's settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }
}

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) sessions: Sessions,
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) save_rules: SaveRules,
    pub(crate) response_rules: ResponseRules,
    pub(crate) auth_rules: AuthRules,
    pub(crate) signed_cookies: SignedCookies,
    session_cookie: Result<PreparedCookie, InvalidCookie>,
    csrf_cookie: Result<PreparedCookie, InvalidCookie>,
    /// Where CSRF secrets belong to logins.
    pub(crate) csrf_binding: Option<SecretBinding>,
    pub(crate) device_cookie: Option<Result<PreparedCookie, InvalidCookie>>,
    pub(crate) attempts: Attempts,
    #[cfg(feature = "pages")]
    pub(crate) reset_tokens: cloakroom_core::auth::ResetTokens,
    /// Who takes letters to users.
    #[cfg(feature = "mail")]
    pub(crate) mailer: Option<Arc<dyn crate::mail::Mailer>>,
    /// Letters that may be on their way at once.
    #[cfg(feature = "pages")]
    pub(crate) letters: Arc<tokio::sync::Semaphore>,
    /// Who wants to know of logins.
    listener: Option<Listener>,
    clock: Clock,
    /// What its layers ask for unless they say otherwise.
    pub(crate) login_required_everywhere: bool,
    /// It reads and never writes.
    pub(crate) guard_only: bool,
    /// What forms take that wait for their tokens.
    pub(crate) spool: Arc<SpoolQuota>,
    /// The sessions that each address has begun, where there is a limit.
    newcomers: Option<Newcomers>,
    /// How access and refresh tokens are signed and read.
    pub(crate) jwt: JwtRules,
    /// What is kept of tokens; `None` where nothing is kept on the server.
    pub(crate) remembered: Option<Remembered>,
    /// The list of its users' sessions, where it keeps one.
    pub(crate) listed: Option<Listed>,
    warned: AtomicBool,
    /// None, with room for some.
    pub(crate) extensions: Extensions,
    #[cfg(feature = "templates")]
    pub(crate) templates: Option<Templates>,
}

/// What is kept on the server of refresh tokens and tickets.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) families: TokenFamilies,
    pub(crate) tickets: TicketRules,
}

impl Remembered {
    fn new(store: Arc<dyn Store>, config: &Config) -> Self {
        let secrets = &config.secrets;
        let rules = config.jwt.rules(secrets);
        let families = TokenFamilies::new(Arc::clone(&store), secrets, codec(config), rules);
        Self {
            families: if config.jwt.accept_foreign_refresh {
                families.taking_foreign()
            } else {
                families
            },
            tickets: TicketRules::new(store, secrets, codec(config)),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Sessions {
    Store(Arc<dyn Store>),
    SignedCookie(SignedCookieEngine),
    RevocableCookie(Box<RevocableCookies>),
}

/// No extensions, and room for more than three. A request gets three from axum's router, for which the map makes room at
/// first, so that with ours it would grow at once.
fn roomy_extensions() -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(0_u8);
    extensions.insert(0_u16);
    extensions.insert(0_u32);
    extensions.insert(0_u64);
    extensions.clear();
    extensions
}

fn codec(config: &Config) -> Codec {
    let session = &config.session;
    Codec::new(&config.secrets, &session.salt, session.compression)
}

/// Letters on their way at once. One more is dropped: whoever floods a site with requests for links must not make it wait.
#[cfg(feature = "pages")]
const MOST_LETTERS: usize = 64;

/// What became of a session, and so of its cookie.
pub(crate) enum CarriedOut {
    Nothing,
    InStore(Committed),
    InCookie(WrittenCookie),
}

impl Site {
    /// The time by the site's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out what was done to a session.
    pub(crate) async fn carry_out(
        &self,
        session: &mut SessionState,
    ) -> Result<CarriedOut, CommitError> {
        let now = self.now();
        let config = &self.config.session;
        let (name, every) = (&config.cookie.name, config.save_every_request);
        Ok(match &self.sessions {
            Sessions::Store(store) => {
                let committed = session.commit(&**store, &self.save_rules, now).await?;
                CarriedOut::InStore(committed)
            }
            Sessions::SignedCookie(engine) => {
                CarriedOut::InCookie(engine.write(session, name, every, now)?)
            }
            Sessions::RevocableCookie(cookies) => {
                CarriedOut::InCookie(cookies.commit(session, name, every, now).await?)
            }
        })
    }

    /// Ends the tokens that were handed out in a session with this [login](AuthRules::token_login).
    pub(crate) async fn end_tokens(&self, login: &str) -> Result<(), Error> {
        match &self.remembered {
            Some(remembered) => Ok(remembered.families.end_login(login, self.now()).await?),
            None => Ok(()),
        }
    }

    /// Counts the session, if carrying it out begins one that nobody is signed in to. Nothing is begun where browsers
    /// keep everything themselves.
    pub(crate) fn admit(
        &self,
        session: &SessionState,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (Some(newcomers), Some(client)) = (&self.newcomers, client) else {
            return Ok(());
        };
        if matches!(self.sessions, Sessions::SignedCookie(_)) || !session.begins_anonymously() {
            return Ok(());
        }
        newcomers
            .admit(client, now)
            .map_err(Error::too_many_sessions)
    }

    /// Whether a forgotten password can be replaced: by a letter, with a link to where the site is.
    #[cfg(feature = "pages")]
    pub(crate) fn offers_reset(&self) -> bool {
        self.mailer.is_some() && self.config.public_origin.is_some()
    }

    /// Tells the log, and whoever else wants to know.
    pub(crate) fn tell(&self, event: &AuthEvent<'_>) {
        event::log(event);
        if let Some(listener) = &self.listener {
            listener.0(event);
        }
    }

    /// The session cookie without its value; an error if the settings make none.
    pub(crate) fn session_cookie(&self) -> Result<&PreparedCookie, Error> {
        self.session_cookie
            .as_ref()
            .map_err(|error| error.clone().into())
    }

    /// The CSRF cookie without its value; an error if the settings make none.
    pub(crate) fn csrf_cookie(&self) -> Result<&PreparedCookie, Error> {
        self.csrf_cookie
            .as_ref()
            .map_err(|error| error.clone().into())
    }

    /// Where forms wait for their tokens.
    pub(crate) fn spool_folder(&self) -> PathBuf {
        let folder = self.config.csrf.spool_folder.clone();
        folder.unwrap_or_else(std::env::temp_dir)
    }

    pub(crate) fn warn_once_of_insecure_cookies(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "cookies are sent without Secure, because this is plain http to a loopback name"
            );
        }
    }
}
