//! A clock that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cloakroom_core::time::Timestamp;

/// A clock that stands still until a test moves it. Clones are the same clock.
///
/// It is for what takes long: sessions and tokens expire, links for new passwords too, and whoever has guessed too often
/// may try again. [`Cloakroom::with_clock`](cloakroom::Cloakroom::with_clock) gives it to a site. The browser of a test has
/// a clock of its own ([`Browser::pass`](crate::Browser::pass)), as browsers do; a Redis goes by its machine's.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, routing::get};
/// use cloakroom::secret::{SecretKey, Secrets};
/// use cloakroom::{Cloakroom, Config, User};
/// use cloakroom_testing::{Client, TestClock, TestDatabase};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let database = TestDatabase::new().await;
/// let ann = database.add_user("ann").await;
/// let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
/// let clock = TestClock::new();
/// let cloakroom = Cloakroom::new(Config::strict(Secrets::new(key)), database.store(), database.store());
/// let cloakroom = cloakroom.with_clock(clock.reader());
/// let home = get(|user: User| async move { user.username.clone() });
/// let client = Client::new(&cloakroom, &Router::new().route("/home/", home).layer(cloakroom.layer()));
///
/// client.force_login(&ann).await;
/// clock.advance(Duration::from_secs(13 * 86_400));
/// assert_eq!(client.get("/home/").await.text(), "ann");
/// clock.advance(Duration::from_secs(2 * 86_400));
/// assert_eq!(client.get("/home/").await.location(), Some("/login/?next=/home/"));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    /// Since 1970.
    micros: Arc<AtomicI64>,
}

impl TestClock {
    /// A clock that shows the present time.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::now())
    }

    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            micros: Arc::new(AtomicI64::new(now.unix_micros())),
        }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.micros.load(Ordering::SeqCst))
    }

    /// Lets time go by.
    pub fn advance(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Reads it, for [`Cloakroom::with_clock`](cloakroom::Cloakroom::with_clock).
    pub fn reader(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let clock = self.clone();
        move || clock.now()
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}
