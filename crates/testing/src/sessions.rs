//! Every sentence of the session store's contract, and random calls against a model of it.

use std::collections::HashMap;
use std::sync::Arc;

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{
    Codec, Created, Deleted, Form, Record, Replaced, SessionKey, Store, Stored, Version,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;

/// Holds a store to the contract written at [`Store`]; `make` opens a new, empty one at every call.
///
/// # Panics
/// The store breaks the contract.
pub async fn store_contract<F: Future<Output = Arc<dyn Store>>>(make: impl Fn() -> F) {
    contract(make, Expired::StaysUntilCleared).await;
}

/// The same for a store of which something removes by itself what has expired, so that nothing is said of clearing.
///
/// # Panics
/// The store breaks the contract.
pub async fn store_contract_without_clearing<F: Future<Output = Arc<dyn Store>>>(
    make: impl Fn() -> F,
) {
    contract(make, Expired::GoesByItself).await;
}

/// What becomes of a record that has expired.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expired {
    StaysUntilCleared,
    /// By a clock that is not the test's.
    GoesByItself,
}

async fn contract<F: Future<Output = Arc<dyn Store>>>(make: impl Fn() -> F, expired: Expired) {
    let store = make().await;
    let store = &*store;
    what_was_created_is_loaded(store).await;
    a_key_is_taken_once(store).await;
    keys_are_compared_byte_for_byte(store).await;
    loading_creates_nothing(store).await;
    a_record_ends_at_its_expiry(store).await;
    the_one_seen_is_replaced(store).await;
    the_same_text_moves_only_the_expiry(store).await;
    another_s_change_is_handed_back(store).await;
    nothing_brings_a_record_back(store).await;
    the_one_seen_is_deleted(store).await;
    an_expired_record_is_gone_and_removed(store).await;
    any_text_is_kept(store).await;
    if expired == Expired::StaysUntilCleared {
        expired_records_are_cleared(&*make().await).await;
    }
    one_of_many_writers_wins(make().await).await;
    one_of_many_creators_wins(make().await).await;
    for seed in 1..=4 {
        random_calls_agree_with_a_model(&*make().await, seed, expired).await;
    }
}

/// A record of `json` that ends at `expire_date`, signed with the tests' key.
///
/// # Panics
/// Never: that key is a good one.
#[must_use]
pub fn record(json: &str, expire_date: Timestamp) -> Record {
    let key = SecretKey::new(*b"a key for tests, of 32 bytes and more")
        .expect("it is long enough and not Django's");
    let codec = Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Never);
    let signed_at = Timestamp::from_unix_seconds(1_700_000_000);
    Record::new(json.into(), expire_date, codec, signed_at)
}

