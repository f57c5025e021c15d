//! Whose a session is.

use std::collections::HashSet;

use cloakroom_core::auth::{
    AuthRules, JwtRules, Owner, Permissions, Relogin, ResetTokens, TokenType, User, UserStore as _,
    id_of_uidb64, normalize_username, same_email, uidb64,
};
use cloakroom_core::time::{Timestamp, Zone};
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

/// Whether two e-mail addresses are one.
#[derive(Deserialize)]
pub(crate) struct SameAddress {
    one: String,
    other: String,
}

impl Ask for SameAddress {
    fn answer(self) -> Answer {
        Ok(json!(same_email(&self.one, &self.other)))
    }
}

/// Whether somebody has a permission, or any of an app.
#[derive(Deserialize)]
pub(crate) struct HasPermission {
    is_active: bool,
    is_superuser: bool,
    granted: HashSet<String>,
    permission: Option<String>,
    app_label: Option<String>,
}

impl Ask for HasPermission {
    fn answer(self) -> Answer {
        let mut user = User::new("", "", Timestamp::MIN);
        user.is_active = self.is_active;
        user.is_superuser = self.is_superuser;
        let permissions = Permissions::of(&user, self.granted);
        match (self.permission, self.app_label) {
            (Some(permission), None) => Ok(json!(permissions.has(&permission))),
            (None, Some(app_label)) => Ok(json!(permissions.has_module(&app_label))),
            _ => Err(Fault::new("permission", "either a permission or an app")),
        }
    }
}

/// What a reset token depends on.
#[derive(Deserialize)]
pub(crate) struct Reset {
    keys: Keys,
    user: Value,
    email: String,
    /// As the row has it, in microseconds since 1970.
    last_login: Option<Now>,
    timeout: i64,
    /// `TIME_ZONE`, and whether `USE_TZ` is on.
    zone: String,
    uses_tz: bool,
    now: Now,
}

impl Reset {
    fn rules(&self) -> Result<(ResetTokens, User), Fault> {
        let local = match self.zone.as_str() {
            "UTC" => Ok(Zone::UTC),
            name => Zone::local(name),
        };
        let local = local.map_err(|error| Fault::new("zone", error))?;
        let tokens = ResetTokens::new(&self.keys.secrets()?, self.timeout)
            .with_time_zone(local)
            .with_dates_in(if self.uses_tz { Zone::UTC } else { local });
        let mut user = user(&self.user)?;
        user.email.clone_from(&self.email);
        user.last_login = self.last_login.map(Now::timestamp);
        Ok((tokens, user))
    }

    const fn now(&self) -> Timestamp {
        self.now.timestamp()
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ResetMake(Reset);

impl Ask for ResetMake {
    fn answer(self) -> Answer {
        let (tokens, user) = self.0.rules()?;
        Ok(json!(tokens.make(&user, self.0.now())))
    }
}

#[derive(Deserialize)]
pub(crate) struct ResetCheck {
    #[serde(flatten)]
    reset: Reset,
    token: String,
}

impl Ask for ResetCheck {
    fn answer(self) -> Answer {
        let (tokens, user) = self.reset.rules()?;
        Ok(json!(tokens.check(&user, &self.token, self.reset.now())))
    }
}

#[derive(Deserialize)]
pub(crate) struct Uid {
    id: String,
}

impl Ask for Uid {
    /// The text in a link, and what is read from it.
    fn answer(self) -> Answer {
        let text = uidb64(&self.id);
        let id = id_of_uidb64(&text);
        Ok(json!({"uidb64": text, "id": id}))
    }
}

/// The id in a link's text; null where there is none.
#[derive(Deserialize)]
pub(crate) struct UidRead {
    uidb64: String,
}

impl Ask for UidRead {
    fn answer(self) -> Answer {
        Ok(json!(id_of_uidb64(&self.uidb64)))
    }
}

/// A site's tokens, and the user whom the store has.
#[derive(Deserialize)]
pub(crate) struct Jwt {
    keys: Keys,
    issuer: Option<String>,
    audience: Option<String>,
    checks_revoke: bool,
    kind: String,
    user: Value,
    now: Now,
}

impl Jwt {
    fn rules(&self) -> Result<(JwtRules, TokenType, User), Fault> {
        let rules = JwtRules::new(&self.keys.secrets()?)
            .with_issuer_and_audience(self.issuer.clone(), self.audience.clone());
        let rules = if self.checks_revoke {
            rules.checking_revoke_token()
        } else {
            rules
        };
        let kind = match self.kind.as_str() {
            "access" => TokenType::Access,
            "refresh" => TokenType::Refresh,
            _ => return Err(Fault::new("kind", "access or refresh")),
        };
        Ok((rules, kind, user(&self.user)?))
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct JwtMint(Jwt);

impl Ask for JwtMint {
    fn answer(self) -> Answer {
        let (rules, kind, user) = self.0.rules()?;
        let now = self.0.now.timestamp();
        let random = |error| Fault::new("random", error);
        let token = match kind {
            TokenType::Access => rules.mint_access(&user, now).map_err(random)?,
            TokenType::Refresh => {
                let id = JwtRules::draw_id().map_err(random)?;
                rules.mint_refresh(&user, &id, "family", now, rules.refresh_end(now))
            }
        };
        Ok(json!(token))
    }
}

#[derive(Deserialize)]
pub(crate) struct JwtRead {
    #[serde(flatten)]
    jwt: Jwt,
    token: String,
}

impl Ask for JwtRead {
    /// The id of the token's user; null for a token that speaks for nobody.
    fn answer(self) -> Answer {
        let (rules, kind, user) = self.jwt.rules()?;
        let claims = rules.read(&self.token, kind, self.jwt.now.timestamp());
        let claims = claims.filter(|claims| rules.is_of(claims, &user));
        Ok(json!(claims.map(|claims| claims.user_id)))
    }
}
