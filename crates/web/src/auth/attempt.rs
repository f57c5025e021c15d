//! One try to sign in with a password, from the first look at who asks to the moment at which a failure is answered.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::auth::{
    Device, Devices, Throttle, Throttled, Track, User as UserRow, UserChanged, canonical_login,
};
use cloakroom_core::password::{MakeError, Verification};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use super::event::{AuthEvent, Failure};
use super::gate::{Asker, Gate, Place};
use crate::config::LoginConfig;
use crate::error::Error;
use crate::site::Site;

/// The most bytes of a password. Django has no limit; nobody types this much, and hashing a megabyte for
/// everybody who sends one would be a gift.
const LONGEST_PASSWORD: usize = 4096;
/// How long a count that is shared with other servers may take: they are asked while others wait to get in.
const SHARED_PATIENCE: Duration = Duration::from_millis(250);

/// What a site needs to verify passwords.
#[derive(Debug)]
pub(crate) struct Attempts {
    gate: Arc<Gate>,
    throttle: Option<Throttle>,
    pub(crate) devices: Devices,
    /// Who verifies, or waits until a failure may be answered.
    answers: Semaphore,
    /// Makes numbers of names and addresses that nobody else can compute.
    hasher: RandomState,
}

impl Attempts {
    pub(crate) fn new(login: &LoginConfig, devices: Devices, throttle: Option<Throttle>) -> Self {
        Self {
            gate: Gate::new(Gate::threads(), login.most_waiting),
            throttle,
            devices,
            answers: Semaphore::new(login.most_waiting.saturating_mul(4)),
            hasher: RandomState::new(),
        }
    }

    fn asker(&self, username: &str, address: Option<IpAddr>, known: bool) -> Asker {
        Asker {
            account: self.hasher.hash_one(canonical_login(username)),
            address: address.map(|address| self.hasher.hash_one(address)),
            known,
        }
    }

    /// Forgets the failures of an account whose owner has proven by other means to be the owner: all of them, and those
    /// from the owner's address.
    #[cfg(feature = "pages")]
    pub(crate) async fn forget(&self, username: &str, address: Option<IpAddr>, now: Timestamp) {
        if let Some(throttle) = &self.throttle {
            let track = throttle.track_owner(username, address);
            note(timeout(SHARED_PATIENCE, throttle.succeeded(&track, now)).await);
        }
    }

    /// Counts a letter to this address, unless it has got as many as it may.
    #[cfg(feature = "pages")]
    pub(crate) async fn may_write_to(&self, address: &str, now: Timestamp) -> bool {
        match &self.throttle {
            Some(throttle) => count(throttle, &throttle.track_letter(address), now)
                .await
                .is_ok(),
            None => true,
        }
    }

    fn device(
        &self,
        cookie: Option<&str>,
        username: &str,
        now: Timestamp,
    ) -> Option<(Device, Track)> {
        let device = self.devices.read(cookie?, username, now)?;
        let track = self.throttle.as_ref()?.track_device(&device, now)?;
        Some((device, track))
    }
}

/// What a client sends to sign in.
#[derive(Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a [u8],
    pub(super) address: Option<IpAddr>,
    /// The cookie of a browser that may be known.
    pub(super) device: Option<&'a str>,
    /// Somebody who is signed in shows that it is still them. So a second factor was asked for before.
    pub(super) again: bool,
}

/// The active user with this name and password; `None` at a moment that says nothing of why.
pub(super) async fn authenticate(
    site: &Site,
    credentials: Credentials<'_>,
) -> Result<Option<UserRow>, Error> {
    if site.guard_only {
        return Err(Error::guard_only());
    }
    let began = Instant::now();
    let attempts = &site.attempts;
    let mut attempt = Attempt::begin(site, credentials)?;
    // Whoever waits for an answer takes memory. One more than there may be is sent away before anything is known of it.
    let _answer: SemaphorePermit<'_> = attempts.answers.try_acquire().map_err(|_| Error::busy())?;
    let failure_time = site.config.login.failure_time;
    let patience = if failure_time.is_zero() {
        PATIENCE
    } else {
        failure_time / 2
    };
    let place = attempts.gate.enter(attempt.asker(), patience).await?;
    attempt.count().await?;
    let outcome = attempt.verify(place).await;
    match outcome {
        Ok(Ok(user)) => {
            attempt.succeeded().await;
            Ok(Some(user))
        }
        Ok(Err(failure)) => {
            attempt.failed(failure);
            release(began, failure_time).await;
            Ok(None)
        }
        Err(error) => {
            attempt.take_back().await;
            Err(error)
        }
    }
}

