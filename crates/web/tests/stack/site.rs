//! A site for one test: stores in a temporary folder, users, pages, and a way to look underneath.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use cloakroom::auth::{AuthEvent, CreateUser, SessionList, UserCreated, UserRow, UserStore as _};
use cloakroom::password::Hashers;
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::session::{Codec, MemoryStore};
use cloakroom::signing::Compression;
use cloakroom::time::Timestamp;
use cloakroom::version::DjangoVersion;
use cloakroom::{Cloakroom, Config, SqliteStore};
use cloakroom_testing::{Browser, Page, TestClock};

use crate::log;
use crate::pages;
use crate::stores::{Watched, WatchedUsers};

pub(crate) const SECRET: &str = "a secret key for tests, of thirty-two bytes and more";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Memory,
    SignedCookies,
    /// The same with a list of what has ended, which is in the database.
    RevocableCookies,
}

/// Where a site lists sessions.
enum Lists {
    Nothing,
    InDatabase,
    Elsewhere(Arc<dyn SessionList>),
}

/// What a test wants its site to be.
pub(crate) struct Plan {
    config: Config,
    engine: Engine,
    routes: Router,
    lists: Lists,
    clock: Option<TestClock>,
    #[cfg(feature = "templates")]
    templates: Option<cloakroom::Templates>,
    #[cfg(feature = "pages")]
    mailer: Option<Arc<dyn cloakroom::mail::Mailer>>,
    /// Where the library's login pages are.
    #[cfg(feature = "pages")]
    login_pages: Option<&'static str>,
}

impl Plan {
    pub(crate) fn strict() -> Self {
        Self::of(Config::strict(secrets()))
    }

    pub(crate) fn shared() -> Self {
        Self::of(Config::shared(secrets()))
    }

    pub(crate) fn django() -> Self {
        Self::of(Config::django(secrets()))
    }

    fn of(mut config: Config) -> Self {
        config.login.hashers = hashers();
        // Nor about the time that a failure takes.
        config.login.failure_time = Duration::ZERO;
        Self {
            config,
            engine: Engine::Sqlite,
            routes: Router::new(),
            lists: Lists::Nothing,
            clock: None,
            #[cfg(feature = "templates")]
            templates: None,
            #[cfg(feature = "pages")]
            mailer: None,
            #[cfg(feature = "pages")]
            login_pages: None,
        }
    }

    pub(crate) fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// The database lists the sessions of users.
    pub(crate) fn listing_sessions(mut self) -> Self {
        self.lists = Lists::InDatabase;
        self
    }

