//! The token of a multipart form: before its files, behind them, twice, and not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, post};
use bytes::Bytes;
use cloakroom::cookie::SetCookie;
use cloakroom::{Cookies, CsrfToken, Session};
use cloakroom_testing::{Browser, Page};
use http::{Request, StatusCode};

use crate::site::{Engine, Plan, Site};

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const WRONG: &str = "abcdefghijklmnopqrstuvwxyzABCDEG";
const KIND: &str = "multipart/form-data; boundary=XX";
const HEADER: (&str, &str) = ("x-csrftoken", TOKEN);

fn part(disposition: &str, content: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
}

fn token_part(token: &str) -> String {
    part("name=\"csrfmiddlewaretoken\"", token)
}

/// A file of so many bytes, with much that looks like the end of it.
fn file_part(length: usize) -> String {
    let content = "\r\n--X\r\n-\r\n\r\nabcdefgh".repeat(length / 20);
    part("name=\"file\"; filename=\"a.bin\"", &content)
}

const END: &str = "--XX--\r\n";

/// A body in pieces, which counts those that were asked for.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    asked: Arc<AtomicUsize>,
    stalls: bool,
}

impl Pieces {
    fn of(text: &str) -> Self {
        let pieces: Vec<Bytes> = text
            .as_bytes()
            .chunks(16_000)
            .map(Bytes::copy_from_slice)
            .collect();
        Self {
            pieces: pieces.into_iter(),
            asked: Arc::default(),
            stalls: false,
        }
    }

    /// The same, whose end never comes.
    fn stalling(mut self) -> Self {
        self.stalls = true;
        self
    }
}

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.pieces.next() {
            None if self.stalls => Poll::Pending,
            piece => Poll::Ready(piece.map(Ok)),
        }
    }
}

fn request(target: &str, body: Pieces, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(target).header("content-type", KIND);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from_stream(body)).unwrap()
}

async fn send(app: &Router, request: Request<Body>) -> Page {
    let browser = Browser::new(app);
    browser.receive(&format!("csrftoken={TOKEN}; Path=/"));
    browser.send(request).await
}

async fn post_to(app: &Router, target: &str, body: &str, headers: &[(&str, &str)]) -> Page {
    send(app, request(target, Pieces::of(body), headers)).await
}

const LIMIT: u64 = 32 << 20;
const QUOTA: u64 = 8 << 20;

/// A site with `/late/`, where a token may come late, and a folder for what waits for it.
async fn late_site() -> (Site, Router, tempfile::TempDir) {
    late_site_with(LIMIT, 64 << 20).await
}

async fn late_site_with(limit: u64, quota: u64) -> (Site, Router, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::strict().config(|config| {
        config.csrf.spool_quota = quota;
        config.csrf.spool_folder = Some(folder.path().to_owned());
    });
    let site = plan.engine(Engine::Memory).open().await;
    let late = Router::new()
        .route("/late/", post(|body: Bytes| async { body }))
        .route("/late/unread/", post(|| async { "unread" }))
        .layer(site.cloakroom.layer().csrf_token_anywhere(limit));
    let app = site
        .app
        .clone()
        .merge(late)
        .layer(DefaultBodyLimit::disable());
    (site, app, folder)
}

/// The sizes of the files without names that this process has open in a folder.
#[cfg(target_os = "linux")]
fn spooled(folder: &tempfile::TempDir) -> Vec<u64> {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let in_folder = descriptors.filter_map(|entry| {
        let path = entry.ok()?.path();
        let target = std::fs::read_link(&path).ok()?;
        target.starts_with(folder.path()).then_some(())?;
        Some(std::fs::metadata(&path).ok()?.len())
    });
    in_folder.collect()
}

#[tokio::test]
async fn ten_megabytes_with_an_early_token_reach_the_handler_byte_for_byte() {
    let (_site, app, _folder) = late_site().await;
    let early = [token_part(TOKEN), file_part(10 << 20), END.into()].concat();
    for target in ["/echo/", "/late/"] {
        let page = post_to(&app, target, &early, &[]).await;
        assert_eq!(page.status, 200, "{target}");
        assert!(page.body == early.as_bytes());
    }
    let wrong = [token_part(WRONG), file_part(10 << 20), END.into()].concat();
    assert_eq!(post_to(&app, "/echo/", &wrong, &[]).await.status, 403);
}

