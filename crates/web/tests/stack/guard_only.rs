//! A site that only looks, beside one that signs visitors in.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use cloakroom::auth::{CreateUser, UserCreated, UserRow, UserStore};
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::session::{SessionKey, Store};
use cloakroom::time::Timestamp;
use cloakroom::{
    Cloakroom, Config, SecretPlace, Session, SqliteStore, Tickets, Tokens, User,
    permission_required,
};
use cloakroom_stores::{PostgresOptions, PostgresStore};
use cloakroom_testing::servers::Postgres;
use cloakroom_testing::{Browser, record};

use crate::site::{PASSWORD, SECRET, hashers, press, session_key, sign_in, whoami};
use crate::stores::{Watched, WatchedUsers};
use crate::{log, pages};

const NEW_SECRET: &str = "the next secret key for tests, of more than thirty-two bytes";

/// A database by the eyes of the site that writes, and of the one that looks.
struct Database {
    sessions: Arc<dyn Store>,
    users: Arc<dyn UserStore>,
    seen_sessions: Arc<Watched>,
    seen_users: Arc<WatchedUsers>,
}

fn config(secrets: Secrets) -> Config {
    let mut config = Config::shared(secrets);
    config.login.hashers = hashers();
    config.login.failure_time = std::time::Duration::ZERO;
    config
}

fn old() -> SecretKey {
    SecretKey::new(SECRET).unwrap()
}

fn app(cloakroom: &Cloakroom) -> Router {
    let obtain = |user: User, tokens: Tokens| async move {
        let pair = tokens.obtain(&user).await?;
        Ok::<_, cloakroom::Error>(axum::Json(pair))
    };
    let ticket = |user: User, tickets: Tickets| async move { tickets.issue(&user) };
    let save = |session: Session| async move { session.save().await };
    pages::routes()
        .route("/save/", get(save))
        .route("/obtain/", post(obtain))
        .route("/ticket/", post(ticket))
        .route(
            "/view/",
            get(|| async { "seen" }).layer(permission_required("auth.view_user")),
        )
        .layer(cloakroom.layer())
}

async fn add(users: &dyn UserStore, username: &str) -> UserRow {
    let mut user = UserRow::new("", username, Timestamp::now());
    user.password = hashers().make(PASSWORD.as_bytes()).unwrap();
    match users.create_user(&user, CreateUser::Always).await {
        Ok(UserCreated::Created(user)) => user,
        other => panic!("{other:?}"),
    }
}

async fn only_looks(database: Database) {
    log::collect();
    let (sessions, users) = (database.sessions, database.users);
    let beside = config(Secrets::new(old()));
    let beside = app(&Cloakroom::with_stores(
        beside,
        sessions.clone(),
        users.clone(),
    ));
    let rotated = Secrets::new(SecretKey::new(NEW_SECRET).unwrap()).with_fallbacks(vec![old()]);
    let mut looking = config(rotated);
    looking.session.save_every_request = true;
    let (seen, seen_users) = (database.seen_sessions, database.seen_users);
    let guard = Cloakroom::with_stores(looking, seen.clone(), seen_users.clone()).guard_only();
    let guard = app(&guard);
    let loaded = async |browser: &Browser| {
        let key = SessionKey::parse(&session_key(browser)).unwrap();
        let stored = sessions.load(&key, Timestamp::now()).await.unwrap();
        stored.map(|stored| stored.version)
    };
    let only_reads = |what: &str| {
        let (calls, of_users) = (seen.calls(), seen_users.calls());
        assert!(
            calls.iter().all(|call| *call == "load"),
            "{what}: {calls:?}"
        );
        let reads = ["by_id", "permissions"];
        assert!(
            of_users.iter().all(|call| reads.contains(call)),
            "{what}: {of_users:?}"
        );
        calls.len() + of_users.len()
    };
    let mut ids = Vec::new();
    for name in ["ann", "bob"] {
        ids.push(add(&*users, name).await.id);
    }
    let (ann, bob) = (Browser::new(&beside), Browser::new(&beside));
    for (browser, name) in [(&ann, "ann"), (&bob, "bob")] {
        let page = sign_in(browser, name, PASSWORD).await;
        assert_eq!(page.location(), Some("/home/"));
        browser.get("/session/set/?name=cart&value=full").await;
    }
    let at_guard = ann.clone().with_app(&guard);
    let before = loaded(&ann).await;
    assert!(before.is_some());

    // The session's hash is of the fallback key: its user's, and not renewed.
    for (target, status, text) in [
        ("/whoami/", 200, "ann"),
        ("/home/", 200, "Hello ann"),
        ("/guarded/", 200, "seen"),
        ("/session/get/?name=cart", 200, "\"full\""),
        ("/session/is_modified/", 200, "false"),
        ("/session/expiry_age/", 200, "1209600"),
        ("/view/", 403, "You may not"),
        ("/", 200, "untouched"),
    ] {
        let page = at_guard.get(target).await;
        assert_eq!(page.status.as_u16(), status, "{target}");
        assert!(page.text().starts_with(text), "{target}: {}", page.text());
        assert_eq!(page.set_cookies(), [""; 0], "{target}");
        assert_eq!(only_reads(target) > 0, target != "/", "{target}");
    }

    // What would write is a mistake of the program, which the log names.
    for target in [
        "/session/set/?name=a&value=1",
        "/session/set_raw/?name=a&value=1",
        "/session/add/?name=a",
        "/session/remove/?name=cart",
        "/session/pop/?name=cart",
        "/session/take/?name=cart",
        "/session/set_default/?name=a&value=1",
        "/session/update/?name=a&value=1",
        "/session/expiry/?value=5",
        "/session/set_test_cookie/",
        "/session/delete_test_cookie/",
        "/session/clear/",
        "/session/flush/",
        "/session/cycle/",
        "/session/touch/",
        "/save/",
    ] {
        let page = at_guard.get(target).await;
        assert_eq!(page.status, 500, "{target}");
        assert_eq!(page.set_cookies(), [""; 0], "{target}");
        only_reads(target);
    }
    assert!(log::collected().contains("Cloakroom::guard_only"));
    for target in ["/logout/", "/obtain/", "/ticket/"] {
        let page = press(&at_guard, target).await;
        assert_eq!(page.status, 500, "{target}");
        only_reads(target);
    }
    let stranger = Browser::new(&guard);
    let page = sign_in(&stranger, "ann", PASSWORD).await;
    assert_eq!(page.status, 500);
    assert_eq!(only_reads("a login"), 0, "nobody is even looked for");
    assert_eq!(loaded(&ann).await, before);
    assert_eq!(whoami(&at_guard).await, "ann");

    // Forms are checked, and a token of either side is good on the other.
    let page = Browser::new(&guard).get("/form/").await;
    assert_eq!(page.set_cookies().len(), 1);
    assert!(page.set_cookie("csrftoken").is_some());
    assert_eq!(stranger.post("/echo/", &[("a", "b")]).await.status, 403);
    assert_eq!(press(&stranger, "/echo/").await.status, 200);
    let form = stranger.get("/form/").await;
    let token = [("csrfmiddlewaretoken", form.csrf_token().unwrap())];
    let page = stranger
        .clone()
        .with_app(&beside)
        .post("/echo/", &token)
        .await;
    assert_eq!(page.status, 200);

    // Another password: nobody, and the session is left to the site beside.
    let encoded = hashers().make(b"another password").unwrap();
    let _ = users.set_password(&ids[1], None, &encoded).await.unwrap();
    let before = loaded(&bob).await;
    let bob_at_guard = bob.clone().with_app(&guard);
    assert_eq!(whoami(&bob_at_guard).await, "nobody");
    let page = bob_at_guard.get("/guarded/").await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (302, 0));
    only_reads("another password");
    assert!(before.is_some() && loaded(&bob).await == before);

    // An expired session, one that nobody knows, and what is no key.
    let expired = SessionKey::parse("expired0123456789").unwrap();
    let ended = record(
        r#"{"cart": "full"}"#,
        Timestamp::from_unix_seconds(1_000_000_000),
    );
    let _ = sessions.create(&expired, &ended).await.unwrap();
    for key in [expired.as_str(), "unknown0123456789", "x"] {
        let browser = Browser::new(&guard);
        browser.receive(&format!("sessionid={key}; Path=/"));
        assert_eq!(whoami(&browser).await, "nobody");
        let page = browser.get("/session/get/?name=cart").await;
        assert_eq!(
            (page.text(), page.set_cookies().len()),
            ("nothing", 0),
            "{key}"
        );
        only_reads(key);
    }

    // The site beside is as it was.
    assert_eq!(whoami(&ann).await, "ann");
    assert_eq!(whoami(&bob).await, "nobody");
}

