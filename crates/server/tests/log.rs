//! A whole run of the server at the finest level: what its log may not hold.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use cloakroom_core::auth::UserStore as _;
use cloakroom_stores::SqliteStore;
use cloakroom_testing::{Browser, Page, leaked};
use http::{HeaderValue, Request, Response, Uri, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpStream;

const KEY: &str = "a secret key for tests, of thirty-two bytes and more";
const FIRST: &str = "correct horse battery staple";
const SECOND: &str = "violet envelope marches";
const THIRD: &str = "gravel orchestra weekend";

/// A server on a database of its own, what it has said, and what it was told.
struct Run {
    folder: TempDir,
    server: Option<Child>,
    secrets: Vec<(&'static str, String)>,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("letters")).unwrap();
        let mut run = Self {
            folder,
            server: None,
            secrets: Vec::new(),
        };
        run.keep("the secret key", KEY);
        run
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.path("log"))
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .env("CLOAKROOM_LOG", "trace")
            .env("SECRET_KEY", KEY)
            .env("DATABASE_URL", "sqlite:site.db")
            .env("DJANGO_SUPERUSER_PASSWORD", FIRST)
            .env("CLOAKROOM_EMAIL_FILE_PATH", self.path("letters"))
            .env("CLOAKROOM_PUBLIC_ORIGIN", "https://www.example.org")
            .env(
                "CLOAKROOM_SECURE_PROXY_SSL_HEADER",
                r#"["HTTP_X_FORWARDED_PROTO", "https"]"#,
            )
            .env("CLOAKROOM_TRUSTED_PROXIES", r#"["127.0.0.1"]"#)
            .env("CLOAKROOM_LOGIN_FAILURE_SECONDS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// Where the server listens.
    fn serve(&mut self) -> SocketAddr {
        self.server = Some(self.command("serve --listen 127.0.0.1:0").spawn().unwrap());
        let start = Instant::now();
        loop {
            let log = self.log();
            if let Some((_, rest)) = log.split_once("listens at http://")
                && let Some((address, _)) = rest.split_once("/\n")
            {
                return address.parse().unwrap();
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "it does not start: {log}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        String::from_utf8(fs::read(self.path("log")).unwrap()).unwrap()
    }

    fn keep(&mut self, name: &'static str, secret: &str) {
        self.secrets.push((name, secret.to_owned()));
    }

    /// Keeps what the browser has been given, with a page or as cookies.
    fn given(&mut self, browser: &Browser, page: &Page) {
        if let Some(token) = page.csrf_token() {
            self.keep("a form's token", token);
        }
        for name in ["csrftoken", "sessionid", "cloakroom_device"] {
            if let Some(value) = browser.cookie(name) {
                self.keep(name, &value);
            }
        }
    }

    async fn keep_hash(&mut self) {
        let store = SqliteStore::open(self.path("site.db")).await.unwrap();
        let ann = store.by_username("ann").await.unwrap().unwrap();
        self.keep("the password's hash", &ann.password);
    }

    /// Loads the page and sends its form.
    async fn fill(&mut self, browser: &Browser, target: &str, fields: &[(&str, &str)]) -> Page {
        let form = browser.get(target).await;
        self.given(browser, &form);
        let token = form.csrf_token().unwrap_or_default().to_owned();
        let mut fields = fields.to_vec();
        fields.push(("csrfmiddlewaretoken", &token));
        let page = browser.post(target, &fields).await;
        self.given(browser, &page);
        page
    }

    async fn sign_in(&mut self, browser: &Browser, username: &str, password: &str) -> u16 {
        let fields = [("username", username), ("password", password)];
        self.fill(browser, "/login/", &fields).await.status.as_u16()
    }

    /// The path of the link in the one letter that has one, once it is there.
    async fn link(&mut self) -> String {
        for _ in 0..500 {
            for letter in fs::read_dir(self.path("letters")).unwrap() {
                let text = fs::read_to_string(letter.unwrap().path()).unwrap();
                // Mail breaks long lines and writes = as =3D.
                let text = text
                    .replace("=\r\n", "")
                    .replace("=\n", "")
                    .replace("=3D", "=");
                let after = text.split_once("https://www.example.org/reset/");
                let link = after.and_then(|(_, rest)| rest.split_whitespace().next());
                if let Some((id, token)) = link.and_then(|link| link.split_once('/')) {
                    let token = token.trim_end_matches('/');
                    self.keep("the token of a letter's link", token);
                    return format!("/reset/{id}/{token}/");
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("there is no letter");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Asks the server as a proxy does that speaks TLS, so that a browser may take it for a router.
async fn ask(server: SocketAddr, http2: bool, mut request: Request<Body>) -> Response<Body> {
    let scheme = HeaderValue::from_static("https");
    request.headers_mut().insert("x-forwarded-proto", scheme);
    let stream = TokioIo::new(TcpStream::connect(server).await.unwrap());
    let response = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .unwrap();
        tokio::spawn(connection);
        sender.send_request(absolute(request)).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    response.map(Body::new)
}

/// In HTTP/2 the host stands in the address.
fn absolute(mut request: Request<Body>) -> Request<Body> {
    let host = request.headers_mut().remove(header::HOST).unwrap();
    let path = request.uri().path_and_query().unwrap();
    let uri = format!("http://{}{path}", host.to_str().unwrap());
    *request.uri_mut() = uri.parse::<Uri>().unwrap();
    request
}

fn over_network(server: SocketAddr, http2: bool) -> Router {
    Router::new().fallback(move |request: Request<Body>| ask(server, http2, request))
}

/// A form of one's own making.
fn forged(cookies: &str, headers: &[(&str, &str)], fields: &str) -> Request<Body> {
    let mut request = Request::post("/login/")
        .header("cookie", cookies)
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(fields.to_owned())).unwrap()
}

/// What nobody should send, each with something in it that is nobody's business.
async fn refusals(run: &mut Run, browser: &Browser) {
    let secret = "cookiecookiecookiecookiecookie12";
    let token = "tokentokentokentokentokentokentokentokentokentokentokentokentok1";
    run.keep("the secret of a forged form", secret);
    run.keep("the token of a forged form", token);
    run.keep("a password in a forged form", "crystal umbrella thursday");
    run.keep("a password in an address", "marble-avenue-quiet");
    let cookies = format!("csrftoken={secret}");
    let fields =
        format!("username=ann&password=crystal+umbrella+thursday&csrfmiddlewaretoken={token}");
    let origin = ("origin", &*browser.origin());
    let evil = "https://evil.example/?password=marble-avenue-quiet";
    for (cookies, headers) in [
        ("", &[origin][..]),
        (&cookies, &[origin]),
        (&cookies, &[("origin", "https://evil.example")]),
        (&cookies, &[]),
        (&cookies, &[("referer", evil)]),
        (&cookies, &[("referer", "marble-avenue-quiet")]),
        (&cookies, &[("sec-fetch-site", "cross-site")]),
        (&cookies, &[origin, ("x-csrftoken", token)]),
    ] {
        let page = browser.send(forged(cookies, headers, &fields)).await;
        assert_eq!(page.status, 403, "{headers:?}");
    }
    let short = format!("username=ann&csrfmiddlewaretoken={}", &token[..20]);
    run.keep("half a token", &token[..20]);
    assert_eq!(
        browser
            .send(forged(&cookies, &[origin], &short))
            .await
            .status,
        403
    );
    for (host, cookie) in [
        ("evil.example", "sessionid=garbagegarbagegarbage1234567890"),
        (
            "127.0.0.1",
            "sessionid=garbagegarbagegarbage1234567890; cloakroom_device=devicedevicedevice",
        ),
    ] {
        let request = Request::get("/login/?next=/%3Fpassword=marble-avenue-quiet")
            .header("host", host)
            .header("cookie", cookie);
        browser.send(request.body(Body::empty()).unwrap()).await;
    }
    run.keep(
        "a session key that opens nothing",
        "garbagegarbagegarbage1234567890",
    );
    run.keep("a device that nobody knows", "devicedevicedevice");
}

/// What people do, in one browser and another.
async fn visit(run: &mut Run, server: SocketAddr, http2: bool, passwords: [&'static str; 3]) {
    let [old, new, newest] = passwords;
    let router = over_network(server, http2);
    let origin = format!("https://{server}");
    let (here, elsewhere) = (Browser::at(&router, &origin), Browser::at(&router, &origin));
    run.keep("a wrong password", "Tr0ub4dor and three");
    run.keep("a password typed as a name", "whisper lantern tuesday");
    assert_eq!(run.sign_in(&here, "ann", "Tr0ub4dor and three").await, 200);
    assert_eq!(
        run.sign_in(&here, "whisper lantern tuesday", old).await,
        200
    );
    assert_eq!(run.sign_in(&here, "ann", old).await, 302);
    assert_eq!(run.sign_in(&elsewhere, "ann", old).await, 302);
    refusals(run, &here).await;
    for end in ["nobody-s-session", "others"] {
        run.fill(&here, "/account/", &[("end", end)]).await;
    }
    assert_eq!(elsewhere.get("/home/").await.status, 302, "it was ended");
    for typed in ["Tr0ub4dor and three", old] {
        let fields = [
            ("old_password", typed),
            ("new_password1", new),
            ("new_password2", new),
        ];
        run.fill(&here, "/password_change/", &fields).await;
    }
    run.keep_hash().await;
    // What letters the run before has had is done with.
    for letter in fs::read_dir(run.path("letters")).unwrap() {
        let _ = fs::remove_file(letter.unwrap().path());
    }
    run.fill(
        &elsewhere,
        "/password_reset/",
        &[("email", "ann@example.org")],
    )
    .await;
    let link = run.link().await;
    let form = elsewhere.get(&link).await;
    let form = form.location().expect("the link is good").to_owned();
    for typed in ["short", newest] {
        let fields = [("new_password1", typed), ("new_password2", typed)];
        run.fill(&elsewhere, &form, &fields).await;
    }
    assert_eq!(
        elsewhere.get(&link).await.status,
        200,
        "the link was good once"
    );
    run.keep_hash().await;
    assert_eq!(run.sign_in(&elsewhere, "ann", newest).await, 302);
    assert_eq!(run.fill(&elsewhere, "/logout/", &[]).await.status, 302);
    assert_eq!(elsewhere.get("/home/").await.status, 302);
}

/// S11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_run_at_the_finest_level_logs_no_secret() {
    let mut run = Run::new();
    for line in [
        "migrate",
        "createsuperuser --noinput --username ann --email ann@example.org",
    ] {
        assert!(
            run.command(line).status().unwrap().success(),
            "{line}: {}",
            run.log()
        );
    }
    for password in [FIRST, SECOND, THIRD] {
        run.keep("a password", password);
    }
    run.keep_hash().await;
    let server = run.serve();
    visit(&mut run, server, false, [FIRST, SECOND, THIRD]).await;
    visit(&mut run, server, true, [THIRD, SECOND, FIRST]).await;

    let log = run.log();
    for line in [
        "TRACE",
        "signed in",
        "signed out",
        "a try to sign in failed",
        "request refused",
        "by a link",
    ] {
        assert!(log.contains(line), "{line} is in the log:\n{log}");
    }
    let names: Vec<&str> = run.secrets.iter().map(|(name, _)| *name).collect();
    for name in [
        "sessionid",
        "csrftoken",
        "cloakroom_device",
        "a form's token",
        "the token of a letter's link",
    ] {
        assert!(names.contains(&name), "{name} was kept");
    }
    assert_eq!(leaked(&log, &run.secrets), [""; 0], "{log}");
    // And each would be found.
    for secret in &run.secrets {
        let (name, text) = secret;
        let planted = format!("{log}INFO a line of a mistake value={text:?}\n");
        let found = leaked(&planted, std::slice::from_ref(secret));
        assert_eq!(found, [*name], "it is found when it is there");
    }
}
