//! A test's own browser: it signs in without a password, and its forms have their tokens.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use cloakroom::auth::UserRow;
use cloakroom::{Auth, Cloakroom, CsrfToken, Error, User};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request};

use crate::browser::{Browser, Page};

const FIELD: &str = "csrfmiddlewaretoken";

/// Somebody's browser at a site under test: Django's `Client`.
///
/// It has a cookie jar and asks the router without a network. Everything it does passes the site's own layer, rules and
/// stores.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use cloakroom::secret::{SecretKey, Secrets};
/// use cloakroom::{Cloakroom, Config, User, login_required, permission_required};
/// use cloakroom_testing::{Client, TestDatabase};
///
/// async fn home(user: User) -> String {
///     format!("Hello {}", user.username)
/// }
///
/// fn app(cloakroom: &Cloakroom) -> Router {
///     Router::new()
///         .route("/home/", get(home))
///         .route("/note/", post(|| async { "noted" }).layer(login_required()))
///         .route("/orders/", get(|| async { "1, 2, 3" }).layer(permission_required("shop.view_order")))
///         .layer(cloakroom.layer())
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// // In a #[tokio::test]:
/// let database = TestDatabase::new().await;
/// let ann = database.add_user("ann").await;
/// let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
/// let config = Config::strict(Secrets::new(key));
/// let cloakroom = Cloakroom::new(config, database.store(), database.store());
/// let client = Client::new(&cloakroom, &app(&cloakroom));
///
/// let page = client.get("/home/").await;
/// assert_eq!(page.location(), Some("/login/?next=/home/"));
/// client.force_login(&ann).await;
/// assert_eq!(client.get("/home/").await.text(), "Hello ann");
/// assert_eq!(client.get("/orders/").await.status, 403);
/// assert_eq!(client.post("/note/", &[("text", "buy milk")]).await.text(), "noted");
///
/// // The same without tokens that come by themselves.
/// let client = client.enforce_csrf_checks();
/// assert_eq!(client.post("/note/", &[("text", "buy milk")]).await.status, 403);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    cloakroom: Cloakroom,
    browser: Browser,
    adds_tokens: bool,
}

impl Client {
    /// A new browser at `http://localhost`. `app` is in a layer of `cloakroom`'s.
    #[must_use]
    pub fn new(cloakroom: &Cloakroom, app: &Router) -> Self {
        Self::at(cloakroom, app, "http://localhost")
    }

    /// A new browser at another origin, which has to be one of the site's `ALLOWED_HOSTS`.
    ///
    /// # Panics
    /// The text is no origin with http or https.
    #[must_use]
    pub fn at(cloakroom: &Cloakroom, app: &Router, origin: &str) -> Self {
        Self {
            cloakroom: cloakroom.clone(),
            browser: Browser::at(app, origin),
            adds_tokens: true,
        }
    }

    /// The same browser whose requests have the CSRF tokens that a test gives them, and no others (Django's
    /// `Client(enforce_csrf_checks=True)`).
    ///
    /// The check is on in either case. Without this the client first gets itself a token that passes it, as a page with a
    /// form would: it may so be given a cookie, or where `CSRF_USE_SESSIONS` is on a session.
    #[must_use]
    pub fn enforce_csrf_checks(mut self) -> Self {
        self.adds_tokens = false;
        self
    }

    /// Signs somebody in without a password: everything happens that does at a login, but that the password is verified.
    ///
    /// # Panics
    /// The site refuses: its store fails, say, or it is guard only.
    pub async fn force_login(&self, user: &UserRow) {
        let page = self.at_door(Some(user), Method::POST, "/login/").await;
        assert_eq!(page.status, 200, "the login is refused: {}", page.text());
    }

    /// Signs out.
    ///
    /// # Panics
    /// The site refuses.
    pub async fn logout(&self) {
        let page = self.at_door(None, Method::POST, "/logout/").await;
        assert_eq!(page.status, 200, "the logout is refused: {}", page.text());
    }

    /// Loads a page as somebody does who follows a link.
    pub async fn get(&self, target: &str) -> Page {
        self.browser.get(target).await
    }

    /// Sends a form as a page of this origin does, with a token unless the fields have one.
    pub async fn post(&self, target: &str, fields: &[(&str, &str)]) -> Page {
        if !self.adds_tokens || fields.iter().any(|(name, _)| *name == FIELD) {
            return self.browser.post(target, fields).await;
        }
        let token = self.token().await;
        let mut fields = fields.to_vec();
        fields.push((FIELD, &token));
        self.browser.post(target, &fields).await
    }

    /// Sends a request as it is, with this browser's cookies; one that could change something with a token in the header
    /// unless it has one, or an `Authorization`.
    ///
    /// # Panics
    /// The response's body breaks off.
    pub async fn send(&self, mut request: Request<Body>) -> Page {
        let header = &self.cloakroom.config().csrf.rules.header;
        let header: HeaderName = header.as_str().parse().expect("the setting names a header");
        let has_own = request.headers().contains_key(&header)
            || request.headers().contains_key(AUTHORIZATION);
        if self.adds_tokens && !request.method().is_safe() && !has_own {
            let token = HeaderValue::try_from(self.token().await).expect("a token is ASCII");
            request.headers_mut().insert(header, token);
            let origin = HeaderValue::try_from(self.browser.origin()).expect("an origin is ASCII");
            request
                .headers_mut()
                .entry(http::header::ORIGIN)
                .or_insert(origin);
        }
        self.browser.send(request).await
    }

    /// The browser underneath, for its cookies.
    #[must_use]
    pub const fn browser(&self) -> &Browser {
        &self.browser
    }

    /// A token that the site takes from this browser.
    async fn token(&self) -> String {
        let page = self.at_door(None, Method::GET, "/token/").await;
        assert_eq!(page.status, 200, "there is no CSRF token: {}", page.text());
        page.text().to_owned()
    }

    /// Has the same browser ask pages that the site itself has not.
    async fn at_door(&self, user: Option<&UserRow>, method: Method, target: &str) -> Page {
        let door = Router::new()
            .route("/login/", post(sign_in))
            .route("/logout/", post(sign_out))
            .route("/token/", get(token))
            .with_state(user.map(|user| User::from(user.clone())));
        let layer = self.cloakroom.layer().csrf_exempt().login_not_required();
        let browser = self.browser.clone().with_app(&door.layer(layer));
        let request = Request::builder().method(method).uri(target);
        let request = request.body(Body::empty()).expect("the parts are our own");
        browser.send(request).await
    }
}

async fn sign_in(auth: Auth, State(user): State<Option<User>>) -> Result<(), Error> {
    user.map_or(Ok(()), |user| auth.login(&user))
}

async fn sign_out(auth: Auth) -> Result<(), Error> {
    auth.logout()
}

async fn token(csrf: CsrfToken) -> Result<String, Error> {
    csrf.token()
}
