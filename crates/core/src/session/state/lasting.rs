//! How long this session lasts.

use super::super::expiry::{EXPIRY_NAME, Expiry, Lifetime};
use super::SessionState;
use crate::time::{Timestamp, Zone};

impl SessionState {
    /// Sets when this session ends, in Django's five forms.
    ///
    /// `zone` is the site's, see [`Lifetime::zone`]: it decides how a date is written.
    pub fn set_expiry(&mut self, expiry: Expiry, zone: Zone, now: Timestamp) {
        match expiry.to_json(zone, now) {
            Some(json) => {
                self.own_change();
                self.changes.set(EXPIRY_NAME, json);
            }
            None => drop(self.remove(EXPIRY_NAME)),
        }
    }

    /// Seconds until the session ends that is saved at `now`: Django's `get_expiry_age`.
    #[must_use]
    pub fn expiry_age(&self, lifetime: &Lifetime, now: Timestamp) -> i64 {
        lifetime.expiry_age(&self.data(), now)
    }

    /// When the session ends that is saved at `now`: Django's `get_expiry_date`.
    #[must_use]
    pub fn expiry_date(&self, lifetime: &Lifetime, now: Timestamp) -> Timestamp {
        lifetime.expiry_date(&self.data(), now)
    }

    /// True if the browser is to forget the session when it closes: Django's `get_expire_at_browser_close`.
    #[must_use]
    pub fn ends_with_browser(&self, lifetime: &Lifetime) -> bool {
        lifetime.ends_with_browser(&self.data())
    }
}
