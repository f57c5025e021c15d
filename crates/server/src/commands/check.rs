//! `check`: looks for what is wrong before a visitor finds it.

use super::Failure;
use super::serve::{address, check_settings, only_this_machine, without_secrets};
use crate::database_url::DatabaseUrl;
use crate::first_start::read_key_file;
use crate::output;
use crate::settings::{Settings, WeakKeys};
use crate::stores::{Stores, open_database};
use crate::user_table::explained;

/// Errors fail the command, warnings do not, as in Django.
pub(crate) async fn run(
    settings: &Settings,
    deploy: bool,
    database: Option<&DatabaseUrl>,
) -> Result<(), Failure> {
    let mut errors = errors(settings, deploy);
    let mut warnings = if deploy {
        warnings(settings)
    } else {
        Vec::new()
    };
    if let Some(url) = database {
        match look_at_stores(settings, url).await {
            Ok((problems, advice)) => {
                errors.extend(problems);
                warnings.extend(advice);
            }
            Err(failure) => errors.push(failure.to_string()),
        }
    }
    let count = errors.len() + warnings.len();
    if count == 0 {
        output::result("System check identified no issues.");
        return Ok(());
    }
    output::message("System check identified some issues:");
    for (heading, found) in [("ERRORS", &errors), ("WARNINGS", &warnings)] {
        if !found.is_empty() {
            output::message(format_args!("\n{heading}:"));
            found.iter().for_each(output::message);
        }
    }
    let issues = if count == 1 { "issue" } else { "issues" };
    output::message(format_args!("\nSystem check identified {count} {issues}."));
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::new("the check found errors"))
    }
}

fn errors(settings: &Settings, deploy: bool) -> Vec<String> {
    let mut errors = Vec::new();
    let mut note = |outcome: Result<(), Failure>| {
        errors.extend(outcome.err().map(|failure| failure.to_string()));
    };
    note(check_settings(settings));
    let listen = settings
        .text("LISTEN")
        .map_or(Some(super::serve::DEFAULT_ADDRESS), address);
    let url = settings
        .text("DATABASE_URL")
        .map_or_else(|| Ok(DatabaseUrl::default()), DatabaseUrl::parse);
    if listen.is_none() {
        note(Err(Failure::new(
            "LISTEN should be an address and a port, such as 127.0.0.1:8000",
        )));
    }
    let weak = if deploy || !listen.is_some_and(|address| only_this_machine(&address)) {
        WeakKeys::Refused
    } else {
        WeakKeys::Pass
    };
    match (settings.secrets(weak), url) {
        (Ok(Some(_)), Ok(_)) => {}
        (Ok(None), Ok(url)) => match url.file().map_or(Ok(None), read_key_file) {
            Ok(None) if deploy => note(Err(Failure::new(
                "no secret key is given; name its file in SECRET_KEY_FILE",
            ))),
            Ok(_) => {}
            Err(error) => note(Err(error.into())),
        },
        (secrets, url) => {
            note(secrets.map(drop).map_err(Failure::from));
            note(url.map(drop).map_err(Failure::from));
        }
    }
    errors
}

/// What is wrong with the database, and what to know about where the sessions are.
async fn look_at_stores(
    settings: &Settings,
    url: &DatabaseUrl,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let database = open_database(url, settings).await?;
    let stores = Stores::open(database, settings, &without_secrets(settings, None)?).await?;
    let problems = stores.check().await?;
    if !problems.is_empty() {
        return Ok((
            problems
                .iter()
                .map(|problem| explained(problem, settings))
                .collect(),
            Vec::new(),
        ));
    }
    stores.answer().await?;
    Ok((Vec::new(), stores.advice().await?))
}

fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings
        .texts("ALLOWED_HOSTS")
        .is_none_or(|hosts| hosts.is_empty())
    {
        warnings.push("ALLOWED_HOSTS is empty: only loopback names are answered.".to_owned());
    }
    if settings
        .texts("ALLOWED_HOSTS")
        .is_some_and(|hosts| hosts.contains(&"*"))
    {
        warnings.push(
            "ALLOWED_HOSTS has \"*\": whoever names a host in a request decides what links name."
                .to_owned(),
        );
    }
    for name in ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"] {
        if settings.get(name) == Some(&false.into()) {
            warnings.push(format!(
                "{name} is false: the cookie can be read where a request goes unencrypted."
            ));
        }
    }
    if settings.get("SESSION_COOKIE_HTTPONLY") == Some(&false.into()) {
        warnings.push(
            "SESSION_COOKIE_HTTPONLY is false: a script in a page can read the session's key."
                .to_owned(),
        );
    }
    warnings
}
