//! Every sentence of the contract of the list of sessions.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloakroom_core::auth::{SessionEntry, SessionList};
use cloakroom_core::session::{SessionKey, Store};
use cloakroom_core::time::Timestamp;

use crate::record;

/// Holds a list to the contract written at [`SessionList`]; `make` opens a new, empty one at every call, in a database that
/// keeps sessions too. `clears` says whether rows of sessions that are over are for it to remove.
///
/// # Panics
/// The list breaks the contract.
pub async fn session_list_contract<L, F>(make: impl Fn() -> F, clears: bool)
where
    L: SessionList + Store + 'static,
    F: Future<Output = Arc<L>>,
{
    what_was_listed_is_found_by_its_user_alone(&*make().await).await;
    a_key_is_listed_once_and_its_id_stays(&*make().await).await;
    a_session_under_two_keys_is_one(&*make().await).await;
    the_last_seen_come_first(&*make().await).await;
    many_are_seen_at_once(&*make().await).await;
    all_who_come_at_once_are_listed(make().await).await;
    every_record_is_looked_at_once(&*make().await).await;
    what_is_over_is_cleared(&*make().await, clears).await;
}

async fn what_was_listed_is_found_by_its_user_alone(list: &dyn SessionList) {
    assert!(list.is_kept().await.unwrap());
    let mut full = entry("7", 1);
    full.address = Some("2001:db8::7".parse().unwrap());
    full.user_agent = r#"'); DROP TABLE x; -- "\ {"#.into();
    let plain = entry("7", 2);
    let others = entry("8", 3);
    for entry in [&full, &plain, &others] {
        list.add(entry).await.unwrap();
    }
    assert_eq!(all(list, "7").await, [plain.clone(), full.clone()]);
    assert_eq!(all(list, "8").await, std::slice::from_ref(&others));
    for nobody in ["", "9", "x", "7 OR 1=1", "07", "\0"] {
        assert_eq!(all(list, nobody).await, [], "{nobody:?}");
    }
    let found = list.by_key("7", &full.key).await.unwrap();
    assert_eq!(found, Some(full.clone()));
    assert_eq!(list.by_key("8", &full.key).await.unwrap(), None);
    assert_eq!(list.by_key("7", &key(99)).await.unwrap(), None);
    list.remove(&full.key).await.unwrap();
    list.remove(&full.key).await.unwrap();
    assert_eq!(all(list, "7").await, [plain]);
    assert_eq!(all(list, "8").await, [others]);
}

async fn a_key_is_listed_once_and_its_id_stays(list: &dyn SessionList) {
    let first = entry("7", 1);
    list.add(&first).await.unwrap();
    let mut again = SessionEntry {
        key: first.key.clone(),
        address: Some("203.0.113.7".parse().unwrap()),
        user_agent: "another".into(),
        ..entry("7", 9)
    };
    list.add(&again).await.unwrap();
    again.id = first.id;
    again.created = first.created;
    assert_eq!(all(list, "7").await, [again]);
}

async fn a_session_under_two_keys_is_one(list: &dyn SessionList) {
    let before = entry("7", 1);
    list.add(&before).await.unwrap();
    let renewed = SessionEntry {
        key: key(2),
        last_seen: moment(2),
        ..before.clone()
    };
    list.add(&renewed).await.unwrap();
    assert_eq!(all(list, "7").await, [renewed.clone(), before.clone()]);
    list.remove(&before.key).await.unwrap();
    assert_eq!(all(list, "7").await, [renewed]);
}

async fn the_last_seen_come_first(list: &dyn SessionList) {
    let entries: Vec<_> = [2, 1, 3].map(|number| entry("7", number)).into();
    for entry in &entries {
        list.add(entry).await.unwrap();
    }
    let order = |found: &[SessionEntry]| -> Vec<SessionKey> {
        found.iter().map(|entry| entry.key.clone()).collect()
    };
    assert_eq!(order(&all(list, "7").await), [key(3), key(2), key(1)]);
    let two = list.of_user("7", 2).await.unwrap();
    assert_eq!(order(&two), [key(3), key(2)]);
    // Later than two of them, and unknown.
    let keys = [key(1), key(3), key(99)];
    list.seen(&keys, between(2, 3)).await.unwrap();
    let found = all(list, "7").await;
    assert_eq!(order(&found), [key(3), key(1), key(2)]);
    assert_eq!(found[0].last_seen, moment(3), "nothing goes back");
    assert_eq!(found[1].last_seen, between(2, 3));
    assert_eq!(found[1].created, moment(1));
    list.seen(&[], moment(9)).await.unwrap();
    assert_eq!(all(list, "7").await, found);
}

