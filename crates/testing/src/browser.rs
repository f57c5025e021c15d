//! A browser without a screen: it keeps cookies as browsers do and asks a router without a network.

mod jar;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use jar::{Jar, Place};

/// Somebody's browser at one origin. Clones are other windows of it: they share its cookies.
#[derive(Clone, Debug)]
pub struct Browser {
    app: Router,
    secure: bool,
    host: String,
    jar: Arc<Mutex<Jar>>,
}

impl Browser {
    /// A new browser at `http://localhost`.
    #[must_use]
    pub fn new(app: &Router) -> Self {
        Self::at(app, "http://localhost")
    }

    /// A new browser at another origin.
    ///
    /// # Panics
    /// The text is no origin with http or https.
    #[must_use]
    pub fn at(app: &Router, origin: &str) -> Self {
        let (scheme, host) = origin.split_once("://").expect("an origin has a scheme");
        assert!(scheme == "http" || scheme == "https", "{origin}");
        Self {
            app: app.clone(),
            secure: scheme == "https",
            host: host.to_owned(),
            jar: Arc::default(),
        }
    }

    /// The same browser asking another application at the same origin, as after a restart.
    #[must_use]
    pub fn with_app(mut self, app: &Router) -> Self {
        self.app = app.clone();
        self
    }

    /// Loads a page as somebody does who follows a link.
    pub async fn get(&self, target: &str) -> Page {
        self.navigate(Method::GET, target, Body::empty(), &[]).await
    }

    /// Sends a form as a page of this origin does.
    pub async fn post(&self, target: &str, fields: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        let origin = self.origin();
        let headers = [(CONTENT_TYPE, kind), (ORIGIN, origin.as_str())];
        self.navigate(Method::POST, target, form.into(), &headers)
            .await
    }

    async fn navigate(
        &self,
        method: Method,
        target: &str,
        body: Body,
        headers: &[(HeaderName, &str)],
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(body).expect("the parts are a test's own");
        self.send(request).await
    }

    /// Sends a request as it is, with this browser's cookies and host unless it names its own.
    ///
    /// # Panics
    /// The response's body breaks off.
    pub async fn send(&self, request: Request<Body>) -> Page {
        let path = request.uri().path().to_owned();
        let response = self.begin(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body arrives whole");
        Page {
            path,
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes().to_vec(),
        }
    }

    /// The same without reading the response's body. What is dropped before it is ready was hung up.
    ///
    /// # Panics
    /// The browser's host or a cookie cannot stand in a header.
    pub async fn begin(&self, mut request: Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        let headers = request.headers_mut();
        if !headers.contains_key(HOST) {
            let host = HeaderValue::from_str(&self.host).expect("hosts are ASCII");
            headers.insert(HOST, host);
        }
        if !headers.contains_key(COOKIE)
            && let Some(cookies) = self.jar().header(&self.place(&path))
        {
            let cookies = HeaderValue::from_bytes(cookies.as_bytes()).expect("it came in one");
            headers.insert(COOKIE, cookies);
        }
        let Ok(response) = self.app.clone().oneshot(request).await;
        let place = self.place(&path);
        for value in response.headers().get_all(SET_COOKIE) {
            let text = String::from_utf8_lossy(value.as_bytes());
            self.jar().receive(&text, &place);
        }
        response
    }

    /// The value of the cookie that would be sent to `/`.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().value(name, &self.place("/"))
    }

    /// What a script of a page at `path` sees: `document.cookie`.
    #[must_use]
    pub fn script_cookies(&self, path: &str) -> String {
        self.jar().for_scripts(&self.place(path))
    }

    /// Takes a cookie by the text of its `Set-Cookie` header, as if a response of this host had set it.
    pub fn receive(&self, set_cookie: &str) {
        let place = self.place("/");
        self.jar().receive(set_cookie, &place);
    }

    /// Forgets all cookies.
    pub fn clear_cookies(&self) {
        *self.jar() = Jar::default();
    }

    /// Lets the browser's clock go on. The server's stays.
    pub fn pass(&self, time: Duration) {
        self.jar().clock += time;
    }

    /// `http://localhost`, say.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }

    fn place<'a>(&'a self, path: &'a str) -> Place<'a> {
        Place {
            secure: self.secure,
            host: self.host.split(':').next().unwrap_or_default(),
            path,
        }
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response as a browser has it.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where the request went.
    pub path: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Page {
    /// The body as text.
    ///
    /// # Panics
    /// It is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the page is text")
    }

    /// A header's value; of several the first.
    ///
    /// # Panics
    /// It is not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("the header is ASCII"))
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }

    /// The text of each `Set-Cookie` header.
    #[must_use]
    pub fn set_cookies(&self) -> Vec<String> {
        let values = self.headers.get_all(SET_COOKIE).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    /// The text of the `Set-Cookie` header for one cookie.
    ///
    /// # Panics
    /// There are two of them.
    #[must_use]
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        let mut found = self.set_cookies();
        found.retain(|text| text.starts_with(&format!("{name}=")));
        assert!(found.len() < 2, "one response sets {name} once");
        found.pop()
    }

    /// The names in all `Vary` headers, in lower case.
    #[must_use]
    pub fn vary(&self) -> Vec<String> {
        let values = self.headers.get_all("vary").iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect()
    }

    /// The value of the form's hidden token.
    #[must_use]
    pub fn csrf_token(&self) -> Option<&str> {
        let (_, rest) = self
            .text()
            .split_once("name=\"csrfmiddlewaretoken\" value=\"")?;
        rest.split_once('"').map(|(token, _)| token)
    }
}
