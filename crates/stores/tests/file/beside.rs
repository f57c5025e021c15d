//! Beside someone who writes as Django does: whole files, by a rename, without a lock.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloakroom_core::session::{Deleted, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;

use crate::folder::{Folder, changed, codec, created, loaded, number};

/// Django's numbers are multiples of this; ours are added to the one we last saw.
const STEP: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn no_change_of_a_django_s_is_written_over() {
    let folder = Folder::new();
    let store = folder.store();
    let (key, _) = created(&store, r#"{"n":0}"#).await;
    let seen = AtomicU64::new(0);
    let path = folder.file(&key);
    let stop = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let django = scope.spawn(|| {
            for round in 1..=ROUNDS {
                save_as_django(&path, &format!(r#"{{"n":{}}}"#, round * STEP));
                let patience = Instant::now() + Duration::from_secs(20);
                // What was written over is never seen.
                while seen.load(Ordering::SeqCst) < round {
                    assert!(Instant::now() < patience, "change {round} is lost");
                    std::thread::yield_now();
                }
            }
        });
        let runtime = tokio::runtime::Handle::current();
        let (store, key, seen, stop) = (&store, &key, &seen, &stop);
        let ours = scope.spawn(move || {
            while stop.load(Ordering::SeqCst) == 0 {
                let one_more = |json: &str| format!(r#"{{"n":{}}}"#, number(json) + 1);
                let version = runtime.block_on(changed(store, key, one_more)).unwrap();
                let json = codec().decode(version.as_text().unwrap()).unwrap();
                let number = number(&String::from_utf8(json).unwrap());
                seen.fetch_max(number / STEP, Ordering::SeqCst);
            }
        });
        let result = django.join();
        stop.store(1, Ordering::SeqCst);
        ours.join().unwrap();
        result.unwrap();
    });
    assert_eq!(folder.unfinished(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_save_of_ours_brings_back_what_a_django_deletes() {
    let folder = Folder::new();
    let store = folder.store();
    for round in 0..ROUNDS {
        let (key, _) = created(&store, r#"{"n":0}"#).await;
        let path = folder.file(&key);
        let django = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(round * 7));
            fs::remove_file(path).unwrap();
        });
        let one_more = |json: &str| format!(r#"{{"n":{}}}"#, number(json) + 1);
        while !django.is_finished() {
            changed(&store, &key, one_more).await;
        }
        django.join().unwrap();
        assert!(loaded(&store, &key).await.is_none(), "round {round}");
    }
    assert_eq!(folder.unfinished(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_django_changes_is_not_deleted_as_what_was_seen() {
    let folder = Folder::new();
    let store = folder.store();
    let (mut deleted, mut kept) = (0, 0);
    for round in 0..ROUNDS {
        let (key, seen) = created(&store, r#"{"n":0}"#).await;
        let path = folder.file(&key);
        let django = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(round % 50 * 10));
            // As in Django, a session that is not there is not written.
            let there = path.exists();
            save_over_as_django(&path, r#"{"n":7}"#, there)
        });
        let outcome = store.delete(&key, Some(&seen), Timestamp::now()).await;
        let wrote = django.join().unwrap();
        match outcome.unwrap() {
            Deleted::Changed(_) => {
                assert!(wrote && loaded(&store, &key).await.is_some());
                kept += 1;
            }
            // A Django that looked before and renamed after brings it back: its own window.
            Deleted::Deleted => deleted += 1,
            Deleted::Gone => panic!("nobody else deletes it"),
        }
    }
    eprintln!("{deleted} deleted, {kept} kept for their change");
    assert!(deleted > 0);
}

/// A temporary file and a rename, as `save` of Django's engine ends.
fn save_as_django(path: &Path, json: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let unfinished = path.with_file_name(format!("{name}_out_django"));
    fs::write(&unfinished, codec().encode(json, Timestamp::now())).unwrap();
    fs::rename(unfinished, path).unwrap();
}

fn save_over_as_django(path: &Path, json: &str, there: bool) -> bool {
    if there {
        save_as_django(path, json);
    }
    there
}

#[tokio::test]
async fn what_is_no_file_of_a_session_s_is_no_session() {
    let folder = Folder::new();
    let store = folder.store();
    let key = |text: &str| SessionKey::parse(text).unwrap();
    let (other, _) = created(&store, "{}").await;
    let at = |name: &str| folder.file(&key(name));
    fs::create_dir(at("aaaaaaaa")).unwrap();
    std::os::unix::fs::symlink(folder.file(&other), at("bbbbbbbb")).unwrap();
    fs::write(at("cccccccc"), "").unwrap();
    fs::write(at("dddddddd"), b"\xff\xfe").unwrap();
    let pipe = at("eeeeeeee");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .unwrap();
    for name in [
        "aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee", "ffffffff",
    ] {
        assert!(loaded(&store, &key(name)).await.is_none(), "{name}");
    }
    // Whatever stands where such a key would lead.
    fs::create_dir(folder.path().join("sessionid..")).unwrap();
    for name in ["ABCDEFGH", "../abcdefgh", "abcd\u{e9}fgh"] {
        fs::copy(folder.file(&other), at(name)).unwrap();
        let _ = store.delete(&key(name), None, Timestamp::now()).await;
        assert!(at(name).exists(), "{name}");
    }
    for name in ["ABCDEFGH", "../abcdefgh", "abcd\u{e9}fgh", &"a".repeat(300)] {
        assert!(loaded(&store, &key(name)).await.is_none(), "{name}");
        let deleted = store.delete(&key(name), None, Timestamp::now()).await;
        assert!(matches!(deleted, Ok(Deleted::Gone)), "{deleted:?}");
    }
}

const ROUNDS: u64 = 150;
