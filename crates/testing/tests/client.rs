//! What users of the client may rely on.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use cloakroom::auth::{UserRow, UserStore as _};
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::time::Timestamp;
use cloakroom::{Cloakroom, Config, SecretPlace, Session, User, superuser_required};
use cloakroom_testing::{Client, TestDatabase};
use http::Request;

async fn whoami(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".into(), |user| user.username.clone())
}

fn app(cloakroom: &Cloakroom) -> Router {
    let count = |session: Session| async move { session.add("n", 1).map(|n| n.to_string()) };
    Router::new()
        .route("/whoami/", get(whoami))
        .route("/thing/", any(|| async { "done" }))
        .route("/count/", get(count))
        .route(
            "/boss/",
            get(|| async { "boss" }).layer(superuser_required()),
        )
        .layer(cloakroom.layer())
}

fn config() -> Config {
    let key = SecretKey::new("a secret key for tests, of thirty-two bytes and more").unwrap();
    Config::strict(Secrets::new(key))
}

#[tokio::test]
async fn a_login_without_a_password_is_a_login_by_the_site_s_own_rules() {
    let database = TestDatabase::new().await;
    let ann = database.add_user("ann").await;
    let mut root = UserRow::new("", "boss", Timestamp::now());
    root.is_superuser = true;
    let root = database.add(root).await;
    let cloakroom = Cloakroom::new(config(), database.store(), database.store());
    let cloakroom = cloakroom.login_required_everywhere();
    let client = Client::new(&cloakroom, &app(&cloakroom));
    assert_eq!(client.get("/whoami/").await.status, 302);
    client.force_login(&ann).await;
    assert_eq!(client.get("/whoami/").await.text(), "ann");
    assert_eq!(client.get("/boss/").await.status, 403);
    let row = database.store().by_id(&ann.id).await.unwrap().unwrap();
    assert!(row.last_login.is_some(), "as at any login");
    let key = client.browser().cookie("sessionid").unwrap();
    client.force_login(&root).await;
    assert_eq!(client.get("/boss/").await.text(), "boss");
    assert_ne!(client.browser().cookie("sessionid").unwrap(), key);
    client.logout().await;
    assert_eq!(client.get("/whoami/").await.status, 302);
}

#[tokio::test]
async fn forms_have_their_tokens_wherever_the_secret_is_unless_a_test_sends_its_own() {
    for place in [
        SecretPlace::Cookie,
        SecretPlace::CookieOfLogin,
        SecretPlace::Session,
    ] {
        let database = TestDatabase::new().await;
        let ann = database.add_user("ann").await;
        let mut config = config();
        config.csrf.secret = place;
        let cloakroom = Cloakroom::new(config, database.store(), database.store());
        let client = Client::new(&cloakroom, &app(&cloakroom));
        for signed_in in [false, true] {
            if signed_in {
                client.force_login(&ann).await;
            }
            assert_eq!(
                client.post("/thing/", &[]).await.text(),
                "done",
                "{place:?}"
            );
            let delete = || Request::delete("/thing/").body(Body::empty()).unwrap();
            assert_eq!(client.send(delete()).await.text(), "done");
            let wrong = [("csrfmiddlewaretoken", "no token")];
            assert_eq!(client.post("/thing/", &wrong).await.status, 403);
            let strict = client.clone().enforce_csrf_checks();
            assert_eq!(strict.post("/thing/", &[]).await.status, 403);
            assert_eq!(strict.send(delete()).await.status, 403);
        }
        assert_eq!(client.get("/count/").await.text(), "1");
        assert_eq!(
            client.clone().get("/count/").await.text(),
            "2",
            "one browser"
        );
        let other = Client::new(&cloakroom, &app(&cloakroom));
        assert_eq!(other.get("/count/").await.text(), "1");
    }
}

#[tokio::test]
#[should_panic(expected = "the login is refused")]
async fn a_site_that_signs_nobody_in_refuses_this_client_too() {
    let database = TestDatabase::new().await;
    let ann = database.add_user("ann").await;
    let cloakroom = Cloakroom::new(config(), database.store(), database.store()).guard_only();
    Client::new(&cloakroom, &app(&cloakroom))
        .force_login(&ann)
        .await;
}

#[tokio::test]
async fn a_user_with_a_password_signs_in_with_it() {
    let database = TestDatabase::new().await;
    let ann = database
        .add_user_with_password("ann", "correct horse")
        .await;
    let read = database.store().by_username("ann").await.unwrap().unwrap();
    assert_eq!(read.id, ann.id);
    assert!(
        read.password.starts_with("pbkdf2_sha256$1$"),
        "{}",
        read.password
    );
}
