//! The databases that keep Cloakroom's sessions and users.

#![forbid(unsafe_code)]
