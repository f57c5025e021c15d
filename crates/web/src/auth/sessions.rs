//! Where a user is signed in, to see and to end, and for whoever runs the site to end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::auth::{AuthRules, SessionEntry, SessionList};
use cloakroom_core::session::{Deleted, SessionKey, SessionState, Store};
use cloakroom_core::time::Timestamp;
use tokio::task::JoinSet;

use super::{Auth, User};
use crate::error::Error;
use crate::listed::forget;
use crate::site::{Cloakroom, Sessions, Site};

/// A session of the user who is signed in, as it may be shown to that user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedSession {
    /// Names the session for [`Auth::end_session`]. It opens nothing.
    pub id: String,
    /// When the user signed in.
    pub created: Timestamp,
    /// When it was last used, to a minute or two.
    pub last_seen: Timestamp,
    /// From where the user signed in, if that is known.
    pub address: Option<IpAddr>,
    /// The browser's word for itself. It is what the browser sent: escape it.
    pub user_agent: String,
    /// It is the session of this request.
    pub is_current: bool,
}

/// The sessions that are shown.
const MOST: u32 = 200;
/// Those that are ended: as many as a database counts.
const ALL: u32 = u32::MAX >> 1;
/// More rounds than anybody has sessions. Each ends all that it finds.
const ROUNDS: u32 = 100;
/// The records that are looked at in one call.
const PAGE: u32 = 500;
/// Sessions that are ended at the same time: one by one, each would wait for the disk.
const AT_ONCE: usize = 32;
/// So far may the clocks of two servers disagree.
const SKEW: i64 = 60;

