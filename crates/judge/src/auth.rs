//! Whose a session is.

use cloakroom_core::auth::{AuthRules, Owner, Relogin, User, UserStore as _, normalize_username};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::question::{Answer, Ask, Fault};
use crate::sessions::{Handle, run};
use crate::signing::{Keys, Now};
use crate::store::{self, SiteUsers};

fn user(columns: &Value) -> Result<User, Fault> {
    store::user(columns).ok_or_else(|| Fault::new("user", "the columns have another form"))
}

fn rules(keys: &Keys, backends: Vec<String>) -> Result<AuthRules, Fault> {
    Ok(AuthRules::new(&keys.secrets()?, Relogin::KeepsKey).with_backends(backends))
}

#[derive(Deserialize)]
pub(crate) struct Hash {
    keys: Keys,
    user: Value,
}

impl Ask for Hash {
    fn answer(self) -> Answer {
        let rules = rules(&self.keys, Vec::new())?;
        Ok(json!(rules.session_auth_hash(&user(&self.user)?)))
    }
}

#[derive(Deserialize)]
pub(crate) struct Login {
    handle: Handle,
    keys: Keys,
    user: Value,
    backend: String,
    now: Now,
}

impl Ask for Login {
    fn answer(self) -> Answer {
        let rules = rules(&self.keys, vec![self.backend])?;
        let user = user(&self.user)?;
        self.handle.with(|session| {
            rules.login(session, &user, self.now.timestamp());
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct GetUser {
    handle: Handle,
    keys: Keys,
    backends: Vec<String>,
}

impl Ask for GetUser {
    /// The id of the session's owner, and whether the session must be committed for what was found.
    fn answer(self) -> Answer {
        let rules = rules(&self.keys, self.backends)?;
        self.handle.with(|session| {
            let was_modified = session.is_modified();
            let found = match rules.claimed_user(session) {
                None => None,
                Some(id) => run(SiteUsers.by_id(&id))??,
            };
            let owner = rules.verify(session, found.as_ref());
            let id = found.filter(|_| owner == Owner::User).map(|user| user.id);
            Ok(json!({"id": id, "touched": !was_modified && session.is_modified()}))
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    handle: Handle,
    keys: Keys,
    user: Value,
}

impl Ask for Update {
    fn answer(self) -> Answer {
        let rules = rules(&self.keys, Vec::new())?;
        let user = user(&self.user)?;
        self.handle.with(|session| {
            rules.update_session_auth_hash(session, &user);
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Username {
    typed: String,
}

impl Ask for Username {
    fn answer(self) -> Answer {
        Ok(json!(normalize_username(&self.typed)))
    }
}
