//! Beside a Django of local time: `USE_TZ = False`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use cloakroom_core::auth::{CreateUser, User, UserCreated, UserStore as _};
use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{
    Codec, Created, Expiry, Lifetime, Record, SessionData, SessionKey, SessionState, Store,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::{Timestamp, Zone};
use cloakroom_stores::{SqliteOptions, SqliteStore};
use cloakroom_testing::store_contract;
use serde_json::{Value, json};

use crate::folder::Folder;

/// Far from UTC, to both sides, whatever the season.
const ZONES: [&str; 2] = ["America/Chicago", "Asia/Tokyo"];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_local_time_keeps_the_contract() {
    let folder = Folder::new();
    // Without a clock that changes: in the hour that comes twice a text has two meanings.
    let zone = Zone::local("Asia/Tokyo").unwrap();
    store_contract(|| async { Arc::new(open(&folder, zone).await) as Arc<dyn Store> }).await;
}

#[tokio::test]
async fn columns_hold_the_wall_clock() {
    let folder = Folder::new();
    let store = open(&folder, Zone::local("Asia/Tokyo").unwrap()).await;
    let end = Timestamp::from_unix_seconds(1_700_000_000);
    let key = SessionKey::generate().unwrap();
    let _ = store.create(&key, &record("{}", end)).await.unwrap();
    let kept: String = rusqlite::Connection::open(store.path())
        .unwrap()
        .query_row("SELECT expire_date FROM django_session", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(kept, "2023-11-15 07:13:20");
}

#[tokio::test]
async fn a_django_of_local_time_and_we_agree_when_a_session_ends() {
    let Some(python) = python() else {
        eprintln!("left out: no Django is set up; run tests/setup");
        return;
    };
    for name in ZONES {
        let folder = Folder::new();
        let zone = Zone::local(name).unwrap();
        let store = open(&folder, zone).await;
        let mut django = Django::start(&python, store.path(), name);
        let lifetime = Lifetime {
            zone,
            ..Lifetime::DJANGO
        };

        // Less than any zone is from UTC.
        for seconds in [-600, 600] {
            let key = django.ask(json!(["create", seconds]));
            let key = SessionKey::parse(key.as_str().unwrap()).unwrap();
            let now = Timestamp::now();
            let found = store.load(&key, now).await.unwrap();
            assert_eq!(found.is_some(), seconds > 0, "{name}");
            if let Some(found) = found {
                let state = SessionState::from_stored(key, found.clone(), &codec());
                let age = state.expiry_age(&lifetime, now);
                assert!((590..=600).contains(&age), "{name}: {age}");
                let left = found.expire_date.micros_since(now) / 1_000_000;
                assert!((590..=600).contains(&left), "{name}: {left}");
            }
        }

        let now = Timestamp::now();
        let mut ours = SessionState::new();
        ours.set("a", &1).unwrap();
        ours.set_expiry(Expiry::At(now.plus_seconds(600)), zone, now);
        let key = SessionKey::generate().unwrap();
        let text = ours.data().text().to_string();
        let kept = store
            .create(&key, &record(&text, now.plus_seconds(600)))
            .await;
        assert_ne!(kept.unwrap(), Created::KeyTaken);
        let left = django.ask(json!(["lives", key.as_str()]));
        assert!(
            (590..=600).contains(&left.as_i64().unwrap()),
            "{name}: {left}"
        );
        assert_eq!(store.clear_expired(Timestamp::now(), 10).await.unwrap(), 1);

        let user = User::new("0", "ann", now);
        let created = store.create_user(&user, CreateUser::Always).await.unwrap();
        let UserCreated::Created(user) = created else {
            panic!("nobody else is there")
        };
        let _ = store.set_last_login(&user.id, now).await.unwrap();
        let ago = django.ask(json!(["last_login", "ann"]));
        assert!(ago.as_f64().unwrap().abs() < 60.0, "{name}: {ago}");
        django.ask(json!(["log_in", "ann"]));
        let user = store.by_username("ann").await.unwrap().unwrap();
        let apart = user.last_login.unwrap().micros_since(Timestamp::now());
        assert!(apart.abs() < 60_000_000, "{name}: {apart}");
    }
}

async fn open(folder: &Folder, zone: Zone) -> SqliteStore {
    let options = SqliteOptions {
        zone,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::create_with(folder.path(), options)
        .await
        .unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    store
}

fn codec() -> Codec {
    let key = SecretKey::new(SECRET).unwrap();
    Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Always)
}

fn record(json: &str, end: Timestamp) -> Record {
    let data = SessionData::from_bytes(json.as_bytes().to_vec()).unwrap();
    Record::new(Arc::clone(data.text()), end, codec(), Timestamp::now())
}

fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/tests/bin/python");
    venv.exists().then_some(venv)
}

/// A process with a Django; it ends when it is dropped.
struct Django {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Django {
    fn start(python: &Path, database: &Path, zone: &str) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sqlite");
        let mut process = Command::new(python)
            .arg(tests.join("django_local_time.py"))
            .arg(database)
            .args([SECRET, zone])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "questions are written in place"
    )]
    fn ask(&mut self, question: Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SECRET: &str = "a key for tests, of 32 bytes and more";