impl Auth {
    /// True if this site keeps a list of sessions: [`Cloakroom::with_session_list`](crate::Cloakroom::with_session_list)
    /// gave it one, and the database has its table.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn lists_sessions(&self) -> Result<bool, Error> {
        match &self.visit.site().listed {
            None => Ok(false),
            Some(listed) => Ok(listed.list.is_kept().await?),
        }
    }

    /// The sessions of the user who is signed in, the one last seen first; at most 200. Empty for a visitor.
    ///
    /// Each is looked up: those that have ended, expired, or belong to an earlier password are taken out of the list.
    ///
    /// # Errors
    /// The site has no list, a store failed, or the session is closed.
    pub async fn sessions(&self) -> Result<Vec<ListedSession>, Error> {
        let Some(user) = self.user().await? else {
            return Ok(Vec::new());
        };
        let Listed { list, store, .. } = Listed::of(self.visit.site())?;
        let current = self.current_key()?;
        self.list_current(list, &user, current.as_ref()).await?;
        let mut shown: Vec<ListedSession> = Vec::new();
        for entry in list.of_user(&user.id, MOST).await? {
            let is_current = Some(&entry.key) == current.as_ref();
            if !is_current && !self.lives(store, &entry.key, &user).await? {
                forget(list, &entry.key).await;
                continue;
            }
            // One that is just moving to another key.
            if let Some(same) = shown.iter_mut().find(|other| other.id == entry.id) {
                same.is_current |= is_current;
                continue;
            }
            shown.push(ListedSession {
                id: entry.id,
                created: entry.created,
                last_seen: entry.last_seen,
                address: entry.address,
                user_agent: entry.user_agent,
                is_current,
            });
        }
        Ok(shown)
    }

    /// Ends the session of this user's with this id: it is dead when this returns. False if the user who is signed in has
    /// no such session, whoever else has: that is a 404.
    ///
    /// The session of this request is ended as by [`logout`](Self::logout), with the response.
    ///
    /// # Errors
    /// The site has no list, a store failed, or the session is closed. Then nothing is known, and it may be tried again.
    pub async fn end_session(&self, id: &str) -> Result<bool, Error> {
        let Some(user) = self.user().await? else {
            return Ok(false);
        };
        let current = self.current_key()?;
        let mut is_current = false;
        let ended = Listed::of(self.visit.site())?
            .end(&user.id, |entry| {
                let is_this_one = Some(&entry.key) == current.as_ref();
                is_current |= entry.id == id && is_this_one;
                entry.id == id && !is_this_one
            })
            .await?;
        if is_current {
            self.logout()?;
        }
        Ok(ended > 0 || is_current)
    }

    /// Ends all sessions of the user who is signed in but this one; how many. Also those that are not listed, because a
    /// Django began them, where sessions are kept in the database of the list.
    ///
    /// # Errors
    /// As for [`end_session`](Self::end_session).
    pub async fn end_other_sessions(&self) -> Result<u64, Error> {
        let Some(user) = self.user().await? else {
            return Ok(0);
        };
        let current = self.current_key()?;
        let listed = Listed::of(self.visit.site())?;
        listed.end_all_but(&user.id, current.as_ref()).await
    }

    /// Ends all sessions of the user who is signed in; how many. This one ends as by [`logout`](Self::logout), with the
    /// response.
    ///
    /// # Errors
    /// As for [`end_session`](Self::end_session).
    pub async fn end_all_sessions(&self) -> Result<u64, Error> {
        if self.user().await?.is_none() {
            return Ok(0);
        }
        let others = self.end_other_sessions().await?;
        self.logout()?;
        Ok(others + 1)
    }

    /// True if the user who is signed in gave the password no longer ago than this, in this session. What is dangerous
    /// asks for it again otherwise: by [`authenticate`](Self::authenticate) and [`login`](Self::login).
    ///
    /// It is known of logins that are made here, on a site with a list of sessions or with a limit on their whole life
    /// ([`Lifetime::absolute`](crate::session::Lifetime::absolute)). A Django does not say when somebody signed in, so its sessions are not recent.
    ///
    /// # Errors
    /// The store failed, or the session is closed.
    pub async fn recently_authenticated(&self, within: Duration) -> Result<bool, Error> {
        if self.user().await?.is_none() {
            return Ok(false);
        }
        let at = self.visit.with_session(AuthRules::signed_in_at)?;
        let (within, now) = (
            i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
            self.visit.site().now(),
        );
        Ok(at.is_some_and(|at| (-SKEW..=within).contains(&now.whole_seconds_since(at))))
    }

    /// The key that opens this request's session now, whatever is to become of it.
    fn current_key(&self) -> Result<Option<SessionKey>, Error> {
        self.visit
            .with_session(|session| session.record_key().cloned())
    }

    /// Lists the session of this request, if a Django has begun it.
    async fn list_current(
        &self,
        list: &dyn SessionList,
        user: &User,
        current: Option<&SessionKey>,
    ) -> Result<(), Error> {
        let Some(key) = current else { return Ok(()) };
        if list.by_key(&user.id, key).await?.is_none() {
            let mut entry = self.visit.session_entry(&user.id, key.clone())?;
            let signed_in_at = self.visit.with_session(AuthRules::signed_in_at)?;
            entry.created = signed_in_at.unwrap_or(entry.created);
            list.add(&entry).await?;
        }
        Ok(())
    }

    /// Whether this key opens a session of the user's.
    async fn lives(&self, store: &dyn Store, key: &SessionKey, user: &User) -> Result<bool, Error> {
        let site = self.visit.site();
        let Some(stored) = store.load(key, site.now()).await? else {
            return Ok(false);
        };
        let mut session = SessionState::from_stored(key.clone(), stored, &site.save_rules.codec);
        // What cannot be read may be opened by a Django's key.
        Ok(session.is_unreadable()
            || (AuthRules::signed_in_user(&session).as_ref() == Some(&user.id)
                && site.auth_rules.verify(&mut session, Some(user)) == super::Owner::User))
    }
}

impl Cloakroom {
    /// Ends all sessions of the user with this id, for whoever runs the site; how many. They are dead when this returns.
    ///
    /// It reaches what [`Auth::end_other_sessions`] reaches. A new password, or a user who is not active any more, ends
    /// all of a user's sessions wherever they are kept, and on a site without a list too.
    ///
    /// ```
    /// # use cloakroom::{Cloakroom, Error};
    /// # async fn locked_out(site: &Cloakroom, user_id: &str) -> Result<(), Error> {
    /// let ended = site.end_sessions_of(user_id).await?;
    /// println!("{ended} sessions ended");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The site has no list, or a store failed. Then nothing is known, and it may be tried again.
    pub async fn end_sessions_of(&self, user_id: &str) -> Result<u64, Error> {
        Listed::of(&self.0)?.end_all_but(user_id, None).await
    }
}

