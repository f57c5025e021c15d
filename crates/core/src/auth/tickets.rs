//! Tickets: what a page takes to where its browser sends no header, once and at once.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::families::TokenError;
use super::jwt::JwtRules;
use super::ledger::Ledger;
use super::user::User;
use crate::secret::{Secrets, same};
use crate::session::{Codec, Store};
use crate::signing::{Compression, ObjectSigner, SaltedHmac};
use crate::time::Timestamp;

/// Issues tickets and takes each of them once, within half a minute.
///
/// They are for WebSockets and downloads: a URL stands in logs and histories, so what is in it must be worth nothing
/// by then.
#[derive(Clone)]
pub struct TicketRules {
    signer: ObjectSigner,
    ledger: Ledger,
    passwords: Arc<[SaltedHmac]>,
}

/// Whose a ticket is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Ticket {
    /// The user's id as text.
    pub user_id: String,
    id: String,
    password: String,
}

impl TicketRules {
    /// Seconds within which a ticket is taken.
    pub const MAX_AGE: u64 = 30;
    const SALT: &str = "cloakroom.auth.tickets";

    /// `codec` writes what the store keeps: one small record for each ticket that was taken.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, secrets: &Secrets, codec: Codec) -> Self {
        let passwords = secrets
            .iter()
            .map(|secret| SaltedHmac::new(b"cloakroom.auth.tickets.password", secret));
        Self {
            signer: ObjectSigner::new(secrets, Self::SALT, Compression::Never),
            ledger: Ledger::new(store, secrets, codec, b"cloakroom.auth.tickets.taken"),
            passwords: passwords.collect(),
        }
    }

    /// A ticket for the user: letters, digits and `-_:`, which a URL's query takes as they are.
    ///
    /// # Errors
    /// No random number could be drawn.
    pub fn issue(&self, user: &User, now: Timestamp) -> Result<String, TokenError> {
        let ticket = serde_json::json!({
            "user_id": user.id,
            "id": JwtRules::draw_id()?,
            "password": self.passwords[0].hex(user.password.as_bytes()),
        });
        Ok(self.signer.dumps(&ticket.to_string(), now))
    }

    /// Takes a ticket; `None` for one that is not ours, too old, or was taken. Whose it is has still to be asked of the
    /// users' table: see [`is_of`](Self::is_of).
    ///
    /// # Errors
    /// The store did not answer. The ticket may or may not have been taken.
    pub async fn redeem(&self, text: &str, now: Timestamp) -> Result<Option<Ticket>, TokenError> {
        let age = std::time::Duration::from_secs(Self::MAX_AGE);
        let Ok(json) = self.signer.loads_within(text, age, now) else {
            return Ok(None);
        };
        let Ok(ticket) = serde_json::from_slice::<Ticket>(&json) else {
            return Ok(None);
        };
        let end = now.plus_seconds(Self::MAX_AGE.cast_signed());
        let first = self.ledger.take(&ticket.id, end, now).await?;
        Ok(first.then_some(ticket))
    }

    /// Whether this user is the one the ticket was for, still active and with the same password.
    #[must_use]
    pub fn is_of(&self, ticket: &Ticket, user: &User) -> bool {
        let mut hashes = self
            .passwords
            .iter()
            .map(|key| key.hex(user.password.as_bytes()));
        user.is_active
            && user.id == ticket.user_id
            && hashes.any(|hash| same(hash.as_bytes(), ticket.password.as_bytes()))
    }
}

impl fmt::Debug for TicketRules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TicketRules")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ticket")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
