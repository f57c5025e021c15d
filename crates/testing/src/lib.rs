//! What Cloakroom's own tests share: the contract every store passes.

#![forbid(unsafe_code)]