    /// Somebody else does.
    pub(crate) fn session_list(mut self, list: Arc<dyn SessionList>) -> Self {
        self.lists = Lists::Elsewhere(list);
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// The site goes by this clock.
    pub(crate) fn clock(mut self, clock: &TestClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Routes beside the usual ones, inside the layer.
    pub(crate) fn routes(mut self, routes: Router) -> Self {
        self.routes = routes;
        self
    }

    #[cfg(feature = "templates")]
    pub(crate) fn templates(mut self, templates: cloakroom::Templates) -> Self {
        self.templates = Some(templates);
        self
    }

    #[cfg(feature = "pages")]
    pub(crate) fn mailer(mut self, mailer: Arc<dyn cloakroom::mail::Mailer>) -> Self {
        self.mailer = Some(mailer);
        self
    }

    #[cfg(feature = "pages")]
    pub(crate) fn login_pages_below(mut self, prefix: &'static str) -> Self {
        self.login_pages = Some(prefix);
        self
    }

    pub(crate) async fn open(self) -> Site {
        log::collect();
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteStore::create(folder.path().join("site.db"))
            .await
            .unwrap();
        let _ = database.migrate(Timestamp::now()).await.unwrap();
        let store = Arc::new(match self.engine {
            Engine::Memory => Watched::new(MemoryStore::new(1000)),
            _ => Watched::new(database.clone()),
        });
        let users = Arc::new(WatchedUsers::new(database.clone()));
        let cloakroom = match self.engine {
            Engine::SignedCookies => Cloakroom::with_signed_cookies(self.config, users.clone()),
            Engine::RevocableCookies => {
                Cloakroom::with_revocable_cookies(self.config, store.clone(), users.clone())
            }
            _ => Cloakroom::with_stores(self.config, store.clone(), users.clone()),
        };
        let cloakroom = match self.clock {
            None => cloakroom,
            Some(clock) => cloakroom.with_clock(clock.reader()),
        };
        let cloakroom = match self.lists {
            Lists::Nothing => cloakroom,
            Lists::InDatabase => {
                assert!(database.make_session_list().await.unwrap());
                cloakroom.with_session_list(Arc::new(database.clone()))
            }
            Lists::Elsewhere(list) => cloakroom.with_session_list(list),
        };
        #[cfg(feature = "templates")]
        let cloakroom = match self.templates {
            None => cloakroom,
            Some(templates) => cloakroom.with_templates(templates),
        };
        #[cfg(feature = "pages")]
        let cloakroom = match self.mailer {
            None => cloakroom,
            Some(mailer) => cloakroom.with_mailer(mailer),
        };
        let events = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&events);
        let cloakroom =
            cloakroom.on_auth_event(move |event| heard.lock().unwrap().push(said(event)));
        let routes = pages::routes().merge(self.routes);
        #[cfg(feature = "pages")]
        let routes = match self.login_pages {
            None => routes,
            Some(prefix) => routes.nest(prefix, cloakroom.login_pages()),
        };
        let app = routes.layer(cloakroom.layer());
        let site = Site {
            cloakroom,
            app,
            database,
            store,
            users,
            events,
            _folder: folder,
        };
        site.add_user("ann", PASSWORD.as_bytes()).await;
        site.add_user("bob", PASSWORD.as_bytes()).await;
        site
    }
}

/// A site with its users `ann` and `bob`.
pub(crate) struct Site {
    pub(crate) cloakroom: Cloakroom,
    pub(crate) app: Router,
    pub(crate) database: SqliteStore,
    pub(crate) store: Arc<Watched>,
    pub(crate) users: Arc<WatchedUsers>,
    events: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.app)
    }

    /// A browser in which `ann` has signed in.
    pub(crate) async fn ann(&self) -> Browser {
        let browser = self.browser();
        let page = sign_in(&browser, "ann", PASSWORD).await;
        assert_eq!(page.location(), Some("/home/"));
        browser
    }

    pub(crate) async fn add_user(&self, username: &str, password: &[u8]) -> UserRow {
        let encoded = hashers().make(password).unwrap();
        self.add_user_with_hash(username, &encoded).await
    }

    pub(crate) async fn add_user_with_hash(&self, username: &str, encoded: &str) -> UserRow {
        let mut user = UserRow::new("", username, Timestamp::now());
        user.password = encoded.into();
        match self.database.create_user(&user, CreateUser::Always).await {
            Ok(UserCreated::Created(user)) => user,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn user(&self, username: &str) -> UserRow {
        let found = self.database.by_username(username).await.unwrap();
        found.expect("the user is there")
    }

    /// A connection of one's own to the database, past every store.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.database.path()).unwrap()
    }

    /// What the site has said of logins since the last look.
    pub(crate) fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// How many sessions the database holds; what is noted beside them has longer keys.
    pub(crate) fn sessions(&self) -> u32 {
        let count = "SELECT count(*) FROM django_session WHERE length(session_key) = 32";
        self.sql().query_row(count, [], |row| row.get(0)).unwrap()
    }

    /// How many rows the table of sessions has.
    pub(crate) fn rows(&self) -> u32 {
        let count = "SELECT count(*) FROM django_session";
        self.sql().query_row(count, [], |row| row.get(0)).unwrap()
    }

    /// The stored text of a session.
    pub(crate) fn row(&self, key: &str) -> Option<String> {
        let select = "SELECT session_data FROM django_session WHERE session_key = ?1";
        self.sql().query_row(select, [key], |row| row.get(0)).ok()
    }

    /// Puts a session with this stored text into the database.
    pub(crate) fn insert_row(&self, key: &str, text: &str) {
        let insert = "INSERT INTO django_session VALUES (?1, ?2, '2999-01-01 00:00:00')";
        self.sql().execute(insert, [key, text]).unwrap();
    }

    /// The JSON text in a session's row.
    pub(crate) fn json(&self, key: &str) -> String {
        let bytes = codec().decode(&self.row(key).expect("the row is there"));
        String::from_utf8(bytes.unwrap()).unwrap()
    }
}

/// An event in a few words.
fn said(event: &AuthEvent<'_>) -> String {
    match event {
        AuthEvent::SignedIn { user, .. } => format!("{} in", user.username),
        AuthEvent::SignedOut { user, .. } => {
            format!("{} out", user.map_or("nobody", |user| &user.username))
        }
        AuthEvent::Failed {
            username, failure, ..
        } => {
            let reason = format!("{failure:?}");
            let reason = reason.split(' ').next().unwrap_or_default();
            format!("{username} {reason}")
        }
        AuthEvent::Throttled { username, .. } => format!("{username} throttled"),
        other => panic!("{other:?}"),
    }
}

/// Signs in through the form, as somebody does.
pub(crate) async fn sign_in(browser: &Browser, username: &str, password: &str) -> Page {
    let form = browser.get("/login/").await;
    let token = form.csrf_token().expect("the form has a token");
    let fields = [
        ("username", username),
        ("password", password),
        ("csrfmiddlewaretoken", token),
    ];
    browser.post("/login/", &fields).await
}

/// Presses a button whose form has nothing but its token.
pub(crate) async fn press(browser: &Browser, target: &str) -> Page {
    let token = browser.get("/form/").await;
    let token = token.csrf_token().expect("the form has a token").to_owned();
    let fields = [("csrfmiddlewaretoken", token.as_str())];
    browser.post(target, &fields).await
}

/// The key in the browser's session cookie.
pub(crate) fn session_key(browser: &Browser) -> String {
    let key = browser.cookie("sessionid");
    key.expect("the browser has a session")
}

/// Whom the site takes the browser's user for.
pub(crate) async fn whoami(browser: &Browser) -> String {
    let page = browser.get("/whoami/").await;
    assert_eq!(page.status, 200);
    page.text().to_owned()
}

pub(crate) fn secrets() -> Secrets {
    Secrets::new(SecretKey::new(SECRET).unwrap())
}

/// Writes and reads rows as the site does.
pub(crate) fn codec() -> Codec {
    Codec::new(&secrets(), Codec::DJANGO_SALT, Compression::Never)
}

/// One round: these tests are not about the cost of hashing.
pub(crate) fn hashers() -> Hashers {
    Hashers::new(DjangoVersion::LATEST).with_iterations(NonZeroU32::MIN)
}
