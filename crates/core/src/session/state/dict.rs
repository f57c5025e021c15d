//! What Django's session has of a Python dict beyond single values.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::data::{self, ValueError, ascii};
use super::{SessionState, checked};

impl SessionState {
    /// The names that have a value, each with it: Django's `items`.
    ///
    /// # Errors
    /// One of the values is no `T`.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>, ValueError> {
        let data = self.data();
        let item = |(name, value)| Ok((ascii::unescaped(name).into_owned(), data::parse(value)?));
        data.raw_entries().map(item).collect()
    }

    /// Gives each name its value: Django's `update`. The session counts as modified even if there are none.
    ///
    /// # Errors
    /// As for [`set`](Self::set); then no name has changed.
    pub fn update<N: AsRef<str>, V: Serialize>(
        &mut self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), ValueError> {
        let json = |(name, value): (N, V)| Ok((name, checked(ascii::to_json(&value)?)?));
        let values = values.into_iter().map(json);
        let values: Vec<(N, String)> = values.collect::<Result<_, ValueError>>()?;
        self.touch();
        for (name, json) in values {
            self.own_change();
            self.changes
                .set(ascii::escaped(name.as_ref()).into_owned(), json);
        }
        Ok(())
    }

    /// The value under `name`, which is given `value` if it has none: Django's `setdefault`.
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`set`](Self::set).
    pub fn set_default<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        value: T,
    ) -> Result<T, ValueError> {
        if let Some(found) = self.get(name)? {
            return Ok(found);
        }
        self.set(name, &value)?;
        Ok(value)
    }

    /// Removes `name` and gives its value: Django's `pop`. Requests that do so at the same time may all get it; see
    /// [`take`](Self::take).
    ///
    /// # Errors
    /// There is a value, but it is no `T`; it stays.
    pub fn pop<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ValueError> {
        let value = self.get(name)?;
        if value.is_some() {
            self.remove(name);
        }
        Ok(value)
    }
}
