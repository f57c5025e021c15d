//! What is signed for one purpose is worth nothing for another, though one key signs it all.

use cloakroom::cookie::SignedCookies;
use cloakroom::csrf::{CsrfCookie, SecretBinding};
use cloakroom::session::{Codec, Lifetime, SignedCookieEngine};
use cloakroom::signing::{Compression, ObjectSigner, Signer, TimestampSigner};
use cloakroom::time::Timestamp;
use cloakroom::version::DjangoVersion;

use crate::site::{Engine, Plan, codec, secrets};

/// Something signed, and who takes it.
struct Purpose {
    name: &'static str,
    signed: String,
    takes: Box<dyn Fn(&str) -> bool>,
}

fn purpose(name: &'static str, signed: String, takes: impl Fn(&str) -> bool + 'static) -> Purpose {
    let takes = Box::new(takes);
    Purpose {
        name,
        signed,
        takes,
    }
}

async fn purposes() -> Vec<Purpose> {
    let now = Timestamp::now();
    let secrets = secrets();
    let site = Plan::strict().engine(Engine::SignedCookies).open().await;
    let browser = site.browser();
    browser.get("/session/set/?name=a&value=1").await;
    let engine = SignedCookieEngine::new(&secrets, Lifetime::DJANGO);
    let in_cookie = browser.cookie("sessionid").unwrap();
    let in_cookie = in_cookie.trim_matches('"').to_owned();

    let row = codec().encode("{\"a\":\"1\"}", now);
    let of_subclass = Codec::new(
        &secrets,
        "django.contrib.sessions.SessionSubclass",
        Compression::Never,
    );
    let messages = ObjectSigner::new(&secrets, "django.contrib.messages", Compression::Never);
    let mut purposes = vec![
        purpose("a session's row", row, |text| codec().decode(text).is_ok()),
        purpose(
            "a row of another class",
            of_subclass.encode("{\"a\":\"1\"}", now),
            move |text| of_subclass.decode(text).is_ok(),
        ),
        purpose("a session's cookie", in_cookie, move |text| {
            engine.read(text, Timestamp::now()).contains("a")
        }),
        purpose(
            "a message",
            messages.dumps("{\"a\":\"1\"}", now),
            move |text| messages.loads(text).is_ok(),
        ),
    ];
    let signer = Signer::new(&secrets, "");
    purposes.push(purpose(
        "a signed text",
        signer.sign("value"),
        move |text| signer.unsign(text).is_ok(),
    ));
    let signer = TimestampSigner::new(&secrets, "");
    purposes.push(purpose(
        "a dated text",
        signer.sign("value", now),
        move |text| signer.unsign(text).is_ok(),
    ));
    // Of each release's form, and such that names and salts read the same when put together.
    for version in ["6.1", "5.2.14"] {
        let cookies = SignedCookies::new(&secrets, version.parse::<DjangoVersion>().unwrap());
        for (name, salt) in [("a", ""), ("a", "b"), ("ba", ""), ("", "a")] {
            let signer = cookies
                .clone()
                .legacy_salt_fallback(false)
                .signer(name, salt);
            // Those of one older form are one purpose: that is why there is a newer one (CVE-2026-6873).
            if version == "6.1" {
                let signed = signer.sign("value", now);
                purposes.push(purpose("a signed cookie", signed, move |text| {
                    signer.unsign(text).is_ok()
                }));
            } else {
                let signed = signer.sign("value", now);
                purposes.push(purpose("a signed cookie of before", signed, |_| false));
            }
        }
    }
    for login in ["", "7"] {
        let owner = SecretBinding::new(&secrets).owner(login);
        let mut made = CsrfCookie::default();
        made.set_owner(owner.clone());
        made.rotate_token().unwrap();
        let signed = made.secret().unwrap().as_str().to_owned();
        purposes.push(purpose("a CSRF secret", signed, move |text| {
            let mut cookie = CsrfCookie::default();
            cookie.set_owner(owner.clone());
            cookie.process_request(Some(text)).unwrap();
            matches!(cookie.stored(), cloakroom::csrf::StoredSecret::Secret(_))
        }));
    }
    purposes
}

#[tokio::test]
async fn nobody_takes_what_was_signed_for_another_purpose() {
    // C12, C13: each with each.
    let purposes = purposes().await;
    assert!(purposes.len() >= 16);
    for (place, made) in purposes.iter().enumerate() {
        for (other, read) in purposes.iter().enumerate() {
            let takes = (read.takes)(&made.signed);
            let own = place == other && made.name != "a signed cookie of before";
            assert_eq!(
                takes, own,
                "{} ({place}) read as {} ({other})",
                made.name, read.name
            );
        }
    }
}
