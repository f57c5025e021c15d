//! What comes in by the forms of the lesson, and what its two pages show.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::users::Class;
use super::Pupil;
use crate::database::{Database, Unavailable};

/// Which classes are asked for: those of one room, or all.
#[derive(Deserialize)]
#[serde(from = "HashMap<String, String>")]
pub(super) struct Rooms(Option<String>);

impl From<HashMap<String, String>> for Rooms {
    fn from(mut fields: HashMap<String, String>) -> Self {
        Self(fields.remove("room"))
    }
}

pub(super) async fn classes(
    database: &Database,
    Rooms(room): Rooms,
) -> Result<Vec<Class>, Unavailable> {
    let work = move |connection: &mut _| Class::in_room(connection, room.as_deref());
    database.with(work).await
}

#[derive(Default, Serialize)]
pub(super) struct View {
    pupil: Option<String>,
    next: String,
    problem: &'static str,
    /// There on the page that is guarded.
    classes: Option<Vec<Class>>,
}

impl View {
    pub(super) fn login(pupil: Option<Pupil>, next: Option<String>, problem: &'static str) -> Self {
        let pupil = pupil.map(|Pupil(name)| name);
        Self {
            pupil,
            next: next.unwrap_or_default(),
            problem,
            classes: None,
        }
    }

    pub(super) fn classes(Pupil(name): Pupil, classes: Vec<Class>) -> Self {
        Self {
            pupil: Some(name),
            classes: Some(classes),
            ..Self::default()
        }
    }
}
