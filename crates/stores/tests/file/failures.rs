//! Each way to fail is an error in time that names the fix, and afterwards the store works again.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cloakroom_core::session::{Deleted, Lifetime, SessionKey, Store as _, StoreError, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{FileOptions, FileStore};

use crate::child::{done, folder, run};
use crate::folder::{Folder, codec, created, loaded, open, saved};

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let nowhere = folder.path().join("deeper");
    let open =
        |path: &Path| FileStore::open(path, "sessionid", codec(), Lifetime::DJANGO).unwrap_err();
    says(&open(&nowhere), "SESSION_FILE_PATH");
    fs::write(&nowhere, "").unwrap();
    says(&open(&nowhere), "SESSION_FILE_PATH");
}

#[tokio::test]
async fn a_folder_that_goes_is_no_logout_and_one_that_comes_back_is_used() {
    let folder = Folder::new();
    let path = folder.path().join("sessions");
    let away = folder.path().join("away");
    fs::create_dir(&path).unwrap();
    let store = open(&path, FileOptions::default());
    let (key, version) = created(&store, "{}").await;
    fs::rename(&path, &away).unwrap();
    for error in each_call(&store, &key, &version).await {
        says(&error, "is not there");
    }
    fs::rename(&away, &path).unwrap();
    assert!(loaded(&store, &key).await.is_some());
}

