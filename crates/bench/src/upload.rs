//! What it costs to look for a form's token in an upload.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::routing::post;
use cloakroom::session::MemoryStore;
use cloakroom::{Cloakroom, Config, HostPattern};
use cloakroom_core::csrf::{MultipartBoundary, MultipartScan};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::app::App;
use crate::ours::{HOST, NoUsers};
use crate::pairs::{Pairs, Turn};
use crate::visitors::secrets;
use crate::{clock, drive, tcp};

/// Bytes of the file in a form.
const FILE: usize = 50 << 20;
/// Bytes that come at once, as from a connection.
const PIECE: usize = 64 << 10;
const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

/// The rows of the table, as text and as JSON.
pub(crate) fn table(runtime: &Runtime, rounds: usize) -> (String, Value) {
    let mut table = String::from(
        "| upload of 50 MB | ours MB/s | beside MB/s | throughput of it, median (least to most) | most memory more, kB |\n\
         |---|---:|---:|---:|---:|",
    );
    let mut figures = Vec::new();
    let mut row = |what: &str, pairs: &Pairs, memory: Option<u64>| {
        let megabytes = FILE as f64 / 1e6;
        let (ours, beside) = (
            megabytes / pairs.ours() * 1e6,
            megabytes / pairs.theirs() * 1e6,
        );
        let (least, median, most) = pairs.ratios();
        // Of times the ratio of throughputs is the other way round.
        let (least, median, most) = (1.0 / most, 1.0 / median, 1.0 / least);
        let kilobytes = memory.map_or_else(|| "–".to_owned(), |bytes| (bytes / 1000).to_string());
        table.push_str(&format!(
            "\n| {what} | {ours:.0} | {beside:.0} | {median:.2} ({least:.2} to {most:.2}) | {kilobytes} |"
        ));
        figures.push(json!({
            "what": what, "ours_mb_s": ours, "beside_mb_s": beside, "memory": memory,
            "share": {"least": least, "median": median, "most": most},
        }));
    };
    row("scan alone, beside memchr", &scans(rounds), None);
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    for (early, path) in [
        (true, "/counted"),
        (true, "/parsed"),
        (false, "/counted"),
        (false, "/parsed"),
    ] {
        let request = request(path, &form(early));
        let (checked, _) = app(true, folder.path());
        let (exempt, _) = app(false, folder.path());
        let what = |way: &str| {
            let place = if early { "early" } else { "late" };
            format!(
                "{place} token, beside no check; bytes are {}{way}",
                &path[1..]
            )
        };
        let pairs = |link: Link| {
            Pairs::measure(rounds, |turn| {
                let app = match turn {
                    Turn::Ours => &checked,
                    Turn::Theirs => &exempt,
                };
                let (cpu, elapsed) = send(runtime, app, &request, link);
                let taken = match link {
                    Link::Loopback => cpu,
                    Link::TenGigabit => elapsed,
                };
                taken.as_secs_f64() * 1e6
            })
        };
        let cpu = pairs(Link::Loopback);
        let (watched, most) = app(true, folder.path());
        most.watch();
        let before = resident();
        send(runtime, &watched, &request, Link::Loopback);
        let more = most.bytes().saturating_sub(before);
        row(&what(""), &cpu, Some(more));
        row(&what(", at 10 Gbit/s"), &pairs(Link::TenGigabit), None);
    }
    (table, Value::Array(figures))
}

/// How fast the form comes.
#[derive(Clone, Copy)]
enum Link {
    /// As fast as the service takes it.
    Loopback,
    /// No faster than a fast network brings it.
    TenGigabit,
}

impl Link {
    /// How long so many bytes take.
    fn time_of(self, bytes: usize) -> Duration {
        match self {
            Self::Loopback => Duration::ZERO,
            Self::TenGigabit => Duration::from_secs_f64(bytes as f64 / 1.25e9),
        }
    }
}