#[tokio::test]
async fn a_late_token_is_found_where_the_route_waits_for_it() {
    let (_site, app, folder) = late_site().await;
    for behind in [0, 1 << 20] {
        let late = [
            file_part(10 << 20),
            token_part(TOKEN),
            file_part(behind),
            END.into(),
        ]
        .concat();
        let page = post_to(&app, "/late/", &late, &[]).await;
        assert_eq!(page.status, 200);
        assert!(page.body == late.as_bytes());
        assert_eq!(post_to(&app, "/echo/", &late, &[]).await.status, 403);
        let page = post_to(&app, "/echo/", &late, &[HEADER]).await;
        assert_eq!(page.status, 200, "a header does for such forms");
        assert!(page.body == late.as_bytes());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let none = [file_part(1 << 20), END.into()].concat();
    assert_eq!(post_to(&app, "/late/", &none, &[]).await.status, 403);
    assert_eq!(post_to(&app, "/late/", &none, &[HEADER]).await.status, 200);
}

#[tokio::test]
async fn a_wrong_late_token_is_refused_without_reading_on() {
    let (_site, app, _folder) = late_site().await;
    let front = [file_part(1 << 20), token_part(WRONG)].concat();
    let whole = [front.as_str(), &file_part(4 << 20), END].concat();
    let body = Pieces::of(&whole);
    let asked = Arc::clone(&body.asked);
    assert_eq!(send(&app, request("/late/", body, &[])).await.status, 403);
    let needed = front.len() / 16_000 + 2;
    assert!(asked.load(Ordering::Relaxed) <= needed);
}

#[tokio::test]
async fn without_a_cookie_a_late_token_is_not_waited_for() {
    let (_site, app, _folder) = late_site().await;
    let body = Pieces::of(&file_part(1 << 20));
    let asked = Arc::clone(&body.asked);
    let page = Browser::new(&app).send(request("/late/", body, &[])).await;
    assert_eq!(
        (page.status.as_u16(), asked.load(Ordering::Relaxed)),
        (403, 0)
    );
}

/// M2.
#[tokio::test]
async fn a_second_token_near_the_first_keeps_the_handler_from_running() {
    let (_site, app, _folder) = late_site().await;
    for second in [TOKEN, WRONG, ""] {
        let twice = [token_part(TOKEN), token_part(second), END.into()].concat();
        for headers in [&[][..], &[HEADER]] {
            assert_eq!(post_to(&app, "/echo/", &twice, headers).await.status, 403);
        }
    }
    let late = [
        file_part(1 << 20),
        token_part(TOKEN),
        token_part(TOKEN),
        END.into(),
    ]
    .concat();
    assert_eq!(post_to(&app, "/late/unread/", &late, &[]).await.status, 403);
}

/// M2, with a second token that comes when the handler has long begun.
#[tokio::test]
async fn a_second_token_far_behind_undoes_what_the_handler_did() {
    async fn write(session: Session, cookies: Cookies, csrf: CsrfToken, body: Body) -> StatusCode {
        session.set("read", &1).unwrap();
        csrf.token().unwrap();
        cookies.set(&SetCookie::new("shown", "1").unwrap()).unwrap();
        let read = axum::body::to_bytes(body, usize::MAX).await;
        if read.is_err() {
            assert!(session.save().await.is_err(), "nothing is saved early");
        }
        StatusCode::ACCEPTED
    }
    async fn only_show(cookies: Cookies, csrf: CsrfToken, body: Body) -> StatusCode {
        csrf.token().unwrap();
        cookies.set(&SetCookie::new("shown", "1").unwrap()).unwrap();
        let _ = axum::body::to_bytes(body, usize::MAX).await;
        StatusCode::ACCEPTED
    }
    let routes = Router::new()
        .route("/write/", any(write))
        .route("/show/", any(only_show));
    let site = Plan::strict().routes(routes).open().await;
    let app = site.app.clone().layer(DefaultBodyLimit::disable());
    let early = [token_part(TOKEN), file_part(1 << 20)].concat();
    for odd in [token_part(TOKEN), token_part(""), part("name=a\r\nX", "")] {
        let body = [early.as_str(), &odd, END].concat();
        let page = post_to(&app, "/write/", &body, &[]).await;
        assert_eq!((page.status.as_u16(), site.rows()), (403, 0), "{odd}");
        assert!(page.set_cookies().is_empty());
        let page = post_to(&app, "/show/", &body, &[]).await;
        assert_eq!(page.status, 403, "{odd}");
        assert!(page.set_cookies().is_empty());
    }
    let filler = "x".repeat(1 << 20);
    let urlencoded = format!("csrfmiddlewaretoken={TOKEN}&a={filler}&csrfmiddlewaretoken");
    for end in ["=", "=x&b=c", ""] {
        let mut request = request("/write/", Pieces::of(&[&urlencoded, end].concat()), &[]);
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        let page = send(&app, request).await;
        assert_eq!((page.status.as_u16(), site.rows()), (403, 0), "{end}");
        assert!(page.set_cookies().is_empty());
    }
    let page = post_to(&app, "/write/", &[&early, END].concat(), &[]).await;
    assert_eq!((page.status.as_u16(), site.rows()), (202, 1));
    assert_eq!(page.set_cookies().len(), 3);
}

#[tokio::test]
async fn what_some_django_reads_otherwise_is_no_token() {
    let site = Plan::strict().open().await;
    for disposition in [
        "name=\"csrfmiddlewaretoken\"; filename=\"a\"",
        "name=\"csrfmiddlewaretoken\"; filename=\"\"",
        "name*=UTF-8''csrfmiddlewaretoken",
        "name=\"csrfmiddlewaretoken\"\r\nContent-Transfer-Encoding: base64",
        "name=\"csrfmiddlewaretoken\"\r\nContent-Transfer-Encoding: quoted-printable",
        "name=\"csrfmiddlewaretoken\"\nX: y",
        "name=\" csrfmiddlewaretoken\"",
    ] {
        let body = [part(disposition, TOKEN), END.into()].concat();
        let page = post_to(&site.app, "/echo/", &body, &[]).await;
        assert_eq!(page.status, 403, "{disposition}");
        let page = post_to(&site.app, "/echo/", &body, &[HEADER]).await;
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (200, &*body),
            "{disposition}"
        );
    }
    let binary = "name=\"csrfmiddlewaretoken\"\r\nContent-Transfer-Encoding: binary";
    let body = [part(binary, TOKEN), END.into()].concat();
    assert_eq!(post_to(&site.app, "/echo/", &body, &[]).await.status, 200);
}

