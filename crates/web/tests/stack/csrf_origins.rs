//! Where a request comes from, by the word of the browser that sends it.

use axum::body::Body;
use cloakroom::csrf::TrustedOrigins;
use cloakroom_testing::Browser;
use http::Request;

use crate::csrf::{SECRET, field, send, send_from};
use crate::site::Plan;

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn the_browser_s_word_on_where_a_request_comes_from_counts() {
    // F3, F4 (a site without TLS, where browsers send no such header), F5, F6, F8 (GHSA-mq59-m269-xvcx), F9
    // (CVE-2025-47909).
    let trusting = |config: &mut cloakroom::Config| {
        let origins = ["https://a.example", "https://*.b.example"];
        config.csrf.rules.trusted_origins = TrustedOrigins::new(origins).unwrap();
    };
    let sites = [
        Plan::strict().config(trusting).open().await,
        Plan::shared().config(trusting).open().await,
        Plan::django().config(trusting).open().await,
    ];
    let (origin, fetch) = (|value| ("origin", value), |value| ("sec-fetch-site", value));
    let own = origin("http://localhost");
    let rows: [(Headers<'_>, [u16; 3]); 20] = [
        (&[], [200, 200, 200]),
        (&[own], [200, 200, 200]),
        (&[own, fetch("same-origin")], [200, 200, 200]),
        (&[fetch("none")], [200, 200, 200]),
        (&[fetch("")], [200, 200, 200]),
        (&[own, fetch("same-site")], [403, 200, 200]),
        (&[own, fetch("cross-site")], [403, 403, 200]),
        (&[fetch("cross-site")], [403, 403, 200]),
        (&[fetch("brand-new")], [403, 403, 200]),
        (
            &[origin("https://a.example"), fetch("cross-site")],
            [200, 200, 200],
        ),
        (
            &[origin("https://x.b.example"), fetch("cross-site")],
            [200, 200, 200],
        ),
        (&[origin("http://a.example")], [403, 403, 403]),
        (&[origin("https://a.example.evil")], [403, 403, 403]),
        (&[origin("null")], [403, 403, 403]),
        (&[origin("null"), fetch("same-origin")], [403, 403, 403]),
        (&[origin("")], [403, 403, 403]),
        (&[origin("http://localhost:8000")], [403, 403, 403]),
        (&[origin("https://localhost")], [403, 403, 403]),
        (&[origin("http://LOCALHOST")], [403, 403, 403]),
        (&[("referer", "http://evil.example/")], [200, 200, 200]),
    ];
    for (headers, statuses) in rows {
        for (site, status) in sites.iter().zip(statuses) {
            let page = send(site, "POST", &field(SECRET), headers).await;
            assert_eq!(page.status, status, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn over_https_a_request_says_where_it_comes_from() {
    // F2, CVE-2025-24358, CVE-2025-46721.
    let site = Plan::strict().open().await;
    let browser = Browser::at(&site.app, "https://localhost");
    browser.receive(&format!("csrftoken={SECRET}; Path=/; Secure"));
    let rows = [
        (("referer", "https://localhost/form/"), 200),
        (("referer", "https://localhost"), 200),
        (("origin", "https://localhost"), 200),
        (("origin", "http://localhost"), 403),
        (("referer", "http://localhost/form/"), 403),
        (("referer", "https://evil.example/"), 403),
        (("referer", "https://localhost.evil.example/"), 403),
        (("referer", "https://localhost@evil.example/"), 403),
        (("referer", "localhost"), 403),
        (("referer", ""), 403),
        (("accept", "*/*"), 403),
    ];
    for ((name, value), status) in rows {
        let request = Request::post("/echo/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value)
            .extension(cloakroom::Listener {
                port: 443,
                tls: true,
            })
            .body(Body::from(field(SECRET)))
            .unwrap();
        assert_eq!(
            browser.send(request).await.status,
            status,
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn a_websocket_with_a_session_cookie_must_come_from_our_page() {
    // W1.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let upgrade: [(&str, &str); 2] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
    ];
    let rows: [(Headers<'_>, u16); 7] = [
        (&[("origin", "http://localhost")], 200),
        (
            &[
                ("origin", "http://localhost"),
                ("sec-fetch-site", "same-origin"),
            ],
            200,
        ),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "http://sub.localhost")], 403),
        (
            &[
                ("origin", "http://localhost"),
                ("sec-fetch-site", "same-site"),
            ],
            403,
        ),
        (&[("origin", "null")], 403),
        (&[], 403),
    ];
    for (headers, status) in rows {
        for part in [&upgrade[..], &upgrade[..1], &upgrade[1..]] {
            let headers = [headers, part].concat();
            let page = send_from(&browser, "GET", "", &headers).await;
            assert_eq!(page.status, status, "{headers:?}");
            let page = send_from(&site.browser(), "GET", "", &headers).await;
            assert_eq!(
                page.status, 200,
                "{headers:?}: without a session there is nothing to ride on"
            );
        }
        let page = send_from(&browser, "CONNECT", "", headers).await;
        assert_eq!(page.status, status, "{headers:?}: HTTP/2's way");
    }
}