#[tokio::test]
async fn a_site_that_only_looks_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteStore::create(folder.path().join("site.db"))
        .await
        .unwrap();
    let _ = database.migrate(Timestamp::now()).await.unwrap();
    only_looks(Database {
        sessions: Arc::new(database.clone()),
        users: Arc::new(database.clone()),
        seen_sessions: Arc::new(Watched::new(database.clone())),
        seen_users: Arc::new(WatchedUsers::new(database)),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_role_that_may_only_read_is_enough_for_a_site_that_only_looks() {
    let server = Postgres::shared();
    let url = server.database();
    let owner = PostgresStore::open(&url).unwrap();
    let _ = owner.migrate(Timestamp::now()).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let role = format!("guard_of_{name}");
    let _ = server.execute(
        name,
        &format!(
            "CREATE ROLE {role} LOGIN;
             REVOKE ALL ON SCHEMA public FROM PUBLIC;
             REVOKE ALL ON DATABASE {name} FROM PUBLIC;
             GRANT CONNECT ON DATABASE {name} TO {role};
             GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
        ),
    );
    let (before, _) = url.split_once('@').unwrap();
    let user = before
        .rsplit('/')
        .next()
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    let theirs = url.replacen(&format!("//{user}"), &format!("//{role}"), 1);
    let reader = || PostgresStore::open_with(&theirs, PostgresOptions::default()).unwrap();
    let refused = reader().set_last_login("1", Timestamp::now()).await;
    assert!(refused.is_err(), "the role may not write");
    only_looks(Database {
        sessions: Arc::new(owner.clone()),
        users: Arc::new(owner),
        seen_sessions: Arc::new(Watched::new(reader())),
        seen_users: Arc::new(WatchedUsers::new(reader())),
    })
    .await;
}

#[tokio::test]
async fn a_token_whose_secret_no_session_will_keep_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteStore::create(folder.path().join("site.db"))
        .await
        .unwrap();
    let _ = database.migrate(Timestamp::now()).await.unwrap();
    let mut config = config(Secrets::new(old()));
    config.csrf.secret = SecretPlace::Session;
    let site = |config| Cloakroom::new(config, database.clone(), database.clone());
    let beside = app(&site(config.clone()));
    let guard = app(&site(config).guard_only());
    let browser = Browser::new(&guard);
    assert_eq!(browser.get("/form/").await.status, 500);
    assert_eq!(browser.get("/unused-token/").await.status, 200);
    // A session that has one.
    let browser = browser.with_app(&beside);
    assert!(
        browser
            .get("/form/")
            .await
            .set_cookie("sessionid")
            .is_some()
    );
    let page = press(&browser.with_app(&guard), "/echo/").await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (200, 0));
}