#[tokio::test]
async fn a_lock_that_lasts_is_an_error_in_time() {
    let folder = Folder::new();
    let store = folder.hasty();
    let (key, version) = created(&store, "{}").await;
    let held = File::open(folder.file(&key)).unwrap();
    held.lock().unwrap();
    let now = Timestamp::now();
    let start = Instant::now();
    let record = saved(r#"{"a":1}"#, now);
    let error = store.replace(&key, &version, &record, now).await;
    says(&error.unwrap_err(), "its lock is held");
    for seen in [None, Some(&version)] {
        let error = store.delete(&key, seen, now).await;
        says(&error.unwrap_err(), "its lock is held");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(
        loaded(&store, &key).await.is_some(),
        "reading takes no lock"
    );
    drop(held);
    let deleted = store.delete(&key, Some(&version), now).await.unwrap();
    assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
}

#[tokio::test]
async fn a_key_that_fits_no_file_is_not_created() {
    let folder = Folder::new();
    let key = SessionKey::parse("../abcdefgh").unwrap();
    let record = saved("{}", Timestamp::now());
    let error = folder.store().create(&key, &record).await.unwrap_err();
    says(&error, "a-z and 0-9");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_the_old_text_stays() {
    // The signal that the system sends as well ends a process that does not ignore it.
    run_on_one_session(
        "failures::child_whose_files_may_not_grow",
        "trap '' XFSZ; ulimit -f 0;",
    );
}

/// Not a test of its own: what the process above does.
#[tokio::test]
async fn child_whose_files_may_not_grow() {
    let Some(folder) = folder() else { return };
    nothing_can_be_written(&folder, "ulimit -f").await;
}

#[test]
fn a_full_disk_is_an_error_and_the_old_text_stays() {
    let Some(mount) = mounting("mount -t tmpfs -o size=16k none \"$DISK\" &&") else {
        return;
    };
    run_on_one_session("failures::child_on_a_full_disk", &mount);
}

/// Not a test of its own: what the process above does.
#[tokio::test]
async fn child_on_a_full_disk() {
    let Some(folder) = folder() else { return };
    let store = open(&folder, FileOptions::default());
    let (key, version) = created(&store, r#"{"old":1}"#).await;
    let filler = folder.join("filler");
    let mut full = File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut full, &[b'x'; 512]).is_ok() {}
    drop(full);
    cannot_write(&store, &folder, &key, &version, "make room").await;
    let deleted = store.delete(&key, Some(&version), Timestamp::now()).await;
    assert!(
        matches!(deleted, Ok(Deleted::Deleted)),
        "a logout needs no room"
    );
    fs::remove_file(filler).unwrap();
    created(&store, "{}").await;
    done();
}

#[test]
fn a_read_only_disk_is_read_and_not_written() {
    let Some(mount) =
        mounting("mount --bind \"$DISK\" \"$DISK\" && mount -o remount,bind,ro \"$DISK\" &&")
    else {
        return;
    };
    run_on_one_session("failures::child_on_a_read_only_disk", &mount);
}

/// Not a test of its own: what the process above does.
#[tokio::test]
async fn child_on_a_read_only_disk() {
    let Some(folder) = folder() else { return };
    nothing_can_be_written(&folder, "read-only").await;
}

#[test]
fn too_many_open_files_are_an_error_and_no_logout() {
    run_on_one_session("failures::child_with_too_many_open_files", "ulimit -n 64;");
}

/// Not a test of its own: what the process above does.
#[tokio::test]
async fn child_with_too_many_open_files() {
    let Some(folder) = folder() else { return };
    let (store, key, version) = the_one_session(&folder).await;
    let mut open_files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open_files.push(file);
    }
    for error in each_call(&store, &key, &version).await {
        says(&error, "ulimit -n");
    }
    drop(open_files);
    assert!(loaded(&store, &key).await.is_some());
    created(&store, "{}").await;
    done();
}

/// Makes a session and has `child` look at it, in a process of its own that `shell` has prepared.
fn run_on_one_session(child: &str, shell: &str) {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let (key, _) = runtime.block_on(created(&folder.store(), r#"{"old":1}"#));
    assert!(folder.file(&key).exists());
    run(
        child,
        folder.path(),
        &shell.replace("$DISK", &folder.path().display().to_string()),
    );
}

/// A shell's words that run the rest with a mount of its own, which ends with it; `None` where that is not
/// allowed.
fn mounting(mount: &str) -> Option<String> {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("left out: this user may not mount anything");
        return None;
    }
    // The outer shell becomes the inner one, which has the same words to go on with.
    Some(format!(
        "if [ -z \"$MOUNTED\" ]; then export MOUNTED=1; exec unshare -rm sh -c '{mount} exec \"$0\" \"$@\"' \"$0\" \"$@\"; fi;"
    ))
}

async fn the_one_session(folder: &Path) -> (FileStore, SessionKey, Version) {
    let store = open(folder, FileOptions::default());
    let names = fs::read_dir(folder).unwrap();
    let mut names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let key = names.find_map(|name| SessionKey::parse(name.strip_prefix("sessionid")?));
    let key = key.unwrap();
    let version = loaded(&store, &key).await.unwrap().version;
    (store, key, version)
}

async fn nothing_can_be_written(folder: &Path, reason: &str) {
    let (store, key, version) = the_one_session(folder).await;
    cannot_write(&store, folder, &key, &version, reason).await;
    done();
}

async fn cannot_write(
    store: &FileStore,
    folder: &Path,
    key: &SessionKey,
    version: &Version,
    reason: &str,
) {
    let now = Timestamp::now();
    let before = fs::read_dir(folder).unwrap().count();
    let record = saved(&format!(r#"{{"new":"{}"}}"#, "x1y2z3".repeat(5_000)), now);
    let error = store.replace(key, version, &record, now).await;
    says(&error.unwrap_err(), reason);
    let new = SessionKey::generate().unwrap();
    says(&store.create(&new, &record).await.unwrap_err(), reason);
    assert!(loaded(store, &new).await.is_none());
    assert_eq!(loaded(store, key).await.unwrap().version, *version);
    assert_eq!(
        fs::read_dir(folder).unwrap().count(),
        before,
        "nothing lies about"
    );
}

async fn each_call(store: &FileStore, key: &SessionKey, version: &Version) -> Vec<StoreError> {
    let now = Timestamp::now();
    let record = saved(r#"{"a":1}"#, now);
    let other = SessionKey::generate().unwrap();
    vec![
        store.load(key, now).await.unwrap_err(),
        store.load(&other, now).await.unwrap_err(),
        store.create(&other, &record).await.unwrap_err(),
        store.replace(key, version, &record, now).await.unwrap_err(),
        store.delete(key, None, now).await.unwrap_err(),
        store.delete(key, Some(version), now).await.unwrap_err(),
        store.clear_expired(now, 10).await.unwrap_err(),
    ]
}

fn says(error: &StoreError, text: &str) {
    let message = error.to_string();
    assert!(message.contains(text), "{message}");
    let source = std::error::Error::source(error).map(ToString::to_string);
    let whole = format!("{message} {}", source.unwrap_or_default());
    assert!(!whole.contains("sessionid"), "{whole}");
}