/// A site that lists its users' sessions.
struct Listed<'a> {
    site: &'a Arc<Site>,
    list: &'a dyn SessionList,
    store: &'a dyn Store,
}

impl<'a> Listed<'a> {
    fn of(site: &'a Arc<Site>) -> Result<Self, Error> {
        match (&site.listed, &site.sessions) {
            (Some(listed), Sessions::Store(store)) => Ok(Self {
                site,
                list: &*listed.list,
                store: &**store,
            }),
            _ => Err(Error::no_session_list()),
        }
    }

    async fn end_all_but(&self, user_id: &str, current: Option<&SessionKey>) -> Result<u64, Error> {
        // Who moves to another key meanwhile is listed under that before, so the list comes last.
        let swept = self.sweep(user_id, current).await?;
        let ended = self
            .end(user_id, |entry| Some(&entry.key) != current)
            .await?;
        Ok(swept + ended)
    }

    /// Ends the user's listed sessions that are chosen; how many.
    async fn end(
        &self,
        user_id: &str,
        mut chosen: impl FnMut(&SessionEntry) -> bool + Send,
    ) -> Result<u64, Error> {
        let mut ended = 0;
        // One that moves to another key is listed under that before the old one opens nothing any more. So what was gone
        // is looked for again, until there is nothing.
        for _ in 0..ROUNDS {
            let mut found = self.list.of_user(user_id, ALL).await?;
            found.retain(&mut chosen);
            if found.is_empty() {
                return Ok(ended);
            }
            ended += self
                .end_records(found.into_iter().map(|entry| entry.key))
                .await?;
        }
        Err(Error::busy())
    }

    /// Ends the user's sessions among all that are kept in the list's database; how many.
    async fn sweep(&self, user_id: &str, current: Option<&SessionKey>) -> Result<u64, Error> {
        let codec = &self.site.save_rules.codec;
        let (now, mut ended) = (self.site.now(), 0);
        let mut after = String::new();
        loop {
            let page = self.list.records(&after, now, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(ended);
            };
            after.clone_from(last);
            let of_user = page.into_iter().filter_map(|(key, stored)| {
                let (key, stored) = (SessionKey::parse(&key)?, stored?);
                let session = SessionState::from_stored(key.clone(), stored, codec);
                let owner = AuthRules::signed_in_user(&session);
                (Some(&key) != current && owner.as_deref() == Some(user_id)).then_some(key)
            });
            ended += self.end_records(of_user).await?;
        }
    }

    /// Ends sessions, several at a time; how many there were.
    async fn end_records(&self, keys: impl Iterator<Item = SessionKey>) -> Result<u64, Error> {
        let (mut waiting, mut ended) = (keys.collect::<Vec<_>>(), 0);
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(key) = waiting.pop()
            {
                under_way.spawn(end_record(Arc::clone(self.site), key));
            }
            match under_way.join_next().await {
                None => return Ok(ended),
                Some(Ok(existed)) => ended += u64::from(existed?),
                // Only a panic ends a task before its end.
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            }
        }
    }
}

/// Ends a session, whatever it holds, and the tokens that were handed out in it, and takes it out of the list; whether
/// there was one.
async fn end_record(site: Arc<Site>, key: SessionKey) -> Result<bool, Error> {
    let Listed { list, store, .. } = Listed::of(&site)?;
    let now = site.now();
    if let Some(stored) = store.load(&key, now).await? {
        let session = SessionState::from_stored(key.clone(), stored, &site.save_rules.codec);
        if let Some(login) = session.token_login() {
            site.end_tokens(&login).await?;
        }
    }
    let deleted = store.delete(&key, None, now).await?;
    list.remove(&key).await?;
    Ok(matches!(deleted, Deleted::Deleted))
}
