//! Moments as text.

use cloakroom_core::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask};
use crate::signing::Now;

#[derive(Deserialize)]
pub(crate) struct Write {
    moment: Now,
}

impl Ask for Write {
    fn answer(self) -> Answer {
        let moment = self.moment.timestamp();
        Ok(json!({
            "iso": moment.iso_text(),
            "sql": moment.sql_text(),
            "http": moment.http_date(),
        }))
    }
}

#[derive(Deserialize)]
pub(crate) struct Read {
    text: String,
}

impl Ask for Read {
    /// Microseconds since 1970.
    fn answer(self) -> Answer {
        Ok(json!(
            Timestamp::from_sql_text(&self.text).map(Timestamp::unix_micros)
        ))
    }
}
