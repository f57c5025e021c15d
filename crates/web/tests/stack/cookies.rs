//! Cookies on the wire: the attributes of ours, and whatever a client sends.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom::cookie::{SameSite, SetCookie};
use cloakroom::{Config, Cookies, Secure};
use cloakroom_testing::{Browser, Page};
use http::Request;

use crate::site::{PASSWORD, Plan, press, session_key, sign_in, whoami};

type Headers<'a> = &'a [(&'a str, &'a str)];
/// A name, and what is said of its cookie besides.
type Row = (&'static str, fn(SetCookie) -> SetCookie);

/// Session and CSRF cookie of a login, without what differs each time.
fn attributes(page: &Page) -> Vec<String> {
    let cookies = page.set_cookies();
    let without_secrets = cookies.iter().map(|cookie| {
        let (pair, rest) = cookie.split_once("; ").unwrap();
        let (name, _) = pair.split_once('=').unwrap();
        let kept = rest
            .split("; ")
            .filter(|part| !part.starts_with("expires="));
        format!("{name}; {}", kept.collect::<Vec<_>>().join("; "))
    });
    without_secrets.collect()
}

#[tokio::test]
async fn each_profile_writes_its_attributes() {
    // C1.
    let rows = [
        (Plan::strict as fn() -> Plan, "; Secure"),
        (Plan::shared, "; Secure"),
        (Plan::django, ""),
    ];
    for (plan, secure) in rows {
        let site = plan().open().await;
        let mut app = site.app.clone();
        app = app.layer(axum::Extension(cloakroom::Listener {
            port: 443,
            tls: true,
        }));
        let browser = Browser::at(&app, "https://localhost");
        let form = browser.get("/form/").await;
        let fields = [
            ("username", "ann"),
            ("password", PASSWORD),
            ("csrfmiddlewaretoken", form.csrf_token().unwrap()),
        ];
        let page = browser.post("/login/", &fields).await;
        let device =
            format!("cloakroom_device; HttpOnly; Max-Age=31536000; Path=/; SameSite=Lax{secure}");
        let mut expected = vec![
            format!("csrftoken; Max-Age=31449600; Path=/; SameSite=Lax{secure}"),
            format!("sessionid; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax{secure}"),
        ];
        if site.cloakroom.config().login.throttle.is_some() {
            expected.insert(0, device);
        }
        assert_eq!(attributes(&page), expected);
        for cookie in page.set_cookies() {
            assert!(cookie.contains("; expires="), "{cookie}");
            assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
        }
        assert!(!browser.script_cookies("/").contains("sessionid"));
        let deletion = press(&browser, "/logout/")
            .await
            .set_cookie("sessionid")
            .unwrap();
        let expected = "sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax";
        assert_eq!(deletion, expected);
    }
}

/// C1.
#[tokio::test]
async fn cookies_are_for_https_except_on_this_machine() {
    let site = Plan::strict()
        .config(|config| {
            config
                .hosts
                .allowed
                .push(cloakroom::HostPattern::new("site.example"))
        })
        .open()
        .await;
    let proxied = Plan::strict()
        .config(|config| {
            config.hosts.secure_proxy_ssl_header = Some((
                http::HeaderName::from_static("x-forwarded-proto"),
                "https".into(),
            ));
        })
        .open()
        .await;
    let secure = async |cookies: Cookies| cookies.secure().to_string();
    let own = Router::new()
        .route("/own/", get(secure))
        .layer(site.cloakroom.layer());
    let rows: [(&str, Headers<'_>, bool); 12] = [
        ("localhost", &[], false),
        ("LOCALHOST:8000", &[], false),
        ("sub.localhost", &[], false),
        ("127.0.0.1:8000", &[], false),
        ("[::1]:8000", &[], false),
        ("site.example", &[], true),
        ("localhost", &[("x-forwarded-proto", "https")], true),
        ("localhost", &[("x-forwarded-proto", "http")], true),
        ("localhost", &[("x-forwarded-for", "10.0.0.1")], true),
        ("localhost", &[("forwarded", "for=10.0.0.1")], true),
        ("localhost", &[("via", "1.1 proxy")], true),
        ("localhost", &[("x-real-ip", "10.0.0.1")], true),
    ];
    for (host, headers, secure) in rows {
        let mut request = Request::get("/form/").header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let page = site
            .browser()
            .send(request.body(Body::empty()).unwrap())
            .await;
        let cookie = page.set_cookie("csrftoken").unwrap();
        assert_eq!(cookie.ends_with("; Secure"), secure, "{host} {headers:?}");
        let mut request = Request::get("/own/").header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let page = Browser::new(&own).send(request).await;
        assert_eq!(
            page.text(),
            secure.to_string(),
            "a cookie of the site's own: {host} {headers:?}"
        );
    }
    let page = proxied.browser().get("/form/").await;
    assert!(
        page.set_cookie("csrftoken").unwrap().ends_with("; Secure"),
        "a proxy is expected"
    );
    for (secure, expected) in [(Secure::Always, true), (Secure::Never, false)] {
        let site = Plan::strict().config(|config: &mut Config| config.csrf.cookie.secure = secure);
        let page = site.open().await.browser().get("/form/").await;
        assert_eq!(
            page.set_cookie("csrftoken").unwrap().contains("Secure"),
            expected
        );
    }
}

/// CVE-2023-23934.
#[tokio::test]
async fn a_prefixed_cookie_is_written_so_that_browsers_keep_and_drop_it() {
    // C2.
    let site = Plan::strict()
        .config(|config| {
            config.session.cookie.name = "__Host-sessionid".into();
            config.csrf.cookie.name = "__Host-csrftoken".into();
        })
        .open()
        .await;
    let app = site.app.clone().layer(axum::Extension(cloakroom::Listener {
        port: 443,
        tls: true,
    }));
    let browser = Browser::at(&app, "https://localhost");
    assert_eq!(sign_in(&browser, "ann", PASSWORD).await.status, 302);
    assert_eq!(whoami(&browser).await, "ann");
    let key = browser.cookie("__Host-sessionid").unwrap();
    // C6, C8: none of these is the cookie, whatever other parsers make of them.
    for cookie in [
        format!("\u{2000}__Host-sessionid={key}"),
        format!("__Host-sessionid\u{a0}={key}"),
        format!("=__Host-sessionid={key}"),
        format!("__host-sessionid={key}"),
        "__Host-sessionid".to_owned(),
    ] {
        let request = Request::get("/whoami/").header("cookie", cookie.as_bytes());
        let page = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.text(), "nobody", "{cookie}");
    }
    press(&browser, "/logout/").await;
    assert_eq!(browser.cookie("__Host-sessionid"), None);
}

#[tokio::test]
async fn a_cookie_is_deleted_where_it_was_set() {
    let site = Plan::strict()
        .config(|config| {
            config.session.cookie.path = "/session/".into();
            config.session.cookie.domain = Some("localhost".into());
        })
        .open()
        .await;
    let browser = site.browser();
    for target in ["/session/set/?name=a&value=1", "/session/flush/"] {
        let page = browser.get(target).await;
        let cookie = page.set_cookie("sessionid").unwrap();
        for attribute in ["; Domain=localhost;", "; Path=/session/;"] {
            assert!(cookie.contains(attribute), "{target}: {cookie}");
        }
    }
    let page = browser.get("/session/is_empty/").await;
    assert_eq!((page.text(), site.rows()), ("true", 0));
}

#[tokio::test]
async fn two_session_cookies_are_none_or_the_last() {
    // C9.
    for (plan, who) in [
        (Plan::strict as fn() -> Plan, "nobody"),
        (Plan::shared, "ann"),
        (Plan::django, "ann"),
    ] {
        let site = plan().open().await;
        let browser = site.ann().await;
        let key = session_key(&browser);
        let evil = "e".repeat(32);
        let ask = async |cookies: &[String]| {
            let mut request = Request::get("/whoami/");
            for cookie in cookies {
                request = request.header("cookie", cookie);
            }
            site.browser()
                .send(request.body(Body::empty()).unwrap())
                .await
                .text()
                .to_owned()
        };
        let (ours, theirs) = (format!("sessionid={key}"), format!("sessionid={evil}"));
        assert_eq!(ask(&[format!("{theirs}; {ours}")]).await, who);
        assert_eq!(
            ask(&[theirs.clone(), ours.clone()]).await,
            who,
            "in two headers"
        );
        assert_eq!(ask(&[format!("{ours}; {theirs}")]).await, "nobody");
        assert_eq!(ask(std::slice::from_ref(&ours)).await, "ann");
        assert_eq!(ask(&["a=b".into(), ours]).await, "ann");
    }
}

#[tokio::test]
async fn whatever_a_client_sends_as_a_cookie_is_no_error() {
    // C7, C10, C11, CVE-2016-7401.
    let site = Plan::shared().open().await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    let good = format!("; sessionid={key}");
    let many: String = (0..5000).map(|n| format!("n{n}=v; ")).collect();
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (b"sessionid=\"aaaaaaaa\\000\"".to_vec(), "nobody"),
        (format!("sessionid=\"{key}\\000\"").into_bytes(), "nobody"),
        (format!("sessionid=\"{key}\"").into_bytes(), "ann"),
        (
            format!("sessionid={}", "a".repeat(400_000)).into_bytes(),
            "nobody",
        ),
        (format!("{}{good}", "\\".repeat(64_000)).into_bytes(), "ann"),
        (
            format!("a=\"{}\"{good}", "\\0".repeat(32_000)).into_bytes(),
            "ann",
        ),
        (format!("{}{good}", ";".repeat(64_000)).into_bytes(), "ann"),
        (format!("{many}{good}").into_bytes(), "ann"),
        (
            format!("$Version=1; a=\"x; sessionid=evil\"{good}").into_bytes(),
            "ann",
        ),
        (
            format!("ga=x]sessionid=evil, sessionid=evil{good}").into_bytes(),
            "ann",
        ),
        ([b"\xff\xfe=\xc3\x28; ", good.as_bytes()].concat(), "ann"),
        (
            b"sessionid=\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            "nobody",
        ),
        (b"=".to_vec(), "nobody"),
        (b"".to_vec(), "nobody"),
    ];
    for (cookie, who) in rows {
        let request = |path: &str| {
            let request = Request::get(path).header("cookie", cookie.as_slice());
            request.body(Body::empty()).unwrap()
        };
        let page = browser.send(request("/whoami/")).await;
        let shown = &cookie[..cookie.len().min(60)];
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (200, who),
            "{}",
            shown.escape_ascii()
        );
        assert_eq!(browser.send(request("/form/")).await.status, 200);
    }
    // CVE-2025-14550.
    let mut request = Request::get("/whoami/");
    for _ in 0..10_000 {
        request = request.header("cookie", "a=b");
    }
    let page = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(page.text(), "nobody");
}