async fn what_was_created_is_loaded(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let one = record(r#"{"a": 1}"#, in_an_hour(now));
    let version = create(store, &key, &one).await;
    let stored = store.load(&key, now).await.unwrap().unwrap();
    assert_holds(&stored, &one);
    assert_eq!(stored.version, version);
}

async fn a_key_is_taken_once(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let one = record(r#"{"a": 1}"#, in_an_hour(now));
    let _ = create(store, &key, &one).await;
    let two = record(r#"{"a": 2}"#, in_an_hour(now));
    assert_eq!(store.create(&key, &two).await.unwrap(), Created::KeyTaken);
    assert_holds(&store.load(&key, now).await.unwrap().unwrap(), &one);
}

/// CVE-2014-0474, CVE-2020-13254.
async fn keys_are_compared_byte_for_byte(store: &dyn Store) {
    let now = this_moment();
    let keys = ["abcdefgh", "ABCDEFGH", "abcdefgh ", "àbcdefgh", "abcdefg%"];
    let [key, others @ ..] = keys.map(|text| SessionKey::parse(text).unwrap());
    let one = record("{}", in_an_hour(now));
    let version = create(store, &key, &one).await;
    for other in &others {
        assert!(store.load(other, now).await.unwrap().is_none(), "{other:?}");
        let replaced = store.replace(other, &version, &one, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Gone), "{replaced:?}");
        let deleted = store.delete(other, None, now).await.unwrap();
        assert!(matches!(deleted, Deleted::Gone), "{deleted:?}");
    }
    assert_holds(&store.load(&key, now).await.unwrap().unwrap(), &one);
}

async fn loading_creates_nothing(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    assert!(store.load(&key, now).await.unwrap().is_none());
    let _ = create(store, &key, &record("{}", in_an_hour(now))).await;
}

async fn a_record_ends_at_its_expiry(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    // A whole second and a fraction: their texts have different lengths.
    for micros in [0, 500_000] {
        let end = Timestamp::from_unix_seconds(now.unix_seconds() + 3600).unix_micros() + micros;
        let at = Timestamp::from_unix_micros;
        let one = record("{}", at(end));
        let version = create(store, &key, &one).await;
        assert!(store.load(&key, at(end - 1)).await.unwrap().is_some());
        for moment in [at(end), at(end + 1)] {
            assert!(store.load(&key, moment).await.unwrap().is_none());
            // The same text and another one: a store may have a call of its own for each.
            for record in [&one, &record(r#"{"a": 1}"#, in_an_hour(moment))] {
                let replaced = store.replace(&key, &version, record, moment).await.unwrap();
                assert!(matches!(replaced, Replaced::Gone), "{replaced:?}");
            }
        }
        assert_eq!(
            store.create(&key, &one).await.unwrap(),
            Created::KeyTaken,
            "an expired record keeps its key"
        );
        let deleted = store.delete(&key, None, at(end)).await.unwrap();
        assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
    }
}

async fn the_one_seen_is_replaced(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let one = record(r#"{"a": 1}"#, in_an_hour(now));
    let version = create(store, &key, &one).await;
    let two = record(r#"{"a": 2}"#, in_an_hour(now).plus_seconds(7));
    let version = replace(store, &key, &version, &two, now).await;
    let stored = store.load(&key, now).await.unwrap().unwrap();
    assert_holds(&stored, &two);
    assert_eq!(stored.version, version);
    // What replace handed back is good for the next change.
    let three = record(r#"{"a": 3}"#, in_an_hour(now));
    let _ = replace(store, &key, &version, &three, now).await;
    assert_holds(&store.load(&key, now).await.unwrap().unwrap(), &three);
}

async fn the_same_text_moves_only_the_expiry(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let one = record(r#"{"a": 1}"#, in_an_hour(now));
    let version = create(store, &key, &one).await;
    let longer = record(r#"{"a": 1}"#, in_an_hour(in_an_hour(now)));
    let after = replace(store, &key, &version, &longer, now).await;
    assert_eq!(after, version, "the expiry is no part of the version");
    let stored = store.load(&key, in_an_hour(now)).await.unwrap().unwrap();
    assert_holds(&stored, &longer);
}

async fn another_s_change_is_handed_back(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let seen = create(store, &key, &record(r#"{"a": 1}"#, in_an_hour(now))).await;
    let theirs = record(r#"{"a": 2}"#, in_an_hour(now));
    let version = replace(store, &key, &seen, &theirs, now).await;
    let ours = record(r#"{"a": 3}"#, in_an_hour(now));
    let Replaced::Changed(stored) = store.replace(&key, &seen, &ours, now).await.unwrap() else {
        panic!("a change by someone else was overwritten");
    };
    assert_holds(&stored, &theirs);
    assert_eq!(stored.version, version);
    // Moving only the expiry is no licence to ignore their change either.
    let same = record(r#"{"a": 1}"#, in_an_hour(now));
    let replaced = store.replace(&key, &seen, &same, now).await.unwrap();
    assert!(matches!(replaced, Replaced::Changed(_)), "{replaced:?}");
    let Deleted::Changed(stored) = store.delete(&key, Some(&seen), now).await.unwrap() else {
        panic!("a change by someone else was deleted");
    };
    assert_holds(&stored, &theirs);
    assert_holds(&store.load(&key, now).await.unwrap().unwrap(), &theirs);
}

async fn nothing_brings_a_record_back(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let one = record("{}", in_an_hour(now));
    let seen = create(store, &key, &one).await;
    let deleted = store.delete(&key, None, now).await.unwrap();
    assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
    for record in [&one, &record(r#"{"a": 1}"#, in_an_hour(now))] {
        let replaced = store.replace(&key, &seen, record, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Gone), "{replaced:?}");
    }
    for seen in [None, Some(&seen)] {
        let deleted = store.delete(&key, seen, now).await.unwrap();
        assert!(matches!(deleted, Deleted::Gone), "{deleted:?}");
    }
    assert!(store.load(&key, now).await.unwrap().is_none());
}

async fn the_one_seen_is_deleted(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let seen = create(store, &key, &record("{}", in_an_hour(now))).await;
    let deleted = store.delete(&key, Some(&seen), now).await.unwrap();
    assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
    assert!(store.load(&key, now).await.unwrap().is_none());
}

async fn an_expired_record_is_gone_and_removed(store: &dyn Store) {
    let (key, now) = (new_key(), this_moment());
    let end = in_an_hour(now);
    let seen = create(store, &key, &record("{}", end)).await;
    let deleted = store.delete(&key, Some(&seen), end).await.unwrap();
    assert!(matches!(deleted, Deleted::Gone), "{deleted:?}");
    assert!(
        store.load(&key, now).await.unwrap().is_none(),
        "it is removed"
    );
}

async fn any_text_is_kept(store: &dyn Store) {
    let now = this_moment();
    let text = r#"\u00e9\ud83e\udde5\u2028'\"%_\\"#.repeat(20_000);
    for json in [
        "{}",
        r#"{"a": "\u0000\ud800", "b": NaN}"#,
        &format!(r#"{{"{text}": "{text}"}}"#),
    ] {
        let key = new_key();
        let one = record(json, in_an_hour(now));
        let version = create(store, &key, &one).await;
        assert_holds(&store.load(&key, now).await.unwrap().unwrap(), &one);
        let two = record(r#"{"b": 2}"#, in_an_hour(now));
        let _ = replace(store, &key, &version, &two, now).await;
    }
}

async fn expired_records_are_cleared(store: &dyn Store) {
    let now = this_moment();
    let end = in_an_hour(now);
    let mut early = Vec::new();
    for _ in 0..5 {
        let key = new_key();
        let _ = create(store, &key, &record("{}", end)).await;
        early.push(key);
    }
    let late = new_key();
    let _ = create(store, &late, &record("{}", end.plus_seconds(60))).await;
    let after = end.plus_seconds(1);
    assert_eq!(
        store.clear_expired(end, 100).await.unwrap(),
        0,
        "before, not at"
    );
    assert_eq!(store.clear_expired(after, 0).await.unwrap(), 0);
    assert_eq!(store.clear_expired(after, 3).await.unwrap(), 3);
    assert_eq!(store.clear_expired(after, 100).await.unwrap(), 2);
    assert_eq!(store.clear_expired(after, 100).await.unwrap(), 0);
    for key in &early {
        assert!(store.load(key, now).await.unwrap().is_none());
    }
    assert!(store.load(&late, after).await.unwrap().is_some());
}

async fn one_of_many_writers_wins(store: Arc<dyn Store>) {
    let (key, now) = (new_key(), this_moment());
    let seen = create(&*store, &key, &record("{}", in_an_hour(now))).await;
    let writers: Vec<_> = (0..16)
        .map(|number| {
            let (store, key, seen) = (Arc::clone(&store), key.clone(), seen.clone());
            tokio::spawn(async move {
                let record = record(&format!(r#"{{"a": {number}}}"#), in_an_hour(now));
                let replaced = store.replace(&key, &seen, &record, now).await.unwrap();
                (record, replaced)
            })
        })
        .collect();
    let mut winners = Vec::new();
    let mut losers = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            (record, Replaced::Replaced(_)) => winners.push(record),
            (_, Replaced::Changed(stored)) => losers.push(stored),
            (_, Replaced::Gone) => panic!("nobody deleted it"),
        }
    }
    assert_eq!(winners.len(), 1);
    for stored in &losers {
        assert_holds(stored, &winners[0]);
    }
}

async fn one_of_many_creators_wins(store: Arc<dyn Store>) {
    let (key, now) = (new_key(), this_moment());
    let creators: Vec<_> = (0..16)
        .map(|number| {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move {
                let record = record(&format!(r#"{{"a": {number}}}"#), in_an_hour(now));
                store.create(&key, &record).await.unwrap()
            })
        })
        .collect();
    let mut winners = 0;
    for creator in creators {
        winners += u32::from(creator.await.unwrap() != Created::KeyTaken);
    }
    assert_eq!(winners, 1);
}

/// One caller, few keys, a clock that runs, versions old and new: each answer is compared with what a
/// map would say.
async fn random_calls_agree_with_a_model(store: &dyn Store, seed: u64, expired: Expired) {
    let keys = [new_key(), new_key(), new_key()];
    let mut model: HashMap<&str, (Version, Timestamp)> = HashMap::new();
    let mut seen: Vec<Version> = Vec::new();
    let mut now = this_moment();
    let mut random = Lcg(seed);
    for step in 0..150 {
        let key = &keys[random.below(keys.len())];
        let name = key.as_str();
        now = now.plus_seconds(i64::try_from(random.below(20)).unwrap());
        let alive = model.get(name).filter(|(_, end)| *end > now).cloned();
        // Texts repeat, so that "the same text again" happens by itself.
        let json = format!(r#"{{"a": {}}}"#, random.below(4));
        let life = i64::try_from(random.below(100)).unwrap() + 1;
        let record = record(&json, now.plus_seconds(life));
        let version = match (random.below(3), &alive) {
            (0, _) if !seen.is_empty() => seen[random.below(seen.len())].clone(),
            (_, Some((version, _))) => version.clone(),
            _ => Version::of_text("never stored"),
        };
        let what = format!("seed {seed}, step {step}");
        match random.below(6) {
            0 => match store.create(key, &record).await.unwrap() {
                Created::Created(version) => {
                    assert!(!model.contains_key(name), "{what}");
                    seen.push(version.clone());
                    model.insert(name, (version, record.expire_date()));
                }
                Created::KeyTaken => assert!(model.contains_key(name), "{what}"),
            },
            1 | 2 => match (
                store.replace(key, &version, &record, now).await.unwrap(),
                alive,
            ) {
                (Replaced::Replaced(after), Some((before, _))) => {
                    assert_eq!(before, version, "{what}");
                    seen.push(after.clone());
                    model.insert(name, (after, record.expire_date()));
                }
                (Replaced::Changed(stored), Some((before, end))) => {
                    assert_ne!(before, version, "{what}");
                    assert_eq!(
                        (stored.version, stored.expire_date),
                        (before, end),
                        "{what}"
                    );
                }
                (Replaced::Gone, None) => {}
                (replaced, _) => panic!("{what}: {replaced:?}"),
            },
            3 => {
                let version = (random.below(2) == 0).then_some(&version);
                match store.delete(key, version, now).await.unwrap() {
                    Deleted::Deleted => {
                        let (before, _) = model.remove(name).expect(&what);
                        let allowed = version.is_none_or(|version| *version == before);
                        assert!(allowed && (version.is_none() || alive.is_some()), "{what}");
                    }
                    Deleted::Changed(stored) => {
                        let (before, end) = alive.expect(&what);
                        assert_ne!(Some(&before), version, "{what}");
                        assert_eq!(
                            (stored.version, stored.expire_date),
                            (before, end),
                            "{what}"
                        );
                    }
                    Deleted::Gone => {
                        assert!(alive.is_none(), "{what}");
                        assert!(version.is_some() || !model.contains_key(name), "{what}");
                        model.remove(name);
                    }
                }
            }
            4 if step % 10 == 0 && expired == Expired::StaysUntilCleared => {
                let before = model.len();
                model.retain(|_, (_, end)| *end >= now);
                let removed = store.clear_expired(now, 10).await.unwrap();
                assert_eq!(removed, (before - model.len()) as u64, "{what}");
            }
            _ => {
                let loaded = store.load(key, now).await.unwrap();
                let loaded = loaded.map(|stored| (stored.version, stored.expire_date));
                assert_eq!(loaded, alive, "{what}");
            }
        }
    }
}

/// Knuth's generator: a seed tells the whole run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

async fn create(store: &dyn Store, key: &SessionKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        Created::Created(version) => version,
        Created::KeyTaken => panic!("nobody else uses this key"),
    }
}

async fn replace(
    store: &dyn Store,
    key: &SessionKey,
    seen: &Version,
    record: &Record,
    now: Timestamp,
) -> Version {
    match store.replace(key, seen, record, now).await.unwrap() {
        Replaced::Replaced(version) => version,
        other => panic!("the version was the one seen: {other:?}"),
    }
}

fn assert_holds(stored: &Stored, record: &Record) {
    let same = match &stored.form {
        Form::Signed(text) => text == record.signed_text(),
        Form::Json(text) => text == record.json_text(),
        Form::Pickled(bytes) => bytes == record.pickled(),
        _ => panic!("a form that this contract does not know"),
    };
    assert!(same, "the store holds other data");
    assert_eq!(stored.expire_date, record.expire_date());
}

pub(crate) fn new_key() -> SessionKey {
    SessionKey::generate().expect("the operating system has random numbers")
}

/// Now, in whole milliseconds: no store keeps less of an expiry.
fn this_moment() -> Timestamp {
    let now = Timestamp::now().unix_micros();
    Timestamp::from_unix_micros(now - now % 1000)
}

fn in_an_hour(now: Timestamp) -> Timestamp {
    now.plus_seconds(3600)
}
