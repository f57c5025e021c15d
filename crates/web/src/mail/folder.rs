//! Letters as files, for tests and for whoever takes them on from there (Django's `filebased` backend).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use cloakroom_core::time::Timestamp;

use super::{Mail, MailError, Mailer, message};

/// Writes each letter into a file of its own, which only its owner can read.
#[derive(Debug)]
pub struct FolderMailer {
    folder: PathBuf,
    number: AtomicU64,
}

impl FolderMailer {
    /// `folder` is there already (`EMAIL_FILE_PATH`).
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            number: AtomicU64::new(0),
        }
    }

    fn write(&self, letter: &[u8]) -> std::io::Result<()> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (micros, process) = (Timestamp::now().unix_micros(), std::process::id());
        let path = self.folder.join(format!("{micros}-{process}-{number}.eml"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(letter)
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let letter = message::formatted(mail)?;
        // A kilobyte or two: no disk keeps a thread for that.
        let written = self.write(&letter);
        written.map_err(|error| {
            MailError::new("the folder EMAIL_FILE_PATH takes no letters").with_source(error)
        })
    }
}
