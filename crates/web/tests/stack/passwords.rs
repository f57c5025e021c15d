//! Passwords of every kind, and stored hashes that somebody tampered with.

use std::num::NonZeroU32;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use cloakroom::{Auth, Error};
use cloakroom_testing::Browser;
use http::Request;

use crate::site::{PASSWORD, Plan, Site, sign_in, whoami};

/// A site with a door that takes the password as the bytes of its body.
async fn door() -> Site {
    let handler = |auth: Auth, password: Bytes| async move {
        let user = auth.authenticate("zoe", &password).await?;
        Ok::<_, Error>(user.map_or_else(|| "nobody".into(), |user| user.username.clone()))
    };
    let layer = axum::extract::DefaultBodyLimit::disable();
    let routes = Router::new().route("/door/", post(handler).layer(layer));
    let unthrottled = |config: &mut cloakroom::Config| config.login.throttle = None;
    Plan::strict()
        .routes(routes)
        .config(unthrottled)
        .open()
        .await
}

async fn knock(browser: &Browser, password: &[u8]) -> String {
    let token = "abcdefghijklmnopqrstuvwxyzABCDEF";
    let request = Request::post("/door/")
        .header("cookie", format!("csrftoken={token}"))
        .header("x-csrftoken", token);
    let page = browser
        .send(request.body(password.to_vec().into()).unwrap())
        .await;
    assert_eq!(page.status, 200);
    page.text().to_owned()
}

/// CVE-2013-1443, CVE-2025-22228.
#[tokio::test]
async fn a_password_is_any_bytes_up_to_four_kilobytes() {
    // P1.
    let (kilobytes, more) = (vec![b'x'; 4096], vec![b'x'; 4097]);
    let rows: [(&[u8], bool); 9] = [
        (b"", true),
        (b" \t\n", true),
        ("pässwörd \u{1f511}".as_bytes(), true),
        (b"a\0b", true),
        (b"\xff\xfe\x80", true),
        (&[b'x'; 65], true),
        (&kilobytes, true),
        (&more, false),
        (&[b'x'; 1 << 20], false),
    ];
    for (password, accepted) in rows {
        let site = door().await;
        let user = site.add_user("zoe", password).await;
        assert_eq!(user.username, "zoe");
        let browser = site.browser();
        let shown = password[..password.len().min(20)].escape_ascii();
        let expected = if accepted { "zoe" } else { "nobody" };
        assert_eq!(knock(&browser, password).await, expected, "{shown}");
        let longer = [password, b"y"].concat();
        assert_eq!(knock(&browser, &longer).await, "nobody", "{shown}: not cut");
        if let Some(shorter) = password.len().checked_sub(1) {
            assert_eq!(
                knock(&browser, &password[..shorter]).await,
                "nobody",
                "{shown}: the whole of it counts"
            );
        }
    }
}

/// P1.
#[tokio::test]
async fn a_form_s_password_is_taken_as_it_was_typed() {
    let site = Plan::strict().open().await;
    site.add_user("zoe", " p\u{e9}\0\u{fb01} ".as_bytes()).await;
    let browser = site.browser();
    for wrong in [
        "p\u{e9}\0\u{fb01}",
        " pe\u{301}\0\u{fb01} ",
        " p\u{e9}\0fi ",
        " p\u{e9}",
    ] {
        assert_eq!(
            sign_in(&browser, "zoe", wrong).await.status,
            200,
            "{wrong:?}"
        );
    }
    assert_eq!(
        sign_in(&browser, "zoe", " p\u{e9}\0\u{fb01} ").await.status,
        302
    );
    for name in ["", "\0", "zoe\0", "' OR 1=1 --", &"z".repeat(100_000)] {
        let page = sign_in(&site.browser(), name, PASSWORD).await;
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (200, "Please try again.")
        );
    }
}

#[tokio::test]
async fn a_stored_hash_that_is_none_signs_nobody_in() {
    let site = door().await;
    let browser = site.browser();
    let rows = [
        "",
        "!",
        "!abc",
        "garbage",
        "pbkdf2_sha256",
        "pbkdf2_sha256$",
        "pbkdf2_sha256$1$$",
        "pbkdf2_sha256$0$salt$hash",
        "pbkdf2_sha256$-1$salt$hash",
        "pbkdf2_sha256$x$salt$hash",
        "pbkdf2_sha256$1$salt$\0",
        "pbkdf2_sha256$4294967295$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "pbkdf2_sha256$4294967296$salt$AAAA",
        "pbkdf2_sha256$99999999999999999999$salt$AAAA",
        "plain$$secret",
        "md5$salt$5ebe2294ecd0e0f08eab7690d2a6ee69",
        "argon2$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$AAAA",
        "scrypt$1073741824$salt$8$1$AAAA",
        "bcrypt_sha256$$2b$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    site.add_user("zoe", b"secret").await;
    for row in rows {
        let update = "UPDATE auth_user SET password = ?1 WHERE username = 'zoe'";
        site.sql().execute(update, [row]).unwrap();
        let before = Instant::now();
        for password in [&b"secret"[..], b"", row.as_bytes()] {
            assert_eq!(knock(&browser, password).await, "nobody", "{row}");
        }
        assert!(
            before.elapsed().as_secs() < 2,
            "{row}: it must not keep a processor busy"
        );
    }
}

#[tokio::test]
async fn a_login_writes_a_new_hash_where_the_site_s_own_costs_changed() {
    // P3.
    for (plan, rehashes) in [(Plan::strict as fn() -> Plan, true), (Plan::shared, false)] {
        let raised = |config: &mut cloakroom::Config| {
            let hashers = config.login.hashers.clone();
            config.login.hashers = hashers.with_iterations(NonZeroU32::new(2).unwrap());
        };
        let site = plan().config(raised).open().await;
        let other = site.browser();
        sign_in(&other, "bob", PASSWORD).await;
        let before = site.user("ann").await.password;
        let browser = site.ann().await;
        let after = site.user("ann").await.password;
        assert_eq!(after.starts_with("pbkdf2_sha256$2$"), rehashes, "{after}");
        assert_eq!(after != before, rehashes);
        assert_eq!(
            (whoami(&browser).await, whoami(&other).await),
            ("ann".into(), "bob".into())
        );
        // A wrong password rewrites nothing.
        sign_in(&site.browser(), "ann", "wrong").await;
        assert_eq!(site.user("ann").await.password, after);
    }
}