/// CVE-2026-108147, CVE-2026-33033.
#[tokio::test]
async fn fifty_megabytes_in_base64_are_not_read() {
    let (_site, app, _folder) = late_site().await;
    let blank = Bytes::from(vec![b' '; 1 << 20]);
    let head = part(
        "name=f; filename=a\r\nContent-Transfer-Encoding: base64",
        "",
    );
    for target in ["/echo/", "/late/"] {
        let pieces: Vec<Bytes> = std::iter::once(Bytes::from(head.clone()))
            .chain((0..50).map(|_| blank.clone()))
            .collect();
        let asked = Arc::<AtomicUsize>::default();
        let body = Pieces {
            pieces: pieces.into_iter(),
            asked: Arc::clone(&asked),
            stalls: false,
        };
        assert_eq!(send(&app, request(target, body, &[])).await.status, 403);
        assert!(asked.load(Ordering::Relaxed) <= 3, "{target}");
    }
}

/// CVE-2026-5766.
/// CVE-2026-33034.
#[tokio::test]
async fn what_content_length_says_of_a_form_decides_nothing() {
    let (_site, app, _folder) = late_site_with(1 << 20, QUOTA).await;
    for length in ["0", "10", "1000000000", "-1", "x"] {
        let says = ("content-length", length);
        let late = [file_part(200_000), token_part(TOKEN), END.into()].concat();
        assert_eq!(post_to(&app, "/late/", &late, &[says]).await.status, 200);
        let endless = file_part(3 << 20);
        assert_eq!(post_to(&app, "/late/", &endless, &[says]).await.status, 413);
    }
}

