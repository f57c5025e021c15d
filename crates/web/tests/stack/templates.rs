//! Pages made of templates, and the token in their forms.

use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use cloakroom::{Auth, Error, Page, Templates, context};
use http::StatusCode;

use crate::log;
use crate::site::{PASSWORD, Plan, Site};

const SOURCES: [(&str, &str); 8] = [
    ("plain.html", "Hello {{ name }}"),
    ("tag.html", "<form>{% csrf_token %}</form>"),
    ("field.html", "<form>{{ csrf_input }}</form>"),
    (
        "token.html",
        "<body hx-headers='{\"X-CSRFToken\": \"{{ csrf_token }}\"}'>",
    ),
    ("both.html", "{% csrf_token %}{{ csrf_token }}"),
    (
        "unused.html",
        "{% from 'fields.html' import all %}{% if name == 'bob' %}{{ all() }}{% endif %}",
    ),
    (
        "fields.html",
        "{% macro all() %}{{ csrf_input }}{% endmacro %}",
    ),
    ("broken.html", "one\n{{ name.secret.more }}"),
];

fn routes() -> Router {
    let mut routes = Router::new();
    for (name, _) in SOURCES {
        routes = routes.route(
            &format!("/{name}"),
            get(move |page: Page| async move { page.render(name, context! { name => "<ann>" }) }),
        );
    }
    routes
        .route(
            "/missing.html",
            get(|page: Page| async move { page.render("missing.html", ()) }),
        )
        .route("/sent/", post(|| async { "sent" }))
        .route(
            "/created/",
            get(|page: Page| async move {
                let html = page.render("plain.html", context! { name => "" })?;
                Ok::<_, Error>((StatusCode::CREATED, html))
            }),
        )
        .route(
            "/own-token/",
            get(|page: Page| async move {
                assert_eq!(format!("{page:?}"), "Page(..)");
                page.render("token.html", context! { csrf_token => "of the handler" })
            }),
        )
        .route("/login-and-show/", get(login_and_show))
}

async fn login_and_show(auth: Auth, page: Page) -> Result<Html<String>, Error> {
    let user = auth.authenticate("ann", PASSWORD.as_bytes()).await?;
    auth.login(&user.expect("ann is there"))?;
    page.render("field.html", ())
}

async fn site() -> Site {
    let templates = Templates::from_sources(SOURCES).unwrap();
    let plan = Plan::strict().routes(routes()).templates(templates);
    plan.open().await
}

#[tokio::test]
async fn a_page_that_does_not_use_the_token_makes_none_and_sets_no_cookie() {
    let site = site().await;
    for (path, text) in [
        ("/plain.html", "Hello &lt;ann&gt;"),
        ("/unused.html", ""),
        ("/fields.html", ""),
    ] {
        let page = site.browser().get(path).await;
        assert_eq!((page.status.as_u16(), page.text()), (200, text), "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.set_cookies(), [""; 0], "{path}");
        assert_eq!(page.vary(), [""; 0], "{path}");
    }
    assert_eq!(site.store.calls(), [""; 0], "nor does it load a session");
    let page = site.browser().get("/created/").await;
    assert_eq!(page.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_form_with_either_word_or_the_tag_is_accepted() {
    let site = site().await;
    for path in ["/tag.html", "/field.html", "/both.html"] {
        let browser = site.browser();
        let page = browser.get(path).await;
        let token = page.csrf_token().expect(path).to_owned();
        assert!(page.set_cookie("csrftoken").is_some(), "{path}");
        assert_eq!(page.vary(), ["cookie"], "{path}");
        let field =
            format!("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\">");
        assert!(page.text().contains(&field), "{path}: {}", page.text());
        let sent = browser
            .post("/sent/", &[("csrfmiddlewaretoken", &token)])
            .await;
        assert_eq!(sent.text(), "sent", "{path}");
        assert_eq!(browser.post("/sent/", &[]).await.status, 403, "{path}");
    }
    for path in ["/token.html", "/own-token/"] {
        let browser = site.browser();
        let page = browser.get(path).await;
        let token = page.text().split('"').nth(3).expect(path);
        assert_eq!(
            token.len(),
            64,
            "{path}: the handler's own value does not count"
        );
        let sent = browser
            .post("/sent/", &[("csrfmiddlewaretoken", token)])
            .await;
        assert_eq!(sent.text(), "sent", "{path}");
    }
}

#[tokio::test]
async fn the_token_of_a_page_that_signs_in_is_the_new_one() {
    let site = site().await;
    let browser = site.browser();
    let before = browser.get("/field.html").await;
    let old = before.csrf_token().unwrap().to_owned();
    let page = browser.get("/login-and-show/").await;
    let new = page.csrf_token().unwrap();
    for (token, status) in [(new, 200), (&old, 403)] {
        let sent = browser
            .post("/sent/", &[("csrfmiddlewaretoken", token)])
            .await;
        assert_eq!(sent.status, status);
    }
}

#[tokio::test]
async fn a_page_whose_template_fails_is_a_500_and_the_log_says_where() {
    let site = site().await;
    for (path, reason) in [
        (
            "/broken.html",
            "template broken.html, line 2: undefined value",
        ),
        ("/missing.html", "there is no template \\\"missing.html\\\""),
    ] {
        let page = site.browser().get(path).await;
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (500, "Internal server error.\n"),
            "{path}"
        );
        assert_eq!(page.set_cookies(), [""; 0], "{path}");
        assert!(log::collected().contains(reason), "{path}");
    }
    assert!(!log::collected().contains("<ann>"), "no value is logged");
}

#[tokio::test]
async fn a_site_without_templates_or_a_route_without_the_layer_says_what_to_do() {
    let site = Plan::strict().routes(routes()).open().await;
    assert_eq!(site.browser().get("/plain.html").await.status, 500);
    assert!(log::collected().contains("give it some by Cloakroom::with_templates"));

    let (mut parts, ()) = http::Request::new(()).into_parts();
    let error = <Page as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &());
    let error = error.await.unwrap_err();
    assert!(
        error.to_string().contains("add .layer(cloakroom.layer())"),
        "{error}"
    );
    assert_eq!(error.into_response().status(), 500);
}

#[tokio::test]
#[should_panic(expected = "before the site is cloned or its layer made")]
async fn templates_that_a_layer_would_not_have_are_refused() {
    let site = Plan::strict().open().await;
    let templates = Templates::from_sources(SOURCES).unwrap();
    let _ = site.cloakroom.clone().with_templates(templates);
}
