//! Sessions in Redis: the contract, requests at the same time, failures, and Django beside us.
#![cfg(feature = "redis")]

mod contract;
