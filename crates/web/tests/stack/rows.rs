//! Session rows that somebody tampered with, or that hold what only Python can: pages work, nothing is lost.

use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::session::Codec;
use cloakroom::signing::Compression;
use cloakroom::time::Timestamp;
use cloakroom_testing::Browser;

use crate::site::{Engine, PASSWORD, Plan, Site, codec, press, session_key, sign_in, whoami};

const KEY: &str = "abcdefghijklmnopqrstuvwxyz012345";

fn signed(json: &str) -> String {
    codec().encode(json, Timestamp::now())
}

/// A browser whose session is this row.
fn visitor(site: &Site, text: &str) -> Browser {
    site.sql()
        .execute("DELETE FROM django_session", [])
        .unwrap();
    site.insert_row(KEY, text);
    let browser = site.browser();
    browser.receive(&format!("sessionid={KEY}; Path=/"));
    browser
}

fn undecodable() -> Vec<(&'static str, String)> {
    let other =
        Secrets::new(SecretKey::new("another secret key of thirty-two bytes and more").unwrap());
    let other = Codec::new(&other, Codec::DJANGO_SALT, Compression::Never);
    let packed = Codec::new(
        &crate::site::secrets(),
        Codec::DJANGO_SALT,
        Compression::Always,
    );
    let good = signed(r#"{"a":1}"#);
    let bomb = format!(r#"{{"a":"{}"}}"#, " ".repeat(17 << 20));
    vec![
        ("empty", String::new()),
        ("garbage", "garbage".to_owned()),
        ("NUL", "\0:\0:\0".to_owned()),
        ("another key", other.encode(r#"{"a":1}"#, Timestamp::now())),
        ("a changed byte", good.replacen('e', "f", 1)),
        ("truncated", good[..good.len() - 1].to_owned()),
        ("no signature", good.rsplit_once(':').unwrap().0.to_owned()),
        ("a list", signed("[1,2]")),
        ("a text", signed("\"a\"")),
        ("null", signed("null")),
        ("half an object", signed(r#"{"a":1"#)),
        ("two objects", signed("{}{}")),
        ("a zip bomb", packed.encode(&bomb, Timestamp::now())),
        (
            "901 levels",
            signed(&format!(
                r#"{{"a":{}1{}}}"#,
                "[".repeat(901),
                "]".repeat(901)
            )),
        ),
        (
            "a 5,000-digit integer",
            signed(&format!(r#"{{"a":{}}}"#, "9".repeat(5000))),
        ),
    ]
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_a_stranger_s_and_is_never_overwritten() {
    let site = Plan::strict().open().await;
    for (name, text) in undecodable() {
        let browser = visitor(&site, &text);
        for path in [
            "/home/",
            "/guarded/",
            "/whoami/",
            "/session/names/",
            "/session/clear/",
            "/form/",
            "/",
        ] {
            let page = browser.get(path).await;
            assert!(page.status.as_u16() < 400, "{name} {path}: {}", page.status);
            assert_eq!(
                page.set_cookie("sessionid"),
                None,
                "{name} {path}: it may be a wrong deployment"
            );
        }
        assert_eq!(site.row(KEY).as_ref(), Some(&text), "{name}");
        let page = browser.get("/session/set/?name=b&value=2").await;
        assert_eq!(page.status, 200, "{name}");
        assert_ne!(session_key(&browser), KEY, "{name}");
        assert_eq!(site.row(KEY).as_ref(), Some(&text), "{name}");

        let browser = visitor(&site, &text);
        assert_eq!(
            sign_in(&browser, "ann", PASSWORD).await.status,
            302,
            "{name}"
        );
        assert_eq!(whoami(&browser).await, "ann", "{name}");
        assert_eq!(site.row(KEY).as_ref(), Some(&text), "{name}");

        let browser = visitor(&site, &text);
        assert_eq!(press(&browser, "/logout/").await.status, 302, "{name}");
        assert_eq!(
            (site.row(KEY), browser.cookie("sessionid")),
            (None, None),
            "{name}: a logout is a logout"
        );
    }
}

#[tokio::test]
async fn after_a_wrong_deployment_the_sessions_are_still_there() {
    // E15: a server with another key changes nothing.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let mut config = site.cloakroom.config().clone();
    config.secrets =
        Secrets::new(SecretKey::new("another secret key of thirty-two bytes and more").unwrap());
    let wrong = cloakroom::Cloakroom::new(config, site.database.clone(), site.database.clone());
    let wrong_app = crate::pages::routes().layer(wrong.layer());
    let elsewhere = browser.clone().with_app(&wrong_app);
    for _ in 0..3 {
        assert_eq!(whoami(&elsewhere).await, "nobody");
    }
    assert_eq!(whoami(&browser).await, "ann");
}

#[tokio::test]
async fn what_only_python_can_hold_survives_a_change_of_another_name() {
    let site = Plan::strict().open().await;
    let deep = format!("{}{}", "[".repeat(898), "]".repeat(898));
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let digits = "7".repeat(4000);
    let rows = [
        "NaN",
        "Infinity",
        "-Infinity",
        r#""\ud800""#,
        r#""\ud800\ud800""#,
        r#""\u0000""#,
        "123456789012345678901234567890",
        "1e400",
        "-0.0",
        "1.0000000000000000000000001",
        "{\"b\": [ 1,2 ] }",
        "{\"c\":1,\"c\":2}",
        deep.as_str(),
        long.as_str(),
        digits.as_str(),
    ];
    for value in rows {
        let shown = &value[..value.len().min(40)];
        let browser = visitor(&site, &signed(&format!(r#"{{"odd":{value},"a":"1"}}"#)));
        for path in [
            "/home/",
            "/whoami/",
            "/session/names/",
            "/session/contains/?name=odd",
        ] {
            assert!(
                browser.get(path).await.status.as_u16() < 400,
                "{shown} {path}"
            );
        }
        assert_eq!(
            browser.get("/session/set/?name=a&value=2").await.status,
            200,
            "{shown}"
        );
        assert_eq!(
            browser.get("/session/add/?name=n").await.text(),
            "1",
            "{shown}"
        );
        let expected = format!(r#"{{"odd":{value},"a":"2","n":1}}"#);
        assert!(site.json(KEY) == expected, "{shown}");
        assert_eq!(browser.get("/session/cycle/").await.status, 200, "{shown}");
        assert!(site.json(&session_key(&browser)) == expected, "{shown}");
    }
}

#[tokio::test]
async fn odd_expiries_and_logins_are_no_error() {
    let site = Plan::strict().open().await;
    let rows = [
        r#""_session_expiry":"soon""#,
        r#""_session_expiry":[]"#,
        r#""_session_expiry":NaN"#,
        r#""_session_expiry":-5"#,
        r#""_session_expiry":1e400"#,
        r#""_session_expiry":99999999999999999999"#,
        r#""_session_expiry":"9999-12-31T23:59:59+00:00""#,
        r#""_session_expiry":"0001-01-01T00:00:00""#,
        r#""_auth_user_id":1"#,
        r#""_auth_user_id":null"#,
        r#""_auth_user_id":{},"_auth_user_backend":[]"#,
        r#""_auth_user_id":"x","_auth_user_backend":"django.contrib.auth.backends.ModelBackend""#,
        r#""_auth_user_id":"1","_auth_user_backend":"evil.Backend","_auth_user_hash":"""#,
        r#""_auth_user_id":"1\u0000","_auth_user_backend":"django.contrib.auth.backends.ModelBackend""#,
        r#""_auth_signed_in_at":"yesterday""#,
        r#""_auth_signed_in_at":99999999999999999999"#,
        r#""_csrftoken":7"#,
    ];
    for row in rows {
        let browser = visitor(&site, &signed(&format!("{{{row}}}")));
        assert_eq!(whoami(&browser).await, "nobody", "{row}");
        let page = browser.get("/session/set/?name=a&value=1").await;
        assert_eq!(page.status, 200, "{row}");
        assert_eq!(
            sign_in(&browser, "ann", PASSWORD).await.status,
            302,
            "{row}"
        );
    }
    // The database's own column.
    for date in ["soon", "", "9999-99-99", "10000-01-01 00:00:00"] {
        let browser = visitor(&site, &signed(r#"{"a":"1"}"#));
        let update = "UPDATE django_session SET expire_date = ?1";
        site.sql().execute(update, [date]).unwrap();
        for path in ["/whoami/", "/session/names/"] {
            assert_eq!(browser.get(path).await.status, 200, "{date:?} {path}");
        }
        assert!(
            browser
                .get("/session/set/?name=a&value=1")
                .await
                .status
                .as_u16()
                < 500,
            "{date:?}"
        );
    }
}

#[tokio::test]
async fn a_user_in_the_session_who_is_not_the_hash_s_is_nobody() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let json = site.json(&session_key(&browser));
    let bob = json.replace("\"_auth_user_id\":\"1\"", "\"_auth_user_id\":\"2\"");
    assert_ne!(bob, json);
    let browser = visitor(&site, &signed(&bob));
    assert_eq!(whoami(&browser).await, "nobody");
    assert_eq!(site.row(KEY), None, "as in Django it ends");
}

#[tokio::test]
async fn a_cookie_session_of_whatever_kind_is_no_error() {
    // C13: nor is a row's text a cookie's, though both are signed by one key.
    let site = Plan::strict().engine(Engine::SignedCookies).open().await;
    let rows = undecodable()
        .into_iter()
        .chain([("a row", signed(r#"{"a":"1"}"#))]);
    for (name, text) in rows.filter(|(_, text)| !text.contains('\0') && text.len() < 100_000) {
        let browser = site.browser();
        browser.receive(&format!("sessionid={text}; Path=/"));
        assert_eq!(whoami(&browser).await, "nobody", "{name}");
        assert_eq!(
            browser.get("/session/get/?name=a").await.text(),
            "nothing",
            "{name}"
        );
        assert_eq!(
            sign_in(&browser, "ann", PASSWORD).await.status,
            302,
            "{name}"
        );
        assert_eq!(whoami(&browser).await, "ann", "{name}");
    }
}