#[tokio::test]
async fn a_late_token_comes_within_the_route_s_limit_or_not_at_all() {
    let (_site, app, _folder) = late_site_with(1 << 20, QUOTA).await;
    let with = |length| [file_part(length), token_part(TOKEN), END.into()].concat();
    assert_eq!(
        post_to(&app, "/late/", &with(900_000), &[]).await.status,
        200
    );
    let page = post_to(&app, "/late/", &with(1_200_000), &[]).await;
    assert_eq!(page.status, 413);
    // What comes behind the token has no limit here.
    let behind = [
        with(900_000).trim_end_matches(END),
        &file_part(4 << 20),
        END,
    ]
    .concat();
    assert_eq!(post_to(&app, "/late/", &behind, &[]).await.status, 200);
}

#[tokio::test]
async fn without_a_place_to_keep_it_a_late_token_is_a_503() {
    let (site, app, folder) = late_site_with(LIMIT, QUOTA).await;
    let late = [file_part(1 << 20), token_part(TOKEN), END.into()].concat();
    assert_eq!(post_to(&app, "/late/", &late, &[]).await.status, 200);
    let beyond = [file_part(10 << 20), token_part(TOKEN), END.into()].concat();
    let page = post_to(&app, "/late/", &beyond, &[]).await;
    assert_eq!(page.status, 503);
    assert!(page.headers.contains_key("retry-after"));
    folder.close().unwrap();
    let page = post_to(&app, "/late/", &late, &[]).await;
    assert_eq!(page.status, 503);
    assert!(!page.text().contains("late") && page.set_cookies().is_empty());
    // What needs no room is not touched by that.
    let small = [file_part(1000), token_part(TOKEN), END.into()].concat();
    assert_eq!(post_to(&app, "/late/", &small, &[]).await.status, 200);
    drop(site);
}

/// M1.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_forms_without_a_token_stay_within_the_quota() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    };
    let (_site, app, folder) = late_site_with(LIMIT, QUOTA).await;
    let text = file_part(700_000);
    let pieces: Vec<Bytes> = Pieces::of(&text).pieces.collect();
    let before = resident();
    let waiting: Vec<_> = (0..1000)
        .map(|_| {
            let body = Pieces {
                pieces: pieces.clone().into_iter(),
                asked: Arc::default(),
                stalls: true,
            };
            let app = app.clone();
            tokio::spawn(async move { send(&app, request("/late/", body, &[])).await.status })
        })
        .collect();
    // Each is refused for want of room, or waits for the rest of its body with what it has on the disk.
    let kept = loop {
        tokio::task::yield_now().await;
        let refused = waiting.iter().filter(|task| task.is_finished()).count();
        let sizes = spooled(&folder);
        assert!(sizes.iter().sum::<u64>() <= QUOTA);
        assert!(resident().saturating_sub(before) <= QUOTA + (64 << 20));
        // 320,000 bytes each on the disk, 240,000 in memory, and room for the next 64 KiB: so many have all.
        let most = QUOTA as usize / (560_000 + (64 << 10));
        let settled = refused + sizes.len() == 1000 && sizes.len() <= most;
        if settled && sizes.iter().all(|size| *size >= 320_000) {
            break sizes.len();
        }
    };
    assert!(kept >= 10, "{kept}");
    let mut refused = 0;
    for task in waiting {
        if task.is_finished() {
            assert_eq!(task.await.unwrap(), 503);
            refused += 1;
        } else {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }
    assert_eq!(refused + kept, 1000);
    // With those who hung up their files are gone, and all of the quota is there again.
    assert!(spooled(&folder).is_empty());
    let late = [file_part(7 << 20), token_part(TOKEN), END.into()].concat();
    assert_eq!(post_to(&app, "/late/", &late, &[]).await.status, 200);
    assert_eq!(post_to(&app, "/late/unread/", &late, &[]).await.status, 200);
    assert_eq!(post_to(&app, "/late/", &late, &[]).await.status, 200);
    assert!(spooled(&folder).is_empty());
}

#[tokio::test]
async fn a_late_token_that_does_not_arrive_is_given_up() {
    let (_site, app, _folder) = late_site().await;
    tokio::time::pause();
    let body = Pieces::of(&file_part(1 << 20)).stalling();
    let page = send(&app, request("/late/", body, &[])).await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (408, 0));
}