#[tokio::test]
async fn a_handler_s_cookies_go_out_and_come_back() {
    // C12, C13.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    browser.get("/cookie/set/?name=theme&value=a%20b;c").await;
    assert_eq!(browser.cookie("theme").as_deref(), Some("\"a b\\073c\""));
    assert_eq!(browser.get("/cookie/get/?name=theme").await.text(), "a b;c");
    browser.get("/cookie/delete/?name=theme").await;
    assert_eq!(
        browser.get("/cookie/get/?name=theme").await.text(),
        "nothing"
    );

    browser.get("/cookie/sign/?name=device&value=7").await;
    assert_eq!(browser.get("/cookie/unsign/?name=device").await.text(), "7");
    let signed = browser.cookie("device").unwrap();
    browser.receive(&format!("other={signed}; Path=/"));
    assert_eq!(
        browser.get("/cookie/unsign/?name=other").await.text(),
        "forged"
    );
    browser.receive(&format!("device=8{}; Path=/", &signed[1..]));
    assert_eq!(
        browser.get("/cookie/unsign/?name=device").await.text(),
        "forged"
    );
    assert_eq!(
        browser.get("/cookie/unsign/?name=none").await.text(),
        "nothing"
    );
    // C5.
    for name in ["a%0Ab", "a%0D%0Ab", "a;b", "a%00", "", "\u{e9}"] {
        let page = browser
            .get(&format!("/cookie/set/?name={name}&value=x"))
            .await;
        assert_eq!(
            (page.status.as_u16(), page.set_cookies().len()),
            (500, 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn in_django_s_profile_a_cookie_that_opens_nothing_is_deleted() {
    for (plan, deleted) in [
        (Plan::django as fn() -> Plan, true),
        (Plan::shared, false),
        (Plan::strict, false),
    ] {
        let site = plan().open().await;
        for target in ["/whoami/", "/session/flush/"] {
            let browser = site.browser();
            browser.receive("sessionid=abcdefghijklmnopqrstuvwxyz012345; Path=/");
            browser.get(target).await;
            assert_eq!(browser.cookie("sessionid").is_none(), deleted, "{target}");
        }
    }
}

#[tokio::test]
async fn a_session_that_does_not_fit_its_cookie_is_an_error() {
    // C3.
    use crate::site::Engine;
    let site = Plan::strict().engine(Engine::SignedCookies).open().await;
    let browser = site.browser();
    browser.get("/session/set/?name=a&value=1").await;
    let kept = browser.cookie("sessionid");
    let noise = cloakroom::password::Hashers::new(cloakroom::version::DjangoVersion::LATEST)
        .with_iterations(std::num::NonZeroU32::MIN);
    let noise: String = (0..100u8)
        .map(|n| {
            noise
                .make_with_salt(&[n], "s")
                .unwrap()
                .replace(['+', '='], "-")
        })
        .collect();
    let page = browser
        .get(&format!("/session/set/?name=a&value={noise}"))
        .await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (500, 0));
    assert_eq!(browser.cookie("sessionid"), kept);
}

#[tokio::test]
async fn the_cookies_of_a_request_are_a_map() {
    let site = Plan::strict().open().await;
    let ask = async |target: &str| {
        let request = Request::get(target)
            .header("cookie", "a=1; b=\"x\\054y\"; a=2")
            .header("cookie", "c; a=3;");
        let request = request.body(Body::empty()).unwrap();
        site.browser().send(request).await.text().to_owned()
    };
    assert_eq!(ask("/cookie/all/").await, "a=3&b=x,y&=c");
    assert_eq!(ask("/cookie/count/").await, "3");
    for (name, there) in [("a", "true"), ("", "true"), ("c", "false"), ("A", "false")] {
        let found = ask(&format!("/cookie/contains/?name={name}")).await;
        assert_eq!(found, there, "{name}");
    }
}

#[tokio::test]
async fn a_cookie_that_browsers_would_not_keep_is_an_error_that_says_so() {
    // C2, C3, C4.
    let refused: [Row; 6] = [
        ("a", |cookie| cookie.max_age(34_560_001)),
        ("a", |cookie| cookie.same_site(SameSite::None)),
        ("a", |cookie| cookie.partitioned(true)),
        ("a", |cookie| cookie.path(&"/p".repeat(513)).unwrap()),
        ("__Host-a", |cookie| cookie.secure(true).path("/p").unwrap()),
        ("__sEcure-a", |cookie| cookie),
    ];
    let kept: [Row; 4] = [
        ("a", |cookie| cookie.max_age(34_560_000)),
        ("a", |cookie| cookie.same_site(SameSite::None).secure(true)),
        ("a", |cookie| cookie.partitioned(true).secure(true)),
        ("__hOST-a", |cookie| cookie.secure(true)),
    ];
    let of = |rows: &[Row]| {
        let rows = rows.to_vec();
        let set = move |axum::extract::Path(row): axum::extract::Path<usize>, cookies: Cookies| {
            let (name, with) = rows[row];
            async move {
                cookies.set(&SetCookie::new("before", "v")?)?;
                cookies.set(&with(SetCookie::new(name, "v")?))
            }
        };
        Plan::strict().routes(Router::new().route("/row/{row}/", get(set)))
    };
    let site = of(&refused).open().await;
    for row in 0..refused.len() {
        let page = site.browser().get(&format!("/row/{row}/")).await;
        let found = (page.status.as_u16(), page.set_cookies().len());
        assert_eq!(found, (500, 0), "{row}");
        assert_eq!(page.text(), "Internal server error.\n", "the log says more");
    }
    let site = of(&kept).open().await;
    for row in 0..kept.len() {
        let page = site.browser().get(&format!("/row/{row}/")).await;
        let found = (page.status.as_u16(), page.set_cookies().len());
        assert_eq!(found, (200, 2), "{row}");
    }
    // 4096 bytes of name and value.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    for (length, status) in [(4095, 200), (4096, 500)] {
        let value = "v".repeat(length);
        let page = browser
            .get(&format!("/cookie/set/?name=n&value={value}"))
            .await;
        assert_eq!(page.status.as_u16(), status, "{length}");
    }
}

#[tokio::test]
async fn a_site_s_cookie_that_browsers_would_drop_is_found_before_they_do() {
    // C2.
    let mut config = Config::strict(crate::site::secrets());
    assert_eq!(config.check(), Ok(()));
    config.csrf.cookie.name = "__Host-csrftoken".into();
    assert_eq!(config.check(), Ok(()));
    config.csrf.cookie.domain = Some("localhost".into());
    let error = config.check().unwrap_err().to_string();
    assert!(error.contains("CSRF_COOKIE_NAME") && error.contains("no domain"));

    let plan = Plan::strict().config(|site| site.csrf.cookie = config.csrf.cookie);
    let site = plan.open().await;
    let page = site.browser().get("/form/").await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (500, 0));
    assert_eq!(site.browser().get("/").await.status, 200);
}

#[tokio::test]
async fn a_cookie_that_comes_after_the_response_is_an_error() {
    let (send, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let keep = move |cookies: Cookies| {
        let _ = send.send(cookies);
        async {}
    };
    let plan = Plan::strict().routes(Router::new().route("/keep/", get(keep)));
    let site = plan.open().await;
    assert_eq!(site.browser().get("/keep/").await.status, 200);
    let cookies = kept.recv().await.unwrap();
    let late = cookies.set(&SetCookie::new("a", "v").unwrap());
    assert!(late.unwrap_err().is_session_closed());
}

#[tokio::test]
async fn a_deletion_goes_where_its_cookie_is() {
    let account = || {
        let cookie = SetCookie::new("account", "7").and_then(|cookie| cookie.path("/cookie/"));
        cookie.unwrap().max_age(60)
    };
    let set = move |cookies: Cookies| async move { cookies.set(&account()) };
    let delete = move |cookies: Cookies| async move { cookies.set(&account().deletion()) };
    let routes = Router::new()
        .route("/account/", get(set))
        .route("/gone/", get(delete));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.browser();
    browser.get("/account/").await;
    let shown = async || {
        browser
            .get("/cookie/get/?name=account")
            .await
            .text()
            .to_owned()
    };
    assert_eq!(shown().await, "7");
    browser.get("/cookie/delete/?name=account").await;
    assert_eq!(shown().await, "7", "that is another cookie");
    browser.get("/gone/").await;
    assert_eq!(shown().await, "nothing");
}
