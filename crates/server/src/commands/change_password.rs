//! `changepassword`: changes a user's password, which ends all of the user's sessions.

use cloakroom_core::auth::UserChanged;

use super::{Failure, passwords, prompt, quoted, serve};
use crate::database_url::DatabaseUrl;
use crate::output;
use crate::settings::Settings;
use crate::stores::open_database;

pub(crate) async fn run(
    username: Option<String>,
    url: &DatabaseUrl,
    settings: &Settings,
) -> Result<(), Failure> {
    serve::check_settings(settings)?;
    let store = open_database(url, settings).await?;
    let passwords = passwords(settings, &*store).await?;
    let username = username.or_else(super::create_superuser::system_username);
    let username =
        username.ok_or_else(|| Failure::new("name the user whose password to change"))?;
    let quoted = quoted(&username);
    let no_user = || Failure::new(format!("user {quoted} does not exist"));
    let user = store.by_username(&username).await?.ok_or_else(no_user)?;
    output::message(format_args!("Changing password for user {quoted}"));
    for _ in 0..ATTEMPTS {
        let password = prompt::password("Password: ")?;
        if password.is_empty() {
            output::message("Blank passwords aren't allowed. Please try again.");
            continue;
        }
        if *prompt::password("Password (again): ")? != *password {
            output::message("Passwords do not match. Please try again.");
            continue;
        }
        let problems = passwords.validators.validate(&password, &user.attributes());
        if !problems.is_empty() {
            for problem in problems {
                output::message(problem.message);
            }
            continue;
        }
        let encoded = passwords.hashers.make(password.as_bytes())?;
        return match store.set_password(&user.id, None, &encoded).await? {
            UserChanged::Changed => {
                output::result(format_args!(
                    "Password changed successfully for user {quoted}"
                ));
                Ok(())
            }
            UserChanged::NotChanged => Err(no_user()),
        };
    }
    Err(Failure::new(format!(
        "Aborting password change for user {quoted} after {ATTEMPTS} attempts"
    )))
}

const ATTEMPTS: u32 = 3;
