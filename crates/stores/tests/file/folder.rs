//! A folder of session files for one test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{
    Codec, Created, Lifetime, Record, Replaced, SessionKey, Store as _, Stored, Version,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{FileOptions, FileStore};
use tempfile::TempDir;

/// The key with which `cloakroom_testing::record` signs too.
pub(crate) const SECRET: &str = "a key for tests, of 32 bytes and more";

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, key: &SessionKey) -> PathBuf {
        self.path().join(format!("sessionid{}", key.as_str()))
    }

    pub(crate) fn store(&self) -> FileStore {
        open(self.path(), FileOptions::default())
    }

    /// One that does not wait for long.
    pub(crate) fn hasty(&self) -> FileStore {
        let deadline = Duration::from_millis(200);
        let options = FileOptions {
            deadline,
            ..FileOptions::default()
        };
        open(self.path(), options)
    }

    /// How many files that were never finished lie about.
    pub(crate) fn unfinished(&self) -> usize {
        let files = std::fs::read_dir(self.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("_out_")).count()
    }
}

pub(crate) fn open(path: &Path, options: FileOptions) -> FileStore {
    FileStore::open_with(path, "sessionid", codec(), Lifetime::DJANGO, options).unwrap()
}

pub(crate) fn codec() -> Codec {
    let key = SecretKey::new(SECRET).unwrap();
    Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Always)
}

/// A record as a site saves it now.
pub(crate) fn saved(json: &str, now: Timestamp) -> Record {
    let data = cloakroom_core::session::SessionData::from_bytes(json.as_bytes().to_vec()).unwrap();
    let end = Lifetime::DJANGO.expiry_date(&data, now);
    Record::new(json.into(), end, codec(), now)
}

pub(crate) async fn created(store: &FileStore, json: &str) -> (SessionKey, Version) {
    let key = SessionKey::generate().unwrap();
    match store.create(&key, &saved(json, Timestamp::now())).await {
        Ok(Created::Created(version)) => (key, version),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn loaded(store: &FileStore, key: &SessionKey) -> Option<Stored> {
    store.load(key, Timestamp::now()).await.unwrap()
}

/// Loads, and saves what `change` makes of the JSON text, until nobody was between.
pub(crate) async fn changed(
    store: &FileStore,
    key: &SessionKey,
    mut change: impl FnMut(&str) -> String,
) -> Option<Version> {
    let now = Timestamp::now();
    let mut stored = store.load(key, now).await.unwrap()?;
    loop {
        let json = codec().decode(stored.version.as_text().unwrap()).unwrap();
        let json = change(&String::from_utf8(json).unwrap());
        let record = saved(&json, now);
        match store.replace(key, &stored.version, &record, now).await {
            Ok(Replaced::Replaced(version)) => return Some(version),
            Ok(Replaced::Changed(theirs)) => stored = theirs,
            Ok(Replaced::Gone) => return None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The `n` of `{"n": …}`.
pub(crate) fn number(json: &str) -> u64 {
    let digits: String = json.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