async fn many_are_seen_at_once(list: &dyn SessionList) {
    let mut keys = Vec::new();
    for number in 0..130 {
        let entry = entry("7", number);
        list.add(&entry).await.unwrap();
        keys.push(entry.key);
    }
    let (later, last) = (moment(1000), keys.pop().unwrap());
    list.seen(&keys, later).await.unwrap();
    let found = all(list, "7").await;
    assert_eq!(found.len(), 130);
    for entry in found {
        assert_eq!(entry.last_seen == later, entry.key != last);
    }
}

async fn all_who_come_at_once_are_listed(list: Arc<impl SessionList + 'static>) {
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let list = Arc::clone(&list);
            tokio::spawn(async move { list.add(&entry("7", number)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(all(&*list, "7").await.len(), 20);
}

async fn every_record_is_looked_at_once(list: &(impl SessionList + Store)) {
    let now = moment(5);
    let mut expected = BTreeSet::new();
    for number in 0..7 {
        let created = Store::create(list, &key(number), &record(DATA, moment(100))).await;
        let _ = created.unwrap();
        expected.insert(key(number).as_str().to_owned());
    }
    let _ = Store::create(list, &key(50), &record(DATA, moment(4)))
        .await
        .unwrap();
    let mut found = Vec::new();
    loop {
        let after = found.last().map_or("", String::as_str);
        let page = list.records(after, now, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        for (key, stored) in page {
            let parsed = SessionKey::parse(&key).unwrap();
            let there = Store::load(list, &parsed, now).await.unwrap().unwrap();
            assert!(stored.unwrap().version == there.version);
            found.push(key);
        }
    }
    assert_eq!(found.len(), 7, "each once, and none that has expired");
    assert_eq!(BTreeSet::from_iter(found), expected);
}

async fn what_is_over_is_cleared(list: &(impl SessionList + Store), clears: bool) {
    // Over, alive, expired, and seen lately.
    for number in [1, 2, 3, 9] {
        list.add(&entry("7", number)).await.unwrap();
    }
    for (number, end) in [(2, 100), (3, 6)] {
        let record = record(DATA, moment(end));
        let _ = Store::create(list, &key(number), &record).await.unwrap();
    }
    let clear = async |at_most| {
        let cleared = list.clear_unseen(moment(5), moment(7), at_most);
        cleared.await.unwrap()
    };
    let counts = [clear(1).await, clear(10).await, clear(10).await];
    let left: Vec<_> = all(list, "7").await.into_iter().map(|it| it.key).collect();
    if clears {
        assert_eq!(counts, [1, 1, 0]);
        assert_eq!(left, [key(9), key(2)]);
    } else {
        assert_eq!((counts, left.len()), ([0; 3], 4));
    }
}

async fn all(list: &dyn SessionList, user: &str) -> Vec<SessionEntry> {
    list.of_user(user, 1000).await.unwrap()
}

/// A session that was begun at that moment.
fn entry(user: &str, number: u32) -> SessionEntry {
    SessionEntry::new(user, key(number), moment(number), None, b"Firefox").unwrap()
}

fn key(number: u32) -> SessionKey {
    SessionKey::parse(&format!("session-number-{number:04}")).unwrap()
}

fn moment(minute: u32) -> Timestamp {
    Timestamp::from_unix_micros(1_700_000_000_123_456 + i64::from(minute) * 60_000_000)
}

fn between(first: u32, second: u32) -> Timestamp {
    let middle = moment(first)
        .unix_micros()
        .midpoint(moment(second).unix_micros());
    Timestamp::from_unix_micros(middle)
}

const DATA: &str = r#"{"a": 1}"#;
