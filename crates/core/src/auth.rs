//! Users, and how a session comes to belong to one.

mod user;

pub use user::{CreateUser, User, UserChanged, UserCreated, UserStore};