/// The hash of a new password, made as others are verified. `account` is whose it is.
pub(super) async fn make_password(
    site: &Site,
    account: &str,
    address: Option<IpAddr>,
    password: &[u8],
) -> Result<String, Error> {
    let attempts = &site.attempts;
    let asker = attempts.asker(account, address, true);
    let place = attempts.gate.enter(asker, PATIENCE).await?;
    let hashers = site.config.login.hashers.clone();
    let password = zeroize::Zeroizing::new(password.to_vec());
    Ok(place.work(move || hashers.make(&password)).await??)
}

/// How long a password waits for its turn where failures are answered at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until failures that began then are answered: at the next whole multiple of the time, so that one that took
/// longer says no more than that.
async fn release(began: Instant, failure_time: Duration) {
    if failure_time.is_zero() {
        return;
    }
    let taken = began.elapsed();
    let times = taken.as_micros() / failure_time.as_micros().max(1) + 1;
    if times > 1 {
        tracing::warn!(
            milliseconds = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
            "a password took longer than LOGIN_FAILURE_SECONDS; its answer waits for the next multiple. Raise it if \
             this machine has nothing else to do"
        );
    }
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    sleep_until(began + failure_time.saturating_mul(times)).await;
}

/// One try.
struct Attempt<'a> {
    site: &'a Site,
    credentials: Credentials<'a>,
    now: Timestamp,
    /// The browser that is known, if it is this user's.
    device: Option<Device>,
    /// What it is counted under; empty where nothing is counted.
    tracks: Vec<Track>,
}

impl<'a> Attempt<'a> {
    /// Sends away at once whoever has to wait, whether or not there is such a user.
    fn begin(site: &'a Site, credentials: Credentials<'a>) -> Result<Self, Error> {
        let now = site.now();
        let attempts = &site.attempts;
        let known = attempts.device(credentials.device, credentials.username, now);
        let mut attempt = Self {
            site,
            credentials,
            now,
            device: None,
            tracks: Vec::new(),
        };
        if let Some(throttle) = &attempts.throttle {
            let track = match known {
                Some((device, track)) => {
                    attempt.device = Some(device);
                    track
                }
                None => throttle.track(credentials.username, credentials.address),
            };
            let checked = throttle.check(&track, now);
            attempt.tracks.push(track);
            checked.map_err(|throttled| attempt.throttled(throttled))?;
        }
        Ok(attempt)
    }

    fn asker(&self) -> Asker {
        let Credentials {
            username, address, ..
        } = self.credentials;
        let known = self.device.is_some();
        self.site.attempts.asker(username, address, known)
    }

    /// Counts the try before its password is verified.
    async fn count(&mut self) -> Result<(), Error> {
        let (Some(throttle), Some(track)) = (&self.site.attempts.throttle, self.tracks.first())
        else {
            return Ok(());
        };
        let counted = count(throttle, track, self.now).await;
        if counted.is_err() {
            self.tracks.clear();
        }
        counted.map_err(|throttled| self.throttled(throttled))
    }

    /// The user, or why there is none; an error if that could not be found out.
    async fn verify(&mut self, place: Place) -> Result<Result<UserRow, Failure>, Error> {
        let site = self.site;
        let found = site.users.by_username(self.credentials.username).await?;
        let Some(mut user) = found else {
            let _ = self.work(place, None).await?;
            return Ok(Err(Failure::UnknownUser));
        };
        if !self.count_as(&user).await {
            // The answer of a wrong password: that of a throttled one would say whose name this is a spelling of.
            let _ = self.work(place, None).await?;
            return Ok(Err(Failure::Throttled { user_id: user.id }));
        }
        let too_long = self.credentials.password.len() > LONGEST_PASSWORD;
        let (verification, rehashed) = self.work(place, Some(user.password.clone())).await?;
        let may = site.auth_rules.may_authenticate(&user);
        let failure = |user: UserRow| match (verification, may) {
            (Verification::Wrong, _) => Failure::WrongPassword { user_id: user.id },
            (_, false) => Failure::Inactive { user_id: user.id },
            (_, true) => Failure::TooLong { user_id: user.id },
        };
        if verification == Verification::Wrong || too_long || !may {
            return Ok(Err(failure(user)));
        }
        if !self.credentials.again && site.users.second_factor(&user.id).await? {
            // Whoever has the password may know; the Django beside us asks for more at this point too.
            self.failed(Failure::SecondFactor { user_id: user.id });
            return Err(Error::second_factor());
        }
        if let Some(encoded) = rehashed.transpose()? {
            // Only over the hash that was verified: a password that was changed meanwhile stays changed.
            let changed = site
                .users
                .set_password(&user.id, Some(&user.password), &encoded)
                .await?;
            if changed == UserChanged::Changed {
                user.password = encoded;
            }
        }
        Ok(Ok(user))
    }

