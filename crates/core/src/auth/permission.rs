//! What users may do, by the rules of Django's `ModelBackend`.

use std::collections::HashSet;

use super::user::{User, UserStore};
use crate::session::StoreError;

/// What one user may do, as it was when it was read. Permissions are written `app_label.codename`.
///
/// ```
/// use cloakroom_core::auth::{Permissions, User};
/// use cloakroom_core::time::Timestamp;
///
/// let user = User::new("7", "ann", Timestamp::now());
/// let permissions = Permissions::of(&user, ["shop.view_order".to_owned()].into());
/// assert!(permissions.has("shop.view_order") && !permissions.has("shop.add_order"));
/// assert!(permissions.has_module("shop"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    granted: HashSet<String>,
    all: bool,
}

impl Permissions {
    /// What `user` may do who was granted these permissions, directly or by a group.
    ///
    /// A superuser may do everything, granted or not; a user who is not active nothing, whatever was granted.
    #[must_use]
    pub fn of(user: &User, granted: HashSet<String>) -> Self {
        if user.is_active {
            Self {
                granted,
                all: user.is_superuser,
            }
        } else {
            Self::none()
        }
    }

    /// What `user` may do, by at most one read of the store: for a superuser, and for a user who is not active, it is
    /// not asked what was granted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(store: &dyn UserStore, user: &User) -> Result<Self, StoreError> {
        let granted = if user.is_active && !user.is_superuser {
            store.permissions(&user.id).await?
        } else {
            HashSet::new()
        };
        Ok(Self::of(user, granted))
    }

    /// What somebody may do who is not signed in.
    #[must_use]
    pub fn none() -> Self {
        Self {
            granted: HashSet::new(),
            all: false,
        }
    }

    /// Whether the user has this permission (`has_perm`). A superuser has those too that do not exist.
    #[must_use]
    pub fn has(&self, permission: &str) -> bool {
        self.all || self.granted.contains(permission)
    }

    /// Whether the user has any permission of this app (`has_module_perms`).
    #[must_use]
    pub fn has_module(&self, app_label: &str) -> bool {
        let of_the_app = |permission: &String| permission.split('.').next() == Some(app_label);
        self.all || self.granted.iter().any(of_the_app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn permissions(is_active: bool, is_superuser: bool) -> Permissions {
        let mut user = User::new("7", "ann", Timestamp::MIN);
        user.is_active = is_active;
        user.is_superuser = is_superuser;
        Permissions::of(&user, ["shop.view_order".to_owned()].into())
    }

    #[test]
    fn a_user_has_what_was_granted() {
        let permissions = permissions(true, false);
        assert!(permissions.has("shop.view_order"));
        for other in [
            "",
            "shop",
            "view_order",
            "shop.view",
            "shop.view_orders",
            "Shop.view_order",
        ] {
            assert!(!permissions.has(other), "{other}");
        }
        assert!(permissions.has_module("shop"));
        for other in ["", "sho", "shop.", "shop.view_order"] {
            assert!(!permissions.has_module(other), "{other}");
        }
    }

    #[test]
    fn a_superuser_has_everything_and_who_is_not_active_nothing() {
        let superuser = permissions(true, true);
        assert!(superuser.has("no.such") && superuser.has("") && superuser.has_module("any"));
        for nobody in [
            permissions(false, true),
            permissions(false, false),
            Permissions::none(),
        ] {
            assert!(!nobody.has("shop.view_order") && !nobody.has_module("shop"));
        }
    }
}
