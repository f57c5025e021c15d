//! What the visitor may do.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use cloakroom_core::auth::Permissions as Granted;
use http::request::Parts;

use super::{User, UserRow, required};
use crate::error::Error;
use crate::visit::Visit;

/// What the user may do who is signed in. A handler that takes it runs for nobody else, as with [`User`].
///
/// It is read from the store once in a request, however many guards and handlers ask; for a superuser not at all. Behind a
/// guard [`of_bearer`](super::Guard::of_bearer), or an argument [`Bearer`](crate::Bearer), it is what the token's user may do.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::{Error, Permissions};
///
/// async fn orders(may: Permissions) -> Result<&'static str, Error> {
///     may.require("shop.view_order")?;
///     Ok(if may.has("shop.change_order") { "with buttons" } else { "to look at" })
/// }
/// # let _: Router = Router::new().route("/", get(orders));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(Arc<Granted>);

impl Permissions {
    /// Refuses with 403 whoever has not this permission: `raise PermissionDenied` in a view of Django's.
    ///
    /// # Errors
    /// The user has it not.
    pub fn require(&self, permission: &str) -> Result<(), Error> {
        if self.0.has(permission) {
            Ok(())
        } else {
            Err(Error::permission_denied())
        }
    }
}

impl Deref for Permissions {
    type Target = Granted;

    fn deref(&self) -> &Granted {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Permissions {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        let bearer = visit.state().bearer.clone();
        let user = match bearer {
            Some(user) => user,
            None => required::signed_in(&visit, parts).await?,
        };
        Self::load(&visit, &user).await
    }
}

/// For pages that everybody may see; `None` for nobody.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Permissions {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Error> {
        let visit = Visit::of(parts)?.clone();
        let bearer = visit.state().bearer.clone();
        let user = match bearer {
            Some(user) => Some(user),
            None => visit.load_user(&parts.headers).await?.map(User),
        };
        match user {
            Some(user) => Self::load(&visit, &user).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Permissions {
    /// By at most one read in a request for each user.
    pub(super) async fn load(visit: &Visit, user: &User) -> Result<Self, Error> {
        let known = visit.state().permissions.clone();
        if let Some((id, known)) = known
            && id == user.id
        {
            return Ok(Self(known));
        }
        let row: &UserRow = user;
        let granted = Arc::new(Granted::load(&*visit.site().users, row).await?);
        visit.state().permissions = Some((user.id.clone(), Arc::clone(&granted)));
        Ok(Self(granted))
    }
}
