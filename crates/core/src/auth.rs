//! Users, and how a session comes to belong to one.

mod login;
mod user;

pub use login::{AuthRules, Owner, Relogin};
pub use user::{CreateUser, User, UserChanged, UserCreated, UserStore};
