//! How many passwords may be tried, and how an owner gets in while somebody else tries.

mod delay;
mod device;
mod local;
mod shared;
mod track;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

pub use delay::Delays;
pub use device::{Device, Devices};
use local::Local;
use shared::Shared;
pub use track::Track;

use super::user::canonical_login;
use crate::secret::Secrets;
use crate::session::{Codec, Store, StoreError};
use crate::signing::{Compression, SaltedHmac};
use crate::time::Timestamp;

/// How many failures cost how much waiting, for everything that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For one account.
    pub account: Delays,
    /// For one address, of IPv6 one /64 network.
    pub address: Delays,
    /// For one account from one address.
    pub both: Delays,
    /// For one browser that is [known](Devices), instead of the others.
    pub device: Delays,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            account: Delays::ACCOUNT,
            address: Delays::ADDRESS,
            both: Delays::BOTH,
            device: Delays::DEVICE,
        }
    }
}

/// Counts the tries to sign in before their passwords are verified.
///
/// Counting comes first, so that of any number of tries at the same time no more pass than may; what turns out to be no
/// failure is taken back. It counts in memory and in a store that all servers of a site have; where that fails, memory
/// goes on alone.
///
/// The same holds for names that there are and names that there are not.
pub struct Throttle {
    hasher: SaltedHmac,
    limits: Limits,
    local: Local,
    shared: Option<Shared>,
}

/// Too many failures. Says nothing of whether there is such a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "that is all there is to say")]
pub struct Throttled {
    /// When the next try may be made.
    pub until: Timestamp,
}

impl Throttle {
    const SALT: &str = "cloakroom.auth.throttle";
    /// Things that are counted, in each of two maps: some ten megabytes, and more than anybody tries in an hour who has
    /// to wait for each password to be verified.
    const MOST_IN_MEMORY: usize = 1 << 15;

    /// Counts in memory alone.
    #[must_use]
    pub fn new(secrets: &Secrets, limits: Limits) -> Self {
        Self {
            hasher: SaltedHmac::new(Self::SALT.as_bytes(), secrets.key()),
            limits,
            local: Local::new(Self::MOST_IN_MEMORY),
            shared: None,
        }
    }

    /// The same together with other servers, in a store that they have too. Whoever clears expired sessions there
    /// clears what is forgotten.
    #[must_use]
    pub fn shared_by(mut self, store: Arc<dyn Store>, secrets: &Secrets) -> Self {
        let codec = Codec::new(secrets, Self::SALT, Compression::Never);
        self.shared = Some(Shared::new(store, codec));
        self
    }

    /// What a try by this name from this address is counted under.
    #[must_use]
    pub fn track(&self, typed: &str, address: Option<IpAddr>) -> Track {
        Track::stranger(&self.hasher, &self.limits, &canonical_login(typed), address)
    }

    /// What has been counted of this account, alone and from this address. An owner who has shown by other means to be the
    /// owner is [forgiven](Self::succeeded) that; the address has tried nothing that could be taken back.
    #[must_use]
    pub fn track_owner(&self, username: &str, address: Option<IpAddr>) -> Track {
        let mut track = self.track(username, address);
        track.0.retain(|place| place.forgives);
        track
    }

    /// What a try from a known browser is counted under; `None` if that has failed too often to be an exception.
    #[must_use]
    pub fn track_device(&self, device: &Device, now: Timestamp) -> Option<Track> {
        let track = Track::device(&self.hasher, &self.limits, device);
        self.local.wait(&track, now).is_none().then_some(track)
    }

    /// What a try is counted under besides, that was made by another spelling of this user's name than the one it is
    /// kept in: databases compare by rules of their own.
    #[must_use]
    pub fn track_spelling(&self, typed: &str, kept: &str) -> Option<Track> {
        let kept = canonical_login(kept);
        let track = || Track::account(&self.hasher, &self.limits, &kept);
        (canonical_login(typed) != kept).then(track)
    }

    /// What a letter to this e-mail address is counted under, so that nobody fills a mailbox by asking for links.
    #[must_use]
    pub fn track_letter(&self, address: &str) -> Track {
        Track::letter(&self.hasher, &canonical_login(address))
    }

    /// Whether a try has to wait, as far as this process knows. It counts nothing and asks nobody.
    ///
    /// # Errors
    /// It has to.
    pub fn check(&self, track: &Track, now: Timestamp) -> Result<(), Throttled> {
        let wait = self.local.wait(track, now);
        wait.map_or(Ok(()), |until| Err(Throttled { until }))
    }

    /// Counts a try in this process, unless it has to wait.
    ///
    /// # Errors
    /// It has to wait. Nothing was counted.
    pub fn count(&self, track: &Track, now: Timestamp) -> Result<(), Throttled> {
        self.local.count(track, now)
    }

    /// Counts a try that this process has [counted](Self::count) for the other servers too.
    ///
    /// # Errors
    /// The store failed: what this process has counted holds. Within that: the other servers know of more failures, and
    /// the try has to wait; then it is counted nowhere.
    pub async fn count_shared(
        &self,
        track: &Track,
        now: Timestamp,
    ) -> Result<Result<(), Throttled>, StoreError> {
        let Some(shared) = &self.shared else {
            return Ok(Ok(()));
        };
        for (done, place) in track.0.iter().enumerate() {
            match shared.count(place, now).await? {
                Ok(failures) => self.local.learn(place, failures),
                Err((throttled, failures)) => {
                    for place in &track.0 {
                        self.local.less_one(place);
                    }
                    self.local.learn(place, failures);
                    for place in &track.0[..done] {
                        shared.less_one(place, now).await?;
                    }
                    return Ok(Err(throttled));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Forgets the failures of the account that has been signed in to, and takes back the try for its address: what the
    /// address did to other accounts stays.
    ///
    /// # Errors
    /// The store failed; this process has forgotten.
    pub async fn succeeded(&self, track: &Track, now: Timestamp) -> Result<(), StoreError> {
        for place in &track.0 {
            if place.forgives {
                self.local.forget(place);
            } else {
                self.local.less_one(place);
            }
        }
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        for place in &track.0 {
            if place.forgives {
                shared.forget(place, now).await?;
            } else {
                shared.less_one(place, now).await?;
            }
        }
        Ok(())
    }

    /// Takes back a try that was none: its password could not be verified.
    ///
    /// # Errors
    /// The store failed; this process has taken it back.
    pub async fn take_back(&self, track: &Track, now: Timestamp) -> Result<(), StoreError> {
        for place in &track.0 {
            self.local.less_one(place);
        }
        if let Some(shared) = &self.shared {
            for place in &track.0 {
                shared.less_one(place, now).await?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Throttle")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
