//! `jwt-key`: shows the key with which a Django beside the site reads our tokens, and we its.

use cloakroom_core::auth::derived_signing_key;

use super::Failure;
use crate::database_url::DatabaseUrl;
use crate::first_start::read_key_file;
use crate::output;
use crate::settings::{Settings, WeakKeys};

pub(crate) fn run(settings: &Settings, url: &DatabaseUrl) -> Result<(), Failure> {
    if settings.jwt_signing_key()?.is_some() {
        return Err(Failure::new(
            "JWT_SIGNING_KEY is set, so that key signs the tokens; give the same one to Django",
        ));
    }
    let key = match settings.secrets(WeakKeys::Pass)? {
        Some(secrets) => Some(secrets.key().clone()),
        None => url.file().map(read_key_file).transpose()?.flatten(),
    };
    let key = key
        .ok_or_else(|| Failure::new("no secret key is given; name its file in SECRET_KEY_FILE"))?;
    output::message(
        "This key signs access and refresh tokens, so keep it as secret as the secret key. Put it into the Django site's \
         settings: SIMPLE_JWT = {\"SIGNING_KEY\": …}",
    );
    output::result(derived_signing_key(&key));
    Ok(())
}
