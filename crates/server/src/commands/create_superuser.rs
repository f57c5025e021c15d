//! `createsuperuser`: makes a user who may do everything.

use std::os::unix::ffi::OsStringExt as _;

use clap::Args;
use cloakroom_core::auth::{CreateUser, User, UserCreated};
use cloakroom_core::password::{Validators, unusable_password};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::Database;
use zeroize::Zeroizing;

use super::{Failure, passwords, prompt, serve};
use crate::database_url::DatabaseUrl;
use crate::settings::Settings;
use crate::stores::open_database;
use crate::{new_user, output};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Ask nothing; the password is DJANGO_SUPERUSER_PASSWORD, without which nobody can sign in as this user
    #[arg(long = "noinput", visible_alias = "no-input")]
    no_input: bool,
    /// The name to sign in with
    #[arg(long, env = "DJANGO_SUPERUSER_USERNAME")]
    username: Option<String>,
    /// The e-mail address
    #[arg(long, env = "DJANGO_SUPERUSER_EMAIL")]
    email: Option<String>,
}

pub(crate) async fn run(
    options: Options,
    url: &DatabaseUrl,
    settings: &Settings,
) -> Result<(), Failure> {
    serve::check_settings(settings)?;
    let store = open_database(url, settings).await?;
    let passwords = passwords(settings, &*store).await?;
    let (mut user, password) = if options.no_input {
        given(options, &*store).await?
    } else {
        asked(options, &*store, &passwords.validators).await?
    };
    user.password = match password {
        Some(password) => passwords.hashers.make(&password)?,
        None => unusable_password()?,
    };
    user.is_superuser = true;
    user.is_staff = true;
    match store.create_user(&user, CreateUser::Always).await? {
        UserCreated::Created(_) => {
            output::result("Superuser created successfully.");
            Ok(())
        }
        UserCreated::UsernameTaken | UserCreated::NotTheFirst => Err(Failure::new(TAKEN)),
    }
}

/// The name of whoever gives the command.
pub(super) fn system_username() -> Option<String> {
    ["LOGNAME", "USER"]
        .into_iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find(|name| !name.is_empty())
}

/// The user, and the password if there is to be one.
type Answers = (User, Option<Zeroizing<Vec<u8>>>);

fn user_of(username: String, email: String) -> User {
    let mut user = User::new("", username, Timestamp::now());
    user.email = email;
    user
}

async fn given(options: Options, store: &dyn Database) -> Result<Answers, Failure> {
    let missing = |option| Failure::new(format!("You must use --{option} with --noinput."));
    let username = options.username.ok_or_else(|| missing("username"))?;
    let email = options.email.ok_or_else(|| missing("email"))?;
    let username = valid_username(&username, store).await?;
    let password =
        std::env::var_os("DJANGO_SUPERUSER_PASSWORD").map(|text| Zeroizing::new(text.into_vec()));
    if password
        .as_ref()
        .is_some_and(|password| password.is_empty())
    {
        return Err(Failure::new("Blank passwords aren't allowed."));
    }
    Ok((user_of(username, valid_email(&email)?), password))
}

async fn asked(
    options: Options,
    store: &dyn Database,
    validators: &Validators,
) -> Result<Answers, Failure> {
    let mut username = match options.username {
        Some(username) => Some(valid_username(&username, store).await?),
        None => None,
    };
    let default = match system_username() {
        Some(name) => valid_username(&name, store).await.ok(),
        None => None,
    };
    let question = default.as_ref().map_or_else(
        || "Username: ".to_owned(),
        |name| format!("Username (leave blank to use '{name}'): "),
    );
    let username = loop {
        if let Some(username) = username {
            break username;
        }
        let answer = prompt::line(&question)?;
        let answer = match &default {
            Some(name) if answer.is_empty() => name,
            _ => &answer,
        };
        username = told(valid_username(answer, store).await);
    };
    let mut email = options.email;
    let email = loop {
        let answer = match email.take() {
            Some(email) => email,
            None => prompt::line("Email address: ")?,
        };
        if let Some(email) = told(valid_email(&answer)) {
            break email;
        }
    };
    let user = user_of(username, email);
    loop {
        let password = prompt::password("Password: ")?;
        if *prompt::password("Password (again): ")? != *password {
            output::message("Error: Your passwords didn't match.");
        } else if password.trim().is_empty() {
            output::message("Error: Blank passwords aren't allowed.");
        } else if is_wanted(&password, &user, validators)? {
            let bytes = Zeroizing::new(password.as_bytes().to_vec());
            return Ok((user, Some(bytes)));
        }
    }
}

/// Whether the validators find nothing wrong, or whoever was told what is says that it does not matter.
fn is_wanted(password: &str, user: &User, validators: &Validators) -> Result<bool, Failure> {
    let problems = validators.validate(password, &user.attributes());
    for problem in &problems {
        output::message(&problem.message);
    }
    let question = "Bypass password validation and create user anyway? [y/N]: ";
    Ok(problems.is_empty() || prompt::line(question)?.eq_ignore_ascii_case("y"))
}

/// The answer, or `None` after saying what is wrong with it.
fn told<T>(answer: Result<T, Failure>) -> Option<T> {
    answer
        .map_err(|failure| output::message(format_args!("Error: {failure}")))
        .ok()
}

/// The name in the form in which it is kept, if nobody has it.
async fn valid_username(name: &str, store: &dyn Database) -> Result<String, Failure> {
    let name = new_user::username(name).map_err(Failure::new)?;
    match store.by_username(&name).await? {
        Some(_) => Err(Failure::new(TAKEN)),
        None => Ok(name),
    }
}

fn valid_email(address: &str) -> Result<String, Failure> {
    new_user::email(address).map_err(Failure::new)
}

const TAKEN: &str = "That username is already taken.";
