//! What a request did to a session, name by name, so that it can be done again to what another request left.

use std::borrow::Cow;

use super::data::{self, Assembly, SessionData, ValueError};

/// Changes in the order in which their names were first touched, or set again after they were removed. Names are in
/// Django's escaped form.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    /// All names went first.
    cleared: bool,
    by_name: Vec<(Name, Change)>,
    /// Names that must still hold what they held when the session was loaded (`None`: nothing).
    unchanged: Vec<(Name, Option<Box<str>>)>,
}

/// Our own names are constants.
type Name = Cow<'static, str>;

#[derive(Clone, Debug)]
enum Change {
    /// A new value. One that was removed before stands last, as in a Python dict.
    Set {
        json: String,
        last: bool,
    },
    Remove,
    /// Adds to whatever number is there.
    Add(i128),
}

/// Another request's change and ours cannot both be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conflict;

impl Changes {
    pub(super) const fn new() -> Self {
        Self {
            cleared: false,
            by_name: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    /// True if a save would write nothing new.
    pub(super) fn is_empty(&self) -> bool {
        !self.cleared && self.by_name.is_empty()
    }

    pub(super) fn set(&mut self, name: impl Into<Name>, json: String) {
        let name = name.into();
        match self.find(&name) {
            Some(change @ Change::Remove) => {
                *change = Change::Set { json, last: true };
                self.by_name.sort_by_key(|(known, _)| *known == name);
            }
            Some(change) => {
                let last = matches!(change, Change::Set { last: true, .. });
                *change = Change::Set { json, last };
            }
            None => self.by_name.push((name, Change::Set { json, last: false })),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        match self.find(name) {
            Some(change) => *change = Change::Remove,
            None => self.by_name.push((name.to_owned().into(), Change::Remove)),
        }
    }

    /// Adds `more` to the number under `name`; what it is then, as far as we know.
    pub(super) fn add(
        &mut self,
        base: &SessionData,
        name: &str,
        more: i64,
    ) -> Result<i64, ValueError> {
        let sum = match self.value(base, name) {
            None => more,
            Some(json) => number(&json)?
                .checked_add(more)
                .ok_or(ValueError::Overflow)?,
        };
        match self.find(name) {
            Some(Change::Add(so_far)) => *so_far += i128::from(more),
            Some(_) => self.set(name.to_owned(), sum.to_string()),
            None => self
                .by_name
                .push((name.to_owned().into(), Change::Add(more.into()))),
        }
        Ok(sum)
    }

    pub(super) fn clear(&mut self) {
        self.cleared = true;
        self.by_name.clear();
    }

    /// The save will be interrupted if another request gives `name` another value first.
    pub(super) fn require_unchanged(&mut self, base: &SessionData, name: &str) {
        if !self.unchanged.iter().any(|(known, _)| **known == *name) {
            self.unchanged.push((
                name.to_owned().into(),
                base.raw_by_normal(name).map(Into::into),
            ));
        }
    }

    /// The value under `name` with these changes applied to `base`.
    pub(super) fn value<'a>(&'a self, base: &'a SessionData, name: &str) -> Option<Cow<'a, str>> {
        let before = if self.cleared {
            None
        } else {
            base.raw_by_normal(name)
        };
        match self.by_name.iter().find(|(known, _)| **known == *name) {
            None => before.map(Cow::Borrowed),
            Some((_, Change::Set { json, .. })) => Some(Cow::Borrowed(json)),
            Some((_, Change::Remove)) => None,
            Some((_, Change::Add(more))) => {
                let sum = i128::from(before.map_or(Ok(0), number).unwrap_or(0)) + *more;
                Some(Cow::Owned(sum.to_string()))
            }
        }
    }

    /// The names that have a value with these changes applied to `base`.
    pub(super) fn names<'a>(&'a self, base: &'a SessionData) -> impl Iterator<Item = &'a str> {
        let change_of = |name: &str| {
            self.by_name
                .iter()
                .find(|(known, _)| **known == *name)
                .map(|(_, change)| change)
        };
        let before = base
            .raw_entries()
            .map(|(name, _)| name)
            .filter(move |_| !self.cleared);
        let kept = before.filter(move |name| {
            !matches!(
                change_of(name),
                Some(Change::Remove | Change::Set { last: true, .. })
            )
        });
        let known = move |name: &str| !self.cleared && base.raw_by_normal(name).is_some();
        let new = self
            .by_name
            .iter()
            .filter(move |(name, change)| match change {
                Change::Remove => false,
                Change::Set { last: true, .. } => true,
                Change::Set { .. } | Change::Add(_) => !known(name),
            });
        kept.chain(new.map(|(name, _)| &**name))
    }

    /// The data with these changes. Fails where a counter has become something else.
    pub(super) fn apply(&self, base: &SessionData) -> Result<SessionData, Conflict> {
        if self.is_empty() {
            return Ok(base.clone());
        }
        let before = if self.cleared { 0 } else { base.len() };
        // Sorted, so that many changes to many names are not a product of the two.
        let mut index: Vec<(&str, usize)> = Vec::new();
        let mut written = Vec::new();
        if before != 0 {
            let names = self.by_name.iter().map(|(name, _)| &**name);
            index.extend(names.zip(0..));
            index.sort_unstable();
            written.resize(self.by_name.len(), false);
        }
        // For each: a name, a value, and what stands around them.
        let more = self.by_name.iter().flat_map(|(name, change)| match change {
            Change::Set { json, .. } => [name.len(), json.len(), 4],
            Change::Remove => [0; 3],
            Change::Add(_) => [name.len(), 20, 4],
        });
        let mut data = Assembly::like(base, more.sum());
        for (name, value) in base.raw_entries().take(before) {
            let Ok(found) = index.binary_search_by_key(&name, |(name, _)| name) else {
                data.push(name, value);
                continue;
            };
            let place = index[found].1;
            match &self.by_name[place].1 {
                Change::Set { last: true, .. } | Change::Remove => continue,
                Change::Set { json, .. } => data.push(name, json),
                Change::Add(more) => {
                    let sum = number(value)
                        .ok()
                        .and_then(|number| i64::try_from(i128::from(number) + *more).ok());
                    data.push(name, &sum.ok_or(Conflict)?.to_string());
                }
            }
            written[place] = true;
        }
        let written = written.into_iter().chain(std::iter::repeat(false));
        for ((name, change), written) in self.by_name.iter().zip(written) {
            match change {
                Change::Set { json, .. } if !written => data.push(name, json),
                Change::Add(more) if !written => {
                    let more = i64::try_from(*more).map_err(|_| Conflict)?;
                    data.push(name, &more.to_string());
                }
                _ => {}
            }
        }
        let data = data.finish();
        if data.text() == base.text() {
            return Ok(base.clone());
        }
        Ok(data)
    }

    /// Whether another request's state may be built upon: what we relied on has not changed underneath us.
    ///
    /// `guarded` says which names may never change underneath anybody.
    pub(super) fn check(
        &self,
        base: &SessionData,
        theirs: &SessionData,
        guarded: impl Fn(&str) -> bool,
    ) -> Result<(), Conflict> {
        let same = |name: &str| base.raw_by_normal(name) == theirs.raw_by_normal(name);
        let names = base
            .raw_entries()
            .chain(theirs.raw_entries())
            .map(|(name, _)| name);
        let guarded_hold = names.filter(|name| guarded(name)).all(same);
        let ours_hold = self
            .unchanged
            .iter()
            .all(|(name, value)| theirs.raw_by_normal(name) == value.as_deref());
        if guarded_hold && ours_hold {
            Ok(())
        } else {
            Err(Conflict)
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Change> {
        self.by_name
            .iter_mut()
            .find(|(known, _)| **known == *name)
            .map(|(_, change)| change)
    }
}

fn number(json: &str) -> Result<i64, ValueError> {
    data::parse(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> SessionData {
        SessionData::from_ascii(text).unwrap()
    }

    fn applied(changes: &Changes, base: &str) -> String {
        changes.apply(&data(base)).unwrap().text().to_string()
    }

    #[test]
    fn what_is_not_touched_stays_byte_for_byte() {
        let mut changes = Changes::new();
        changes.set("a", "2".into());
        assert_eq!(
            applied(
                &changes,
                r#"{ "n": NaN, "a" :1, "s":"\ud800\u00E9", "l": [1,  2] }"#
            ),
            r#"{"n":NaN,"a":2,"s":"\ud800\u00E9","l":[1,  2]}"#
        );
    }

    #[test]
    fn order_is_that_of_a_python_dict() {
        let mut changes = Changes::new();
        changes.set("c", "1".into());
        changes.set("a", "2".into());
        changes.remove("b");
        changes.set("b", "3".into());
        assert_eq!(
            applied(&changes, r#"{"b":0,"a":0}"#),
            r#"{"a":2,"c":1,"b":3}"#
        );
        let base = data(r#"{"b":0,"a":0}"#);
        assert_eq!(changes.names(&base).collect::<Vec<_>>(), ["a", "c", "b"]);
        changes.clear();
        changes.set("z", "1".into());
        assert_eq!(applied(&changes, r#"{"b":0,"a":0}"#), r#"{"z":1}"#);
    }

    #[test]
    fn what_is_set_again_after_its_removal_comes_after_what_was_set_meanwhile() {
        let mut changes = Changes::new();
        changes.remove("a");
        changes.set("b", "1".into());
        changes.set("a", "2".into());
        changes.set("c", "3".into());
        changes.set("a", "4".into());
        assert_eq!(applied(&changes, r#"{"a":0}"#), r#"{"b":1,"a":4,"c":3}"#);
        changes.remove("b");
        changes.set("b", "5".into());
        assert_eq!(applied(&changes, "{}"), r#"{"a":4,"c":3,"b":5}"#);
    }

    #[test]
    fn what_is_counted_again_after_its_removal_stands_last() {
        let mut changes = Changes::new();
        changes.remove("a");
        changes.set("x", "1".into());
        changes.set("a", "2".into());
        assert_eq!(applied(&changes, r#"{"a":0}"#), r#"{"x":1,"a":2}"#);
        changes.remove("x");
        assert_eq!(changes.add(&data("{}"), "x", 3), Ok(3));
        assert_eq!(applied(&changes, r#"{"a":0}"#), r#"{"a":2,"x":3}"#);
    }

    #[test]
    fn counters_add_to_what_is_there() {
        let base = data(r#"{"n":1}"#);
        let mut changes = Changes::new();
        assert_eq!(changes.add(&base, "n", 2), Ok(3));
        assert_eq!(changes.add(&base, "n", 1), Ok(4));
        assert_eq!(changes.add(&base, "m", 5), Ok(5));
        assert_eq!(changes.value(&base, "n").as_deref(), Some("4"));
        assert_eq!(applied(&changes, r#"{"n":10}"#), r#"{"n":13,"m":5}"#);
        assert_eq!(changes.apply(&data(r#"{"n":"x"}"#)).unwrap_err(), Conflict);
        changes.set("n", "7".into());
        assert_eq!(changes.add(&base, "n", 1), Ok(8));
        assert_eq!(applied(&changes, r#"{"n":100}"#), r#"{"n":8,"m":5}"#);
    }

    #[test]
    fn only_the_sum_must_fit_and_not_what_is_added_to_it() {
        let base = data(r#"{"n":711}"#);
        let mut changes = Changes::new();
        assert_eq!(changes.add(&base, "n", -1), Ok(710));
        assert_eq!(changes.add(&base, "n", i64::MIN), Ok(i64::MIN + 710));
        assert_eq!(
            applied(&changes, r#"{"n":711}"#),
            format!(r#"{{"n":{}}}"#, i64::MIN + 710)
        );
        for other in [r#"{"n":0}"#, "{}"] {
            assert_eq!(
                changes.apply(&data(other)).unwrap_err(),
                Conflict,
                "{other}"
            );
        }
    }

    #[test]
    fn counters_do_not_overflow() {
        let base = data(&format!(r#"{{"n":{},"s":"x"}}"#, i64::MAX));
        let mut changes = Changes::new();
        assert_eq!(changes.add(&base, "n", 1), Err(ValueError::Overflow));
        assert_eq!(changes.add(&base, "s", 1), Err(ValueError::OtherType));
        assert!(changes.is_empty());
    }

    #[test]
    fn a_change_to_the_same_value_leaves_the_text() {
        let mut changes = Changes::new();
        changes.set("a", "1".into());
        let base = data(r#"{"a":1}"#);
        assert!(std::sync::Arc::ptr_eq(
            changes.apply(&base).unwrap().text(),
            base.text()
        ));
    }

    #[test]
    fn what_we_relied_on_must_hold() {
        let base = data(r#"{"_auth_user_id":"1","code":"x","a":1}"#);
        let mut changes = Changes::new();
        let guarded = |name: &str| name.starts_with('_');
        assert_eq!(
            changes.check(&base, &data(r#"{"_auth_user_id":"1"}"#), guarded),
            Ok(())
        );
        assert_eq!(
            changes.check(&base, &data(r#"{"_auth_user_id":"2"}"#), guarded),
            Err(Conflict)
        );
        assert_eq!(changes.check(&base, &data("{}"), guarded), Err(Conflict));
        changes.require_unchanged(&base, "code");
        assert_eq!(
            changes.check(&base, &data(r#"{"_auth_user_id":"1"}"#), guarded),
            Err(Conflict)
        );
        let theirs = data(r#"{"_auth_user_id":"1","code":"x","b":2}"#);
        assert_eq!(changes.check(&base, &theirs, guarded), Ok(()));
    }

    #[test]
    fn a_name_is_listed_once_wherever_it_comes_from() {
        let base = data(r#"{"a":1,"b":2}"#);
        let mut changes = Changes::new();
        changes.set("a", "3".into());
        changes.set("z", "4".into());
        changes.remove("b");
        assert_eq!(changes.names(&base).collect::<Vec<_>>(), ["a", "z"]);
        changes.clear();
        changes.set("b", "5".into());
        assert_eq!(changes.names(&base).collect::<Vec<_>>(), ["b"]);
        assert_eq!(changes.value(&base, "a"), None);
    }

    #[test]
    fn a_counter_of_cleared_data_begins_anew() {
        let base = data(r#"{"n":1}"#);
        let mut changes = Changes::new();
        changes.clear();
        assert_eq!(changes.add(&base, "n", 2), Ok(2));
        assert_eq!(changes.add(&base, "n", 2), Ok(4));
        assert_eq!(applied(&changes, r#"{"n":"x"}"#), r#"{"n":4}"#);
    }

    #[test]
    fn each_name_that_was_relied_on_must_hold() {
        let base = data(r#"{"a":1,"b":2}"#);
        let mut changes = Changes::new();
        for name in ["a", "b", "a"] {
            changes.require_unchanged(&base, name);
        }
        let check = |theirs: &str| changes.check(&base, &data(theirs), |_| false);
        assert_eq!(check(r#"{"a":1,"b":2,"c":3}"#), Ok(()));
        assert_eq!(check(r#"{"a":9,"b":2}"#), Err(Conflict));
        assert_eq!(check(r#"{"a":1,"b":9}"#), Err(Conflict));
        assert_eq!(check(r#"{"a":1}"#), Err(Conflict));
        assert_eq!(changes.unchanged.len(), 2);
    }
}
