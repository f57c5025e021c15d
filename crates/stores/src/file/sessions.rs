//! Files, by the contract of [`Store`].

use std::io;
use std::path::Path;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;
use rustix::fs::OFlags;

use super::lock::{Locked, Moved, open, read};
use super::{FileStore, Files, Patience};

#[async_trait]
impl Store for FileStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let Some(path) = self.0.files.names.path(key) else {
            return Ok(None);
        };
        self.run(self.0.options.deadline, move |files, _| {
            let Some(file) = open(&path, OFlags::RDONLY)? else {
                return files.names.check_folder().map(|()| None);
            };
            let found = read(&file)?;
            let found = found.map(|(text, modified)| files.stored(text, modified));
            Ok(found.filter(|stored| stored.expire_date > now))
        })
        .await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let path = self.0.files.names.path(key).ok_or_else(|| {
            StoreError::new("no file can be named after a session key that is not of a-z and 0-9")
        })?;
        let entry = Entry::of(record);
        self.run(self.0.options.deadline, move |files, patience| {
            let file = files.finished(&path, &entry.text, files.saved_at(&entry))?;
            patience.check()?;
            Ok(if file.place_new(files, &path)? {
                Created::Created(Version::of_text(entry.text))
            } else {
                Created::KeyTaken
            })
        })
        .await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let Some(path) = self.0.files.names.path(key) else {
            return Ok(Replaced::Gone);
        };
        let (seen, entry) = (seen.clone(), Entry::of(record));
        self.run(self.0.options.deadline, move |files, patience| {
            files.replace(&path, &seen, &entry, now, patience)
        })
        .await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let Some(path) = self.0.files.names.path(key) else {
            return Ok(Deleted::Gone);
        };
        let seen = seen.cloned();
        self.run(self.0.options.deadline, move |files, patience| {
            files.delete(&path, seen.as_ref(), now, patience)
        })
        .await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.run(self.0.options.clearing_deadline, move |files, patience| {
            files.clear_expired(now, at_most, patience)
        })
        .await
    }
}

/// A record as a file holds it.
struct Entry {
    text: std::sync::Arc<str>,
    expire_date: Timestamp,
    saved_at: Timestamp,
}

impl Entry {
    fn of(record: &Record) -> Self {
        Self {
            text: record.signed_text().clone(),
            expire_date: record.expire_date(),
            saved_at: record.saved_at(),
        }
    }
}

impl Files {
    /// The time of modification with which a file ends when the record does, for Django and for us. That is
    /// when it was saved, unless the record was made by other rules than this store's.
    fn saved_at(&self, entry: &Entry) -> Timestamp {
        if self.expire_date(&entry.text, entry.saved_at) == entry.expire_date {
            return entry.saved_at;
        }
        let late = self.expire_date(&entry.text, entry.expire_date);
        let age = late.micros_since(entry.expire_date);
        Timestamp::from_unix_micros(entry.expire_date.unix_micros().saturating_sub(age))
    }

    /// The file under its lock, and what is in it unless that has expired.
    fn locked(
        &self,
        path: &Path,
        patience: Patience,
    ) -> io::Result<Option<(Locked, Option<Stored>)>> {
        let Some(locked) = Locked::at(path, patience)? else {
            return self.names.check_folder().map(|()| None);
        };
        let found = locked.read()?;
        let stored = found.map(|(text, modified)| self.stored(text, modified));
        Ok(Some((locked, stored)))
    }

    fn replace(
        &self,
        path: &Path,
        seen: &Version,
        entry: &Entry,
        now: Timestamp,
        patience: Patience,
    ) -> io::Result<Replaced> {
        loop {
            let Some((locked, Some(stored))) = self.locked(path, patience)? else {
                return Ok(Replaced::Gone);
            };
            if stored.expire_date <= now {
                return Ok(Replaced::Gone);
            }
            if stored.version != *seen {
                return Ok(Replaced::Changed(stored));
            }
            let saved_at = self.saved_at(entry);
            let placed = if seen.as_bytes() == entry.text.as_bytes() {
                patience.check()?;
                locked.touch(saved_at)?;
                // It may have lost its name to a Django meanwhile, which has then the last word.
                locked.placed_at(path)?
            } else {
                let file = self.finished(path, &entry.text, saved_at)?;
                file.place(self, path, &locked, patience)?
            };
            match placed {
                Moved::Done => {
                    return Ok(Replaced::Replaced(Version::of_text(entry.text.clone())));
                }
                Moved::Gone => return self.names.check_folder().map(|()| Replaced::Gone),
                Moved::Changed => patience.check()?,
            }
        }
    }

    fn delete(
        &self,
        path: &Path,
        seen: Option<&Version>,
        now: Timestamp,
        patience: Patience,
    ) -> io::Result<Deleted> {
        loop {
            let Some((locked, stored)) = self.locked(path, patience)? else {
                return Ok(Deleted::Gone);
            };
            let (Some(seen), Some(stored)) = (seen, stored) else {
                patience.check()?;
                // With a version seen, an empty file is none: Django may just be writing it.
                return Ok(match seen {
                    None if self.remove(path)? => Deleted::Deleted,
                    _ => Deleted::Gone,
                });
            };
            let expired = stored.expire_date <= now;
            if !expired && stored.version != *seen {
                return Ok(Deleted::Changed(stored));
            }
            match self.remove_same(path, &locked, patience)? {
                Moved::Done if !expired => return Ok(Deleted::Deleted),
                Moved::Done | Moved::Gone => return Ok(Deleted::Gone),
                Moved::Changed => patience.check()?,
            }
        }
    }
}
