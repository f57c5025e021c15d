//! Visitors who begin sessions without end.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use axum::body::Body;
use axum::extract::ConnectInfo;
use cloakroom::TrustedProxies;
use cloakroom_testing::{Browser, Page};
use http::Request;

use crate::site::{Engine, PASSWORD, Plan, Site, sign_in, whoami};

const SET: &str = "/session/set/?name=a&value=1";

/// A site on which an address may begin two sessions an hour.
fn plan() -> Plan {
    Plan::strict().config(|config| config.session.anonymous_per_hour = NonZeroU32::new(2))
}

/// What this browser gets that comes from `address`.
async fn from(browser: &Browser, address: &str, target: &str) -> Page {
    let mut request = Request::get(target).body(Body::empty()).unwrap();
    let address: IpAddr = address.parse().unwrap();
    let peer = ConnectInfo(SocketAddr::new(address, 4242));
    request.extensions_mut().insert(peer);
    browser.send(request).await
}

async fn begin(site: &Site, address: &str) -> Page {
    from(&site.browser(), address, SET).await
}

/// CVE-2015-5143, CVE-2015-5963, CVE-2015-5964.
#[tokio::test]
async fn an_address_that_begins_too_many_sessions_is_told_to_wait_and_nothing_is_written() {
    for engine in [Engine::Sqlite, Engine::Memory, Engine::RevocableCookies] {
        let site = plan().engine(engine).open().await;
        for _ in 0..2 {
            assert_eq!(begin(&site, "203.0.113.7").await.status, 200);
        }
        site.store.calls();
        let page = begin(&site, "203.0.113.7").await;
        assert_eq!(page.status, 429, "{engine:?}");
        let wait: u64 = page.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1800).contains(&wait), "{wait}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.set_cookies().len(), 0);
        assert!(page.text().contains("try again later"), "{}", page.text());
        assert_eq!(site.store.calls().len(), 0, "nothing is written");
        // It shares its place with the other by chance, once in 65,536 runs.
        assert_eq!(begin(&site, "198.51.100.9").await.status, 200, "{engine:?}");
    }
}

#[tokio::test]
async fn who_has_a_session_goes_on_and_so_do_users_and_logins() {
    let site = plan().open().await;
    let (visitor, user) = (site.browser(), site.ann().await);
    let here = "203.0.113.7";
    for browser in [&visitor, &site.browser()] {
        assert_eq!(from(browser, here, SET).await.status, 200);
    }
    let newcomer = site.browser();
    assert_eq!(from(&newcomer, here, SET).await.status, 429);
    for target in ["/", "/form/", "/whoami/", "/session/get/?name=a"] {
        assert_eq!(from(&newcomer, here, target).await.status, 200, "{target}");
    }
    for browser in [&visitor, &user] {
        for target in [SET, "/session/cycle/", "/session/flush/", SET] {
            // The last one begins anew, and counts.
            let expected = if target == SET && browser.cookie("sessionid").is_none() {
                429
            } else {
                200
            };
            let page = from(browser, here, target).await;
            assert_eq!(page.status, expected, "{target}");
        }
    }
    // The form is sent from there too.
    let form = from(&newcomer, here, "/login/").await;
    let body = format!(
        "username=ann&password={}&csrfmiddlewaretoken={}",
        PASSWORD.replace(' ', "+"),
        form.csrf_token().unwrap()
    );
    let mut request = Request::post("/login/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    let peer = ConnectInfo(SocketAddr::new(here.parse().unwrap(), 4242));
    request.extensions_mut().insert(peer);
    let page = newcomer.send(request).await;
    assert_eq!(page.location(), Some("/home/"));
    assert_eq!(whoami(&newcomer).await, "ann");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_visitor_s_own_address_counts() {
    let plan = plan().config(|config| {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.hosts.trusted_proxies = TrustedProxies::Networks(proxies);
    });
    let site = plan.open().await;
    let through = async |address: &str| {
        let mut request = Request::get(SET)
            .header("x-forwarded-for", address)
            .body(Body::empty())
            .unwrap();
        let peer = ConnectInfo(SocketAddr::new([10, 0, 0, 1].into(), 4242));
        request.extensions_mut().insert(peer);
        site.browser().send(request).await.status.as_u16()
    };
    assert_eq!(through("203.0.113.7").await, 200);
    assert_eq!(through("1.1.1.1, 203.0.113.7").await, 200);
    assert_eq!(through("2.2.2.2, 203.0.113.7").await, 429, "hearsay");
    assert_eq!(through("198.51.100.9").await, 200);
    // The network of one customer.
    assert_eq!(through("2001:db8:1:2::1").await, 200);
    assert_eq!(through("2001:db8:1:2::2").await, 200);
    assert_eq!(through("2001:db8:1:2:3::").await, 429);
}

#[tokio::test]
async fn whose_address_is_not_known_is_not_counted() {
    let site = plan().open().await;
    for _ in 0..5 {
        assert_eq!(begin(&site, "127.0.0.1").await.status, 200);
        assert_eq!(site.browser().get(SET).await.status, 200);
    }
    let site = Plan::django().open().await;
    for _ in 0..700 {
        assert_eq!(begin(&site, "203.0.113.7").await.status, 200);
    }
    assert_eq!(sign_in(&site.browser(), "ann", PASSWORD).await.status, 302);
}

#[tokio::test]
async fn where_browsers_keep_everything_there_is_nothing_to_fill() {
    let site = plan().engine(Engine::SignedCookies).open().await;
    for _ in 0..5 {
        assert_eq!(begin(&site, "203.0.113.7").await.status, 200);
    }
}

#[tokio::test]
async fn an_early_save_is_refused_in_the_same_way() {
    let handler = async |session: cloakroom::Session| {
        session.set("a", &1)?;
        session.save().await
    };
    let routes = axum::Router::new().route("/early/", axum::routing::get(handler));
    let site = plan().routes(routes).open().await;
    for expected in [200, 200, 429] {
        let page = from(&site.browser(), "203.0.113.7", "/early/").await;
        assert_eq!(page.status, expected);
    }
    assert_eq!(site.rows(), 2);
}
