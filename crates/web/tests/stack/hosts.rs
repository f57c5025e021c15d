//! Hosts that are not ours end in 400, before anything else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use cloakroom::HostPattern;
use cloakroom_testing::Browser;
use http::{HeaderValue, Request, Version};
use tower::ServiceExt as _;

use crate::site::Plan;

/// A request with exactly these `Host` headers.
async fn status(app: &Router, target: &str, hosts: &[&[u8]]) -> u16 {
    let mut request = Request::get(target).body(Body::empty()).unwrap();
    for host in hosts {
        let host = HeaderValue::from_bytes(host).unwrap();
        request.headers_mut().append("host", host);
    }
    let Ok(response) = app.clone().oneshot(request).await;
    assert!(response.headers().get("set-cookie").is_none());
    response.status().as_u16()
}

/// CVE-2011-4139.
#[tokio::test]
async fn a_bad_host_never_reaches_a_handler() {
    // CVE-2011-4140, CVE-2016-9014.
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let handler = move || async move { seen.fetch_add(1, Ordering::SeqCst).to_string() };
    let routes = Router::new().route("/count/", any(handler));
    let plan = |hosts: &'static [&'static str]| {
        Plan::strict().routes(routes.clone()).config(|config| {
            config
                .hosts
                .allowed
                .extend(hosts.iter().map(|host| HostPattern::new(host)));
        })
    };
    let site = plan(&["site.example", ".all.example"]).open().await;
    let good: [&[u8]; 10] = [
        b"localhost",
        b"localhost:8000",
        b"127.0.0.1",
        b"[::1]:80",
        b"site.example",
        b"SITE.example",
        b"site.example.",
        b"all.example",
        b"a.b.all.example",
        b"site.example:443",
    ];
    for host in good {
        assert_eq!(
            status(&site.app, "/count/", &[host]).await,
            200,
            "{}",
            host.escape_ascii()
        );
    }
    assert_eq!(calls.swap(0, Ordering::SeqCst), good.len() as u32);
    let bad: [&[u8]; 22] = [
        b"",
        b"evil.example",
        b"site.example.evil.example",
        b"evilsite.example",
        b"www.site.example",
        b"xall.example",
        b"site.example:80@evil.example",
        b"user@site.example",
        b"site.example:",
        b"site.example:x",
        b"site.example:80:80",
        b"site.example/",
        b"site.example/../evil",
        b"site.example evil.example",
        b"site.example,evil.example",
        b"site.example#",
        b"site.example?",
        b"[::1",
        b"[]",
        b"..",
        b"s\xc3\xaftes.example",
        b"\xff",
    ];
    for host in bad {
        assert_eq!(
            status(&site.app, "/count/", &[host]).await,
            400,
            "{}",
            host.escape_ascii()
        );
    }
    let rows: [(&str, &[&[u8]]); 9] = [
        ("/count/", &[]),
        ("/count/", &[b"localhost", b"localhost"]),
        ("/count/", &[b"localhost", b"evil.example"]),
        ("/count/", &[b"evil.example", b"localhost"]),
        ("http://evil.example/count/", &[b"localhost"]),
        ("http://localhost/count/", &[b"evil.example"]),
        ("http://site.example/count/", &[b"localhost"]),
        ("http://evil.example/count/", &[]),
        ("http://user@localhost/count/", &[]),
    ];
    for (target, hosts) in rows {
        assert_eq!(
            status(&site.app, target, hosts).await,
            400,
            "{target} {hosts:?}"
        );
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(
        status(&site.app, "http://localhost/count/", &[b"localhost"]).await,
        200
    );
    let mut request = Request::get("http://localhost/count/")
        .body(Body::empty())
        .unwrap();
    *request.version_mut() = Version::HTTP_2;
    let Ok(response) = site.app.clone().oneshot(request).await;
    assert_eq!(
        response.status(),
        200,
        "HTTP/2 names the host in the request line"
    );
}

/// CVE-2011-4139, CVE-2011-4140, CVE-2016-9014.
#[tokio::test]
async fn a_bad_host_is_refused_on_paths_that_are_not_there_and_repeated_nowhere() {
    let site = Plan::strict().open().await;
    let browser = Browser::at(&site.app, "http://evil.example");
    for target in ["/", "/no-such-page/", "/home/"] {
        let page = browser.get(target).await;
        assert_eq!(page.status, 400);
        assert!(!page.text().contains("evil") && !format!("{:?}", page.headers).contains("evil"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    assert!(site.store.calls().is_empty());
}

#[tokio::test]
async fn forwarding_headers_count_only_from_a_trusted_proxy() {
    // H3, F14.
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;

    let site = Plan::strict()
        .config(|config| {
            config.hosts.trusted_proxies =
                cloakroom::TrustedProxies::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
            config.hosts.secure_proxy_ssl_header = Some((
                http::HeaderName::from_static("x-forwarded-proto"),
                "https".into(),
            ));
            config.hosts.use_x_forwarded_host = true;
            config.hosts.allowed.push(HostPattern::new("site.example"));
        })
        .open()
        .await;
    let rows = [
        ("10.1.2.3:1", "site.example", "https", 200),
        ("10.1.2.3:1", "evil.example", "https", 400),
        ("10.1.2.3:1", "site.example", "http", 403),
        ("192.168.0.1:1", "site.example", "https", 403),
        ("192.168.0.1:1", "evil.example", "https", 403),
    ];
    for (peer, host, proto, status) in rows {
        let secret = "abcdefghijklmnopqrstuvwxyzABCDEF";
        let request = Request::post("/echo/")
            .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()))
            .header("host", "localhost")
            .header("x-forwarded-host", host)
            .header("x-forwarded-proto", proto)
            .header("origin", "https://site.example")
            .header("cookie", format!("csrftoken={secret}"))
            .header("x-csrftoken", secret)
            .body(Body::empty())
            .unwrap();
        let page = site.browser().send(request).await;
        assert_eq!(page.status, status, "{peer} {host} {proto}");
    }
    // A site behind TLS without the setting: the log names it.
    let site = Plan::strict().open().await;
    let request = Request::post("/echo/").header("origin", "https://localhost");
    let page = site
        .browser()
        .send(request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(page.status, 403);
    assert!(crate::log::collected().contains("SECURE_PROXY_SSL_HEADER"));
}