/// The CPU time of the service while it takes a form over the loopback interface, without the client's own, and the time
/// until the client has its answer.
fn send(runtime: &Runtime, app: &App, request: &Arc<[u8]>, link: Link) -> (Duration, Duration) {
    runtime.block_on(async {
        let listener = tcp::listen().await;
        let address = tcp::address(&listener);
        let serving = tokio::spawn(tcp::serve(listener, app.clone()));
        let request = Arc::clone(request);
        let before = clock::cpu_time();
        let client = tokio::task::spawn_blocking(move || {
            let (before, begun) = (clock::thread_time(), Instant::now());
            let mut stream = TcpStream::connect(address).expect("the service listens");
            let mut sent = 0;
            for piece in request.chunks(4 * PIECE) {
                stream.write_all(piece).expect("the service reads");
                sent += piece.len();
                std::thread::sleep(link.time_of(sent).saturating_sub(begun.elapsed()));
            }
            let mut answer = vec![0; 1 << 16];
            let mut read = 0;
            while !drive::is_whole(&answer[..read]) {
                read += stream
                    .read(&mut answer[read..])
                    .expect("the service answers");
            }
            assert!(
                answer.starts_with(b"HTTP/1.1 200 "),
                "the form is let through"
            );
            (clock::thread_time() - before, begun.elapsed())
        });
        let (theirs, elapsed) = client.await.expect("the client does not panic");
        let taken = clock::cpu_time() - before;
        serving.abort();
        (taken - theirs, elapsed)
    })
}

fn scans(rounds: usize) -> Pairs {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let boundary = MultipartBoundary::from_content_type(content_type.as_bytes());
    let boundary = boundary.expect("it is a browser's");
    let form = form(true);
    let finder = memchr::memmem::Finder::new(BOUNDARY);
    Pairs::measure(rounds, |turn| {
        let taken = clock::time(|| match turn {
            Turn::Ours => {
                let mut scan = MultipartScan::new(&boundary);
                let pushed = form.chunks(PIECE).try_for_each(|piece| scan.push(piece));
                pushed.expect("the form is plain");
                assert_eq!(scan.token(), Some(TOKEN));
            }
            Turn::Theirs => {
                for piece in form.chunks(PIECE) {
                    black_box(finder.find(piece));
                }
            }
        });
        taken.as_secs_f64() * 1e6
    })
}

/// A form with a file of bytes that are not all alike.
fn form(early: bool) -> Vec<u8> {
    let token = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrfmiddlewaretoken\"\r\n\r\n{TOKEN}\r\n"
    );
    let mut form = Vec::with_capacity(FILE + 1000);
    if early {
        form.extend_from_slice(token.as_bytes());
    }
    form.extend_from_slice(
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n"
        )
        .as_bytes(),
    );
    let mut state = 1_u32;
    form.extend((0..FILE).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    }));
    form.extend_from_slice(b"\r\n");
    if !early {
        form.extend_from_slice(token.as_bytes());
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// The form as HTTP/1.1.
fn request(path: &str, form: &[u8]) -> Arc<[u8]> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncookie: csrftoken={TOKEN}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    [head.as_bytes(), form].concat().into()
}

fn app(checked: bool, folder: &Path) -> (App, Arc<Most>) {
    let mut config = Config::strict(secrets());
    config.hosts.allowed = vec![HostPattern::new(HOST)];
    config.csrf.spool_folder = Some(folder.to_owned());
    let cloakroom = Cloakroom::new(config, MemoryStore::new(10), NoUsers);
    let layer = cloakroom.layer();
    let layer = if checked {
        layer.csrf_token_anywhere(2 * FILE as u64)
    } else {
        layer.csrf_exempt()
    };
    let most = Arc::new(Most::default());
    let router = Router::new()
        .route("/counted", post(count))
        .route("/parsed", post(parse).layer(DefaultBodyLimit::disable()))
        .with_state(Arc::clone(&most))
        .layer(layer);
    (App::Plain(router), most)
}

async fn count(State(most): State<Arc<Most>>, body: Body) -> Result<String, Infallible> {
    let mut body = body.into_data_stream();
    let mut length = 0;
    while let Some(bytes) = body.next().await {
        length += bytes.expect("the form is plain").len();
        most.look();
    }
    Ok(length.to_string())
}

/// What a handler does that keeps files: it parses the form.
async fn parse(State(most): State<Arc<Most>>, mut form: Multipart) -> Result<String, Infallible> {
    let mut length = 0;
    while let Some(mut part) = form.next_field().await.expect("the form is plain") {
        while let Some(bytes) = part.chunk().await.expect("the form is plain") {
            length += bytes.len();
            most.look();
        }
    }
    Ok(length.to_string())
}

/// The most memory that this process had while a handler read.
#[derive(Default)]
struct Most {
    /// 0: nobody looks, because looking takes time.
    bytes: AtomicU64,
}

impl Most {
    fn watch(&self) {
        self.bytes.store(1, Ordering::Relaxed);
    }

    fn look(&self) {
        if self.bytes.load(Ordering::Relaxed) > 0 {
            self.bytes.fetch_max(resident(), Ordering::Relaxed);
        }
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}
