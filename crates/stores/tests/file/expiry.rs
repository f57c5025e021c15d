//! When a file ends: by its data where they say so, otherwise by its time of modification.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use cloakroom_core::session::{Replaced, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;

use crate::folder::{Folder, codec, created, saved};

#[tokio::test]
async fn a_file_of_django_s_ends_by_its_data_or_its_age() {
    let folder = Folder::new();
    let store = folder.store();
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    for (json, age) in [
        ("{}", 1_209_600),
        (r#"{"_session_expiry":null}"#, 1_209_600),
        (r#"{"_session_expiry":0}"#, 1_209_600),
        (r#"{"_session_expiry":300}"#, 300),
        (r#"{"_session_expiry":-5}"#, -5),
        (r#"{"_session_expiry":"2023-11-14T22:15:20+00:00"}"#, 120),
        ("not signed by us", 1_209_600),
    ] {
        let key = SessionKey::generate().unwrap();
        let text = if json.starts_with('{') {
            codec().encode(json, now)
        } else {
            json.to_owned()
        };
        std::fs::write(folder.file(&key), text).unwrap();
        let file = File::options()
            .append(true)
            .open(folder.file(&key))
            .unwrap();
        file.set_modified(now.into()).unwrap();
        let end = now.plus_seconds(age);
        let before = store.load(&key, end.plus_seconds(-1)).await.unwrap();
        assert_eq!(before.unwrap().expire_date, end, "{json}");
        assert!(store.load(&key, end).await.unwrap().is_none(), "{json}");
    }
}

#[tokio::test]
async fn a_file_of_ours_is_as_old_as_its_save() {
    let folder = Folder::new();
    let store = folder.store();
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    for json in [
        "{}",
        r#"{"_session_expiry": 300}"#,
        r#"{"_session_expiry": "2099-11-14T22:15:20+00:00"}"#,
    ] {
        let key = SessionKey::generate().unwrap();
        let record = saved(json, now);
        let _ = store.create(&key, &record).await.unwrap();
        let metadata = folder.file(&key).metadata().unwrap();
        assert_eq!(Timestamp::from(metadata.modified().unwrap()), now, "{json}");
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        let stored = store.load(&key, now).await.unwrap().unwrap();
        assert_eq!(stored.expire_date, record.expire_date(), "{json}");
    }
}

#[tokio::test]
async fn saving_again_moves_the_end() {
    let folder = Folder::new();
    let store = folder.store();
    let (key, version) = created(&store, "{}").await;
    let later = Timestamp::now().plus_seconds(86_400);
    let record = saved("{}", later);
    let replaced = store.replace(&key, &version, &record, later).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    let stored = store.load(&key, later).await.unwrap().unwrap();
    assert_eq!(stored.expire_date, record.expire_date());
}
