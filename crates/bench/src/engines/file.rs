//! Files by the system's calls alone: written apart, flushed, renamed, and the folder flushed. Nobody locks them, and
//! a Django that writes between the look and the renaming loses its change.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use cloakroom_core::session::{Codec, Lifetime, Record, SessionData, SessionKey, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::FileStore;
use tempfile::NamedTempFile;

use super::side::{Side, Way, codec};

pub(super) fn store(folder: &Path) -> FileStore {
    fs::create_dir(folder).expect("the folder above is ours");
    FileStore::open(folder, "sessionid", codec(), Lifetime::DJANGO).expect("the folder is there")
}

pub(super) struct Bare {
    folder: PathBuf,
    way: Way,
    codec: Codec,
}

impl Bare {
    pub(super) fn open(folder: PathBuf, way: Way) -> Self {
        fs::create_dir(&folder).expect("the folder above is ours");
        Self {
            folder,
            way,
            codec: codec(),
        }
    }

    fn path(&self, key: &SessionKey) -> PathBuf {
        self.folder.join(format!("sessionid{}", key.as_str()))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> T {
        let done = match self.way {
            Way::Handed => {
                let handed = tokio::task::spawn_blocking(work);
                handed.await.expect("it does not panic")
            }
            Way::Here | Way::Async => work(),
        };
        done.expect("the disk is there")
    }
}

impl Side for Bare {
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData> {
        let path = self.path(key);
        let (text, saved) = self
            .run(move || {
                let mut file = File::open(path)?;
                let saved = file.metadata()?.modified()?;
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                Ok((text, saved))
            })
            .await;
        let data = SessionData::from_bytes(self.codec.decode(&text).ok()?).ok()?;
        let end = Lifetime::DJANGO.expiry_date(&data, saved.into());
        (end > now).then_some(data)
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let (path, text) = (self.path(key), record.signed_text().clone());
        let version = Version::of_text(text.clone());
        let folder = self.folder.clone();
        let kept = self.run(move || {
            let file = finished(&folder, &text)?;
            match file.persist_noclobber(path) {
                Ok(_) => flush(&folder).map(|()| true),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error.error),
            }
        });
        kept.await.then_some(version)
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        _: Timestamp,
    ) -> Option<Version> {
        let (path, text) = (self.path(key), record.signed_text().clone());
        let version = Version::of_text(text.clone());
        let (folder, seen) = (self.folder.clone(), seen.clone());
        let replaced = self.run(move || {
            if fs::read(&path)? != seen.as_bytes() {
                return Ok(false);
            }
            let file = finished(&folder, &text)?;
            file.persist(path).map_err(|error| error.error)?;
            flush(&folder).map(|()| true)
        });
        replaced.await.then_some(version)
    }
}

/// A file of its own name, on the disk.
fn finished(folder: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
