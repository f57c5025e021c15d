//! The secret key that a first start makes, in a file beside the database.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_core::secret::{SecretError, SecretKey, parse_key_file};
use zeroize::Zeroizing;

/// Reads the key beside this database; `None` if there is none.
///
/// # Errors
/// The file cannot be read, others can read it, or what it holds is no strong key.
pub fn read_key_file(database: &Path) -> Result<Option<SecretKey>, KeyFileError> {
    let path = path(database);
    let failed = |error| KeyFileError::Unusable(path.clone(), error);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Of the open file, so that nobody can exchange it in between.
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(KeyFileError::Public(path));
    }
    let mut text = Zeroizing::new(String::new());
    io::Read::read_to_string(&mut file, &mut text).map_err(failed)?;
    parse_key_file(&text, SecretKey::parse)
        .map(Some)
        .map_err(|error| KeyFileError::Weak(path, error))
}

/// Makes a key and keeps it beside this database, readable for this user only.
///
/// If another start made one meanwhile, that one is the key: the file appears whole or not at all, and only once.
///
/// # Errors
/// The file cannot be written, or the operating system's random generator does not answer.
pub fn make_key_file(database: &Path) -> Result<SecretKey, KeyFileError> {
    let path = path(database);
    let failed = |error| KeyFileError::Unusable(path.clone(), error);
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).map_err(io::Error::other);
    let (mut bytes, mut draft_name) = (Zeroizing::new([0; 48]), [0; 8]);
    random(&mut *bytes).map_err(failed)?;
    random(&mut draft_name).map_err(failed)?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*bytes)));

    let mut draft = path.clone().into_os_string();
    draft.push(format!(".{:016x}", u64::from_ne_bytes(draft_name)));
    let draft = PathBuf::from(draft);
    let written =
        write(&draft, text.as_bytes()).and_then(|()| match fs::hard_link(&draft, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    // A draft that stays does no harm: only this user can read it.
    let _ = fs::remove_file(&draft);
    written.and_then(|()| sync_folder(&path)).map_err(failed)?;
    read_key_file(database)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

/// Why the key's file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or written.
    Unusable(PathBuf, io::Error),
    /// Others can read it.
    Public(PathBuf),
    /// It holds no strong key.
    Weak(PathBuf, SecretError),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(path, error) => {
                write!(
                    formatter,
                    "the secret key's file {}: {error}",
                    path.display()
                )
            }
            Self::Public(path) => write!(
                formatter,
                "others can read the secret key's file {0}; run `chmod 600 {0}`, and make a new key if others \
                 use this machine",
                path.display()
            ),
            Self::Weak(path, error) => {
                write!(
                    formatter,
                    "the secret key's file {}: {error}",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for KeyFileError {}

/// With SQLite's own `-wal` and `-shm` in one pattern, so that who keeps databases out of a repository keeps
/// the key out as well.
fn path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push("-secret-key");
    path.into()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Sessions must not outlive the file that a power cut takes back.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use cloakroom_core::secret::Secrets;
    use cloakroom_core::signing::Signer;

    use super::*;

    fn signature(key: SecretKey) -> String {
        Signer::new(&Secrets::new(key), "test").sign("same key?")
    }

    #[test]
    fn a_key_is_made_once_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("site.db");
        assert!(read_key_file(&database).unwrap().is_none());
        let first = signature(make_key_file(&database).unwrap());
        assert_eq!(signature(make_key_file(&database).unwrap()), first);
        assert_eq!(signature(read_key_file(&database).unwrap().unwrap()), first);
        let mode = fs::metadata(path(&database)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft stays"
        );
    }

    /// H6.
    #[test]
    fn starts_at_the_same_time_get_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("site.db");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let database = database.clone();
                std::thread::spawn(move || signature(make_key_file(&database).unwrap()))
            })
            .collect();
        let keys: Vec<_> = starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("site.db");
        make_key_file(&database).unwrap();
        for mode in [0o640, 0o604, 0o644] {
            fs::set_permissions(path(&database), fs::Permissions::from_mode(mode)).unwrap();
            let error = read_key_file(&database).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn an_empty_file_is_no_key_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("site.db");
        write(&path(&database), b"").unwrap();
        assert!(matches!(
            read_key_file(&database),
            Err(KeyFileError::Weak(..))
        ));
        assert!(make_key_file(&database).is_err());
    }
}
