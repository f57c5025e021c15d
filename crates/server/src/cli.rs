//! The command line, a contract with scripts: names, flags, streams and exit statuses do not change.
//!
//! Results go to standard output, messages to standard error; status 1 is a command that failed, 2 wrong usage.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::commands::{self, Failure};
use crate::database_url::DatabaseUrl;
use crate::settings::Settings;
use crate::{logging, output};

/// A login site that runs from one command and shares its login with Django.
#[derive(Debug, Parser)]
#[command(name = "cloakroom", version, after_help = SETTINGS_HELP)]
pub struct Cli {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", global = true, env = "CLOAKROOM_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the login site
    Serve {
        /// Where to listen [default: 127.0.0.1:8000]
        #[arg(long, value_name = "ADDR:PORT", value_parser = is_address)]
        listen: Option<String>,
        /// Where sessions are kept, if not in the database
        #[arg(long, value_name = "URL")]
        sessions: Option<String>,
        #[command(flatten)]
        database: Database,
    },
    /// Make the database and its tables
    Migrate {
        /// Make the table that lists where users are signed in, in a Django site's database too
        #[arg(long)]
        session_list: bool,
        #[command(flatten)]
        database: Database,
    },
    /// Make a user who may do everything
    #[command(name = "createsuperuser")]
    CreateSuperuser {
        #[command(flatten)]
        superuser: commands::create_superuser::Options,
        #[command(flatten)]
        database: Database,
    },
    /// Change a user's password
    #[command(name = "changepassword")]
    ChangePassword {
        /// Whose password [default: the name you are signed in with on this machine]
        username: Option<String>,
        #[command(flatten)]
        database: Database,
    },
    /// Delete sessions that have expired
    #[command(name = "clearsessions")]
    ClearSessions {
        #[command(flatten)]
        database: Database,
    },
    /// Show the key with which a Django beside the site signs and reads access tokens
    #[command(name = "jwt-key")]
    JwtKey {
        #[command(flatten)]
        database: Database,
    },
    /// Look for what is wrong with the settings
    Check {
        /// Look for what is wrong for a site that others can reach, too
        #[arg(long)]
        deploy: bool,
        /// Look at the database, too: the one of the settings or this one
        #[arg(long, value_name = "URL", num_args = 0..=1)]
        #[expect(
            clippy::option_option,
            reason = "clap's form of a flag with an optional value"
        )]
        database: Option<Option<String>>,
    },
}

#[derive(Args, Debug)]
struct Database {
    /// The database [default: sqlite:cloakroom.sqlite3]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Cli {
    /// Carries the command out and says how it went.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.try_run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                output::message(format_args!("Error: {failure}"));
                ExitCode::from(1)
            }
        }
    }

    fn try_run(self) -> Result<(), Failure> {
        let filter = std::env::var("CLOAKROOM_LOG").ok();
        logging::start(filter.as_deref())
            .map_err(|error| Failure::new(format!("CLOAKROOM_LOG: {error}")))?;
        let mut settings = Settings::load(self.config.as_deref(), std::env::vars_os())?;
        let mut runtime = match self.command {
            Command::Serve { .. } => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        runtime.enable_all().build()?.block_on(async {
            match self.command {
                Command::Serve {
                    listen,
                    sessions,
                    database,
                } => {
                    set(&mut settings, "LISTEN", listen)?;
                    set(&mut settings, "SESSIONS", sessions)?;
                    set(&mut settings, "DATABASE_URL", database.database)?;
                    commands::serve::run(settings).await
                }
                Command::Migrate {
                    session_list,
                    database,
                } => {
                    let url = database.url(&settings)?;
                    commands::migrate::run(&url, &settings, session_list).await
                }
                Command::CreateSuperuser {
                    superuser,
                    database,
                } => {
                    let url = database.url(&settings)?;
                    commands::create_superuser::run(superuser, &url, &settings).await
                }
                Command::ChangePassword { username, database } => {
                    let url = database.url(&settings)?;
                    commands::change_password::run(username, &url, &settings).await
                }
                Command::ClearSessions { database } => {
                    commands::clear_sessions::run(&database.url(&settings)?, &settings).await
                }
                Command::JwtKey { database } => {
                    commands::jwt_key::run(&settings, &database.url(&settings)?)
                }
                Command::Check { deploy, database } => {
                    let url = match database {
                        Some(database) => Some(Database { database }.url(&settings)?),
                        None => None,
                    };
                    commands::check::run(&settings, deploy, url.as_ref()).await
                }
            }
        })
    }
}

impl Database {
    /// The flag's database before that of the settings before the default.
    fn url(&self, settings: &Settings) -> Result<DatabaseUrl, Failure> {
        let text = self
            .database
            .as_deref()
            .or_else(|| settings.text("DATABASE_URL"));
        Ok(text.map_or_else(|| Ok(DatabaseUrl::default()), DatabaseUrl::parse)?)
    }
}

fn set(settings: &mut Settings, name: &str, flag: Option<String>) -> Result<(), Failure> {
    flag.map_or(Ok(()), |text| Ok(settings.set(name, &text)?))
}

fn is_address(text: &str) -> Result<String, String> {
    match commands::serve::address(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write an address and a port, such as 127.0.0.1:8000 or [::1]:8000".to_owned()),
    }
}

const SETTINGS_HELP: &str = "Settings have Django's names. They come from --config and, before it, from the \
environment: SECRET_KEY_FILE, SECRET_KEY, SECRET_KEY_FALLBACKS_FILE, SECRET_KEY_FALLBACKS, DATABASE_URL, and every \
setting with the prefix CLOAKROOM_, such as CLOAKROOM_SESSION_COOKIE_AGE=3600 (lists and None as JSON).";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