    /// Counts what only the user's row tells: that the browser is not this user's after all, or that the name is another
    /// spelling of the one that is kept. False if that has to wait.
    async fn count_as(&mut self, user: &UserRow) -> bool {
        let attempts = &self.site.attempts;
        let Some(throttle) = &attempts.throttle else {
            return true;
        };
        let typed = self.credentials.username;
        let mut also = throttle.track_spelling(typed, &user.username);
        if let Some(device) = &self.device {
            if attempts.devices.knows(device, user) {
                return true;
            }
            // Its password has changed since; so this is a stranger's try.
            self.device = None;
            also = Some(throttle.track(typed, self.credentials.address));
        }
        let Some(track) = also else {
            return true;
        };
        let counted = count(throttle, &track, self.now).await.is_ok();
        if counted {
            self.tracks.push(track);
        }
        counted
    }

    /// Verifies the password off the threads that serve requests; for nobody it takes the same.
    async fn work(&self, place: Place, encoded: Option<String>) -> Result<Verified, Error> {
        let login = &self.site.config.login;
        let hashers = login.hashers.clone();
        let rehashes = login.rehashes;
        let password = self.credentials.password;
        // Too long is too long for known and unknown users alike.
        let too_long = password.len() > LONGEST_PASSWORD;
        let password =
            zeroize::Zeroizing::new(password[..password.len().min(LONGEST_PASSWORD)].to_vec());
        place
            .work(move || match encoded {
                None => {
                    hashers.spend(&password);
                    (Verification::Wrong, None)
                }
                Some(encoded) => {
                    let verification = hashers.verify(&password, &encoded);
                    let outdated =
                        verification == Verification::CorrectButOutdated && rehashes && !too_long;
                    let rehashed = match outdated.then(|| hashers.make(&password)) {
                        // Plain bcrypt is preferred: the hash that there is verifies more than a new one would.
                        Some(Err(MakeError::UnfitForBcrypt)) => None,
                        made => made,
                    };
                    (verification, rehashed)
                }
            })
            .await
    }

    async fn succeeded(&self) {
        let Some(throttle) = &self.site.attempts.throttle else {
            return;
        };
        for track in &self.tracks {
            note(timeout(SHARED_PATIENCE, throttle.succeeded(track, self.now)).await);
        }
    }

    /// Of a try that was none.
    async fn take_back(&self) {
        let Some(throttle) = &self.site.attempts.throttle else {
            return;
        };
        for track in &self.tracks {
            note(timeout(SHARED_PATIENCE, throttle.take_back(track, self.now)).await);
        }
    }

    fn failed(&self, failure: Failure) {
        self.site.tell(&AuthEvent::Failed {
            username: self.credentials.username,
            address: self.credentials.address,
            failure,
        });
    }

    fn throttled(&self, throttled: Throttled) -> Error {
        self.site.tell(&AuthEvent::Throttled {
            username: self.credentials.username,
            address: self.credentials.address,
            until: throttled.until,
        });
        Error::throttled(throttled.until, self.now)
    }
}

/// What a thread of the gate found, and the new hash if there is to be one.
type Verified = (Verification, Option<Result<String, MakeError>>);

/// Counts a try here and at the other servers. If they cannot be asked, what was counted here holds.
async fn count(throttle: &Throttle, track: &Track, now: Timestamp) -> Result<(), Throttled> {
    throttle.count(track, now)?;
    match timeout(SHARED_PATIENCE, throttle.count_shared(track, now)).await {
        Ok(Ok(counted)) => counted,
        Ok(Err(error)) => {
            note(Ok(Err(error)));
            Ok(())
        }
        Err(late) => {
            note(Err(late));
            Ok(())
        }
    }
}

/// Says in the log that servers do not count together.
fn note(shared: Result<Result<(), StoreError>, tokio::time::error::Elapsed>) {
    let reason = match shared {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer in time".to_owned(),
    };
    tracing::warn!(
        ?reason,
        "failed logins are counted by this server alone: the store of sessions"
    );
}
