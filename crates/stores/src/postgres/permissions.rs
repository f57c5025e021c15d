//! What was granted to a user in `auth_permission` and the tables around it.

use std::collections::HashSet;

use cloakroom_core::auth::{Permissions, User};
use cloakroom_core::session::StoreError;

use super::PostgresStore;

impl PostgresStore {
    /// What this user may do, by one read: their own permissions and those of their groups, as Django's
    /// `ModelBackend` counts them.
    ///
    /// Whether the user is active or a superuser is taken from `user`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn permissions(&self, user: &User) -> Result<Permissions, StoreError> {
        let granted = match user.id.parse::<i64>() {
            // Neither needs to be told what was granted.
            Ok(id) if user.is_active && !user.is_superuser => self.granted(id).await?,
            _ => HashSet::new(),
        };
        Ok(Permissions::of(user, granted))
    }

    async fn granted(&self, id: i64) -> Result<HashSet<String>, StoreError> {
        let call = self.call();
        let rows = call.read(&self.statements().granted, &[&id]).await?;
        rows.iter().map(|row| call.column(row, 0)).collect()
    }
}
