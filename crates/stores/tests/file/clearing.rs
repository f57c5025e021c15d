//! Clearing removes what has expired and nothing else, a batch at a time.

use cloakroom_core::session::Store as _;
use cloakroom_core::time::Timestamp;

use crate::folder::{Folder, created, loaded};

#[tokio::test]
async fn each_batch_goes_on_where_the_last_one_stopped() {
    let folder = Folder::new();
    let store = folder.store();
    for _ in 0..25 {
        created(&store, r#"{"_session_expiry":10}"#).await;
    }
    let (stays, _) = created(&store, "{}").await;
    std::fs::write(folder.path().join("sessionidabcdefgh_out_1"), "half").unwrap();
    std::fs::write(folder.path().join("sessionidaaaaaaaa"), "").unwrap();
    std::fs::write(folder.path().join("something else"), "").unwrap();
    let later = Timestamp::now().plus_seconds(60);
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 10);
    // Not looked at again in this walk, so it is the next one's.
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 10);
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 5);
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 0);
    assert!(loaded(&store, &stays).await.is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[tokio::test]
async fn a_file_that_somebody_holds_is_left() {
    let folder = Folder::new();
    let store = folder.store();
    let (key, _) = created(&store, r#"{"_session_expiry":10}"#).await;
    let later = Timestamp::now().plus_seconds(60);
    let held = std::fs::File::open(folder.file(&key)).unwrap();
    held.lock().unwrap();
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 0);
    drop(held);
    assert_eq!(store.clear_expired(later, 10).await.unwrap(), 1);
}
