//! Pages from the browser to the store, without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use cloakroom::auth::UserRow;
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::time::Timestamp;
use cloakroom::{Cloakroom, Config, permission_required};
use cloakroom_testing::{Client, Page, TestDatabase};
use http::Request;

use super::*;
use crate::settings::Settings;
use crate::templates;

/// A site of its own with the users of a test.
struct Site {
    app: Arc<App>,
    ann: UserRow,
    /// A superuser.
    boss: UserRow,
    _database: TestDatabase,
}

impl Site {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let key = SecretKey::new("a secret key for tests, of thirty-two bytes and more").unwrap();
        let config = Config::strict(Secrets::new(key));
        let store = Arc::new(database.store());
        assert!(store.make_session_list().await.unwrap());
        let settings = Settings::default();
        let stores = Stores::open(Arc::clone(&store) as _, &settings, &config);
        let stores = stores.await.unwrap();
        let mut boss = UserRow::new("", "boss", Timestamp::now());
        boss.is_superuser = true;
        let templates = templates::embedded();
        let cloakroom =
            Cloakroom::with_stores(config, Arc::clone(&store) as _, Arc::clone(&store) as _)
                .with_session_list(store)
                .with_templates(templates.clone());
        Self {
            app: Arc::new(App {
                cloakroom,
                templates,
                stores,
                setup_link: None,
                key_fits: true,
            }),
            ann: database.add_user("ann").await,
            boss: database.add(boss).await,
            _database: database,
        }
    }

    fn client(&self, router: &Router) -> Client {
        Client::new(&self.app.cloakroom, router)
    }
}

/// The title of a page that has the look of the site.
fn title(page: &Page) -> &str {
    let text = page.text();
    assert!(text.contains("<link rel=\"stylesheet\""), "{text}");
    let (_, rest) = text.split_once("<title>").expect("a page has a title");
    rest.split_once("</title>").expect("and its end").0
}

/// The same form from a program, which asks for no page.
async fn as_program(client: &Client, target: &str, fields: &str, accept: &str) -> Page {
    let request = Request::post(target)
        .header("accept", accept)
        .header("content-type", "application/x-www-form-urlencoded");
    client
        .send(request.body(Body::from(fields.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn a_session_that_is_not_there_is_the_page_of_what_is_not_there() {
    let site = Site::new().await;
    let client = site.client(&router(Arc::clone(&site.app)));
    client.force_login(&site.ann).await;
    let nothing = client.get("/nothing/").await;
    let page = client.post("/account/", &[("end", "nobody-s")]).await;
    assert_eq!(
        (page.status, nothing.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(title(&page), title(&nothing));
    assert_eq!(page.text(), nothing.text());
    let page = as_program(&client, "/account/", "end=nobody-s", "*/*").await;
    assert_eq!((page.status.as_u16(), page.text()), (404, "Not found.\n"));
    let page = as_program(&client, "/account/", "end=nobody-s", "application/json").await;
    let json: serde_json::Value = serde_json::from_str(page.text()).unwrap();
    assert_eq!(
        (page.status.as_u16(), &json["error"]),
        (404, &"not_found".into())
    );
}

#[tokio::test]
async fn whoever_has_signed_in_and_may_not_is_told_so_on_a_page() {
    let site = Site::new().await;
    let app = Arc::clone(&site.app);
    // The server itself has no page for some users only.
    let orders = get(|| async { "1, 2, 3" }).layer(permission_required("shop.view_order"));
    let orders = Router::new()
        .route("/orders/", orders)
        .layer(app.cloakroom.layer());
    let client = site.client(&around(pages(&app).merge(orders), app));
    client.force_login(&site.ann).await;
    let page = client.get("/orders/").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(title(&page), "403 Forbidden");
    assert!(
        page.text()
            .contains("You are not allowed to see this page.")
    );
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert!(page.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(client.get("/home/").await.status, 200, "the session stays");
    client.force_login(&site.boss).await;
    assert_eq!(client.get("/orders/").await.text(), "1, 2, 3");
}
