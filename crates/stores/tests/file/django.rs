//! Django's own file engine reads what we write, and we what it writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cloakroom_core::session::{SessionData, SessionKey, Store as _, Stored};
use cloakroom_core::time::Timestamp;
use serde_json::{Value, json};

use crate::folder::{Folder, SECRET, changed, codec, created, loaded, saved};

#[tokio::test]
async fn each_reads_what_the_other_has_written() {
    let folder = Folder::new();
    for mut django in Django::each(folder.path()) {
        let store = folder.store();
        let data = json!({"name": "Zoë \u{1f9e5}", "list": [1, 2.5, null, true]});
        let key = django.ask(json!(["create", data]));
        let key = SessionKey::parse(key.as_str().unwrap()).unwrap();
        let stored = loaded(&store, &key).await.unwrap();
        assert_eq!(value(&stored), data);

        let with_ours = |json: &str| json.replacen('{', r#"{"ours":1,"#, 1);
        changed(&store, &key, with_ours).await.unwrap();
        let read = django.ask(json!(["load", key.as_str()]));
        assert_eq!((&read["ours"], &read["name"]), (&json!(1), &data["name"]));

        django.ask(json!(["save", key.as_str(), "theirs", 2]));
        let stored = loaded(&store, &key).await.unwrap();
        assert_eq!(value(&stored)["theirs"], 2);
        let _ = store
            .delete(&key, Some(&stored.version), Timestamp::now())
            .await
            .unwrap();
        assert_eq!(django.ask(json!(["load", key.as_str()])), Value::Null);

        let (key, _) = created(&store, r#"{"a": 1}"#).await;
        assert_eq!(django.ask(json!(["load", key.as_str()])), json!({"a": 1}));
        django.ask(json!(["delete", key.as_str()]));
        assert!(loaded(&store, &key).await.is_none());
    }
}

/// Both look at the same files, copied, at the same moment.
#[tokio::test]
async fn what_has_expired_for_django_has_for_us_and_both_clear_the_same() {
    let (theirs, ours) = (Folder::new(), Folder::new());
    for mut django in Django::each(theirs.path()) {
        let now = Timestamp::now();
        let ago = |seconds: i64| now.plus_seconds(-seconds);
        let soon = now.plus_seconds(600).iso_text();
        let past = ago(600).iso_text();
        for (json, saved_at) in [
            ("{}".to_owned(), ago(10)),
            ("{}".to_owned(), ago(1_209_500)),
            ("{}".to_owned(), ago(1_209_700)),
            (r#"{"_session_expiry": 0}"#.to_owned(), ago(1_209_700)),
            (r#"{"_session_expiry": -10}"#.to_owned(), ago(5)),
            (r#"{"_session_expiry": 1000}"#.to_owned(), ago(5)),
            (
                format!(r#"{{"_session_expiry": "{soon}"}}"#),
                ago(1_209_700),
            ),
            (format!(r#"{{"_session_expiry": "{past}"}}"#), ago(5)),
        ] {
            let key = SessionKey::generate().unwrap();
            let record = saved(&json, saved_at);
            for folder in [&theirs, &ours] {
                let _ = folder.store().create(&key, &record).await.unwrap();
            }
            let alive = loaded(&ours.store(), &key).await.is_some();
            let copy = SessionKey::generate().unwrap();
            let _ = theirs.store().create(&copy, &record).await.unwrap();
            let read = django.ask(json!(["load", copy.as_str()]));
            assert_eq!(alive, !read.is_null(), "{json} saved at {saved_at:?}");
        }
        ours.store().clear_expired(now, 100).await.unwrap();
        django.ask(json!(["clear"]));
        let names = |folder: &Folder| {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            names.collect::<std::collections::BTreeSet<_>>()
        };
        let (kept, theirs_kept) = (names(&ours), names(&theirs));
        assert_eq!(kept.len(), 4);
        assert!(kept.is_subset(&theirs_kept));
        for file in std::fs::read_dir(ours.path())
            .unwrap()
            .chain(std::fs::read_dir(theirs.path()).unwrap())
        {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

fn value(stored: &Stored) -> Value {
    let bytes = codec().decode(stored.version.as_text().unwrap()).unwrap();
    let data = SessionData::from_bytes(bytes).unwrap();
    serde_json::from_str(data.text()).unwrap()
}

/// A process with Django's engine; it ends when it is dropped.
struct Django {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Django {
    /// One of each release that is set up; says so if there is none.
    fn each(folder: &Path) -> Vec<Self> {
        let venvs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/venv");
        let pythons =
            ["tests", "django-4.2", "django-5.2"].map(|name| venvs.join(name).join("bin/python"));
        let found: Vec<_> = pythons.iter().filter(|python| python.exists()).collect();
        if found.is_empty() {
            eprintln!("left out: no Django is set up; run tests/setup");
        }
        found
            .into_iter()
            .map(|python| Self::start(python, folder))
            .collect()
    }

    fn start(python: &Path, folder: &Path) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/file/django_engine.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(folder)
            .arg(SECRET)
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
