//! Whether a browser keeps cookies: something is put into its session, and looked for at the next request.

use super::super::data::ascii;
use super::SessionState;

impl SessionState {
    /// Puts something into the session to see whether it comes back: Django's `set_test_cookie`.
    pub fn set_test_cookie(&mut self) {
        self.set_text(TEST_COOKIE_NAME, TEST_COOKIE_VALUE);
    }

    /// True if the browser has sent back what [`set_test_cookie`](Self::set_test_cookie) gave it.
    #[must_use]
    pub fn test_cookie_worked(&self) -> bool {
        self.raw(TEST_COOKIE_NAME)
            .is_some_and(|json| *json == ascii::text(TEST_COOKIE_VALUE))
    }

    /// Removes it again; whether it was there.
    pub fn delete_test_cookie(&mut self) -> bool {
        self.remove(TEST_COOKIE_NAME)
    }
}

/// Django's name and value of what a test cookie is.
const TEST_COOKIE_NAME: &str = "testcookie";
const TEST_COOKIE_VALUE: &str = "worked";
