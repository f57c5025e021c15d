//! Users, and how a session comes to belong to one.

mod column;
mod families;
mod jwt;
mod ledger;
mod login;
mod next;
mod permission;
mod reset;
mod session_list;
mod throttle;
mod tickets;
mod user;

pub use column::{ColumnError, Columns};
pub use families::{Exchanged, TokenError, TokenFamilies};
pub use jwt::{Claims, JwtRules, TokenType, derived_signing_key};
pub use login::{AuthRules, Owner, Relogin};
pub use next::{
    NextRule, REDIRECT_FIELD_NAME, full_path, iri_to_uri, is_safe_next, login_redirect,
    next_of_request,
};
pub use permission::Permissions;
pub use reset::{ResetTokens, id_of_uidb64, uidb64};
pub use session_list::{SessionEntry, SessionList};
pub use throttle::{Delays, Device, Devices, Limits, Throttle, Throttled, Track};
pub use tickets::{Ticket, TicketRules};
pub use user::{CreateUser, User, UserChanged, UserCreated, UserStore};
pub use user::{LONGEST_EMAIL, LONGEST_USERNAME, canonical_login, normalize_username, same_email};
