//! What the first start makes: a database, a secret key, a few pupils, classes and goods.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom::auth::{CreateUser, UserRow, UserStore as _};
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::time::Timestamp;
use cloakroom::{Cloakroom, Config, SqliteStore, Templates};

use crate::database::Database;
use crate::lessons::tracking::{Recorder, record_login};
use crate::{Failure, contents};

/// Everybody's password in this classroom, which its login page tells.
pub(crate) const PASSWORD: &str = "chalk on a blackboard";

const PUPILS: [(&str, &str); 3] = [("ann", "Ann"), ("ben", "Ben"), ("cleo", "Cleo")];

/// What the pages stand on.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) cloakroom: Cloakroom,
    /// Tables of our own, in the same file.
    pub(crate) database: Database,
    /// For pages outside the layer.
    pub(crate) templates: Templates,
    /// Of visits, for the lesson `/tracking/`.
    pub(crate) recorder: Recorder,
}

/// Opens the classroom, and makes what is not there yet.
pub(crate) async fn open(path: &Path) -> Result<Place, Failure> {
    let secret_key = secret_key(path)?;
    let is_new = !path.exists();
    let store = if is_new {
        SqliteStore::create(path).await?
    } else {
        SqliteStore::open(path).await?
    };
    let _ = store.migrate(Timestamp::now()).await?;
    let _ = store.make_session_list().await?;
    let database = Database::open(path)?;

    let config = Config::strict(Secrets::new(secret_key));
    for (username, first_name) in PUPILS {
        if store.by_username(username).await?.is_some() {
            continue;
        }
        let mut pupil = UserRow::new("", username, Timestamp::now());
        pupil.first_name = first_name.into();
        pupil.password = config.login.hashers.make(PASSWORD.as_bytes())?;
        let _ = store.create_user(&pupil, CreateUser::Always).await?;
    }
    let templates = contents::templates();
    let recorder = Recorder::start(database.clone());
    let listener = recorder.clone();
    let cloakroom = Cloakroom::new(config, store.clone(), store.clone())
        .with_session_list(Arc::new(store))
        .with_templates(templates.clone())
        .on_auth_event(move |event| record_login(&listener, event));
    Ok(Place {
        cloakroom,
        database,
        templates,
        recorder,
    })
}

/// The key beside the database, which only this user can read. Whoever has it can sign in as anybody.
fn secret_key(database: &Path) -> Result<SecretKey, Failure> {
    let mut path = database.as_os_str().to_owned();
    path.push("-secret-key");
    let mut new = OpenOptions::new();
    match new.write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let mut bytes = [0; 48];
            getrandom::fill(&mut bytes)?;
            file.write_all(STANDARD.encode(bytes).as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    Ok(SecretKey::new(fs::read(&path)?)?)
}
