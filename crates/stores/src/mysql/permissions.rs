//! What was granted to a user in `auth_permission` and the tables around it.

use std::collections::HashSet;

use cloakroom_core::auth::{Permissions, User};
use cloakroom_core::session::StoreError;

use super::MySqlStore;
use super::pool::Access;

impl MySqlStore {
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
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(GRANTED, &[id.into(), id.into()]).await?;
            let names = rows.iter().filter_map(|row| row.get_opt(0)?.ok());
            Ok(names.collect())
        })
        .await
    }
}

/// Each branch begins at the index of a table by its user.
const GRANTED: &str = "\
    SELECT CONCAT(django_content_type.app_label, '.', auth_permission.codename) \
    FROM auth_permission \
    JOIN django_content_type ON django_content_type.id = auth_permission.content_type_id \
    WHERE auth_permission.id IN ( \
        SELECT auth_user_user_permissions.permission_id FROM auth_user_user_permissions \
        WHERE auth_user_user_permissions.user_id = ? \
        UNION \
        SELECT auth_group_permissions.permission_id FROM auth_group_permissions \
        JOIN auth_user_groups ON auth_user_groups.group_id = auth_group_permissions.group_id \
        WHERE auth_user_groups.user_id = ?)";
