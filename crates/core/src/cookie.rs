//! Cookies on the wire: read and written as Django and Python's `http.cookies` do, and signed.
//!
//! Browsers know nothing of quoting; both ends of it are Python's. What Django writes is read back here to
//! the letter, and what is written here Django reads. Where we are stricter than Django, the item says so.

mod browser;
mod header;
mod name;
mod quoting;
mod response;
mod same_site;
mod set_cookie;
mod signed;
mod site_cookie;
mod vary;

pub use browser::Refusal;
pub use header::{find_all, find_last, map, parse};
pub use response::ResponseCookies;
pub use same_site::SameSite;
pub use set_cookie::{CookieError, SetCookie};
pub use signed::{CookieSigner, SignedCookies};
pub use site_cookie::{PreparedCookie, SiteCookie};
pub use vary::Vary;
