//! Where we answer otherwise than Django on purpose: the one table.
//!
//! Each entry has its reason, and each of its rows the input and our answer. A difference that is not here fails
//! the test, and so does an entry that no longer differs.

#[path = "deviations/auth.rs"]
mod auth;
#[path = "deviations/cookies.rs"]
mod cookies;
#[path = "deviations/sessions.rs"]
mod sessions;

use std::collections::HashMap;

use crate::rows::{Answer, Row};

/// The rows of a section that are answered otherwise, and why.
struct Deviation {
    /// Empty for all.
    releases: &'static [&'static str],
    section: &'static str,
    reason: &'static str,
    /// Input and our answer.
    rows: Vec<(String, String)>,
}

/// The table, and which of it was met.
pub(crate) struct Table {
    deviations: Vec<Deviation>,
    met: HashMap<(usize, String), usize>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            deviations: deviations(),
            met: HashMap::new(),
        }
    }

    /// Equal answers, or our answer in the table.
    pub(crate) fn judge(
        &mut self,
        release: &str,
        section: &str,
        row: &Row,
        answer: &Answer,
    ) -> Result<(), String> {
        let Answer {
            input,
            django,
            ours,
        } = answer;
        if django == ours {
            return if row.has("deviates") {
                Err(format!("{input:?}: said to deviate and does not"))
            } else {
                Ok(())
            };
        }
        let found = self.deviations.iter().position(|deviation| {
            let listed = |(known, answer): &(String, String)| known == input && answer == ours;
            deviation.section == section
                && (deviation.releases.is_empty() || deviation.releases.contains(&release))
                && deviation.rows.iter().any(listed)
        });
        let Some(place) = found else {
            return Err(format!("{input:?}\n  django {django}\n  ours   {ours}"));
        };
        *self.met.entry((place, input.clone())).or_default() += 1;
        Ok(())
    }

    /// How many rows deviated.
    pub(crate) fn met(&self) -> usize {
        self.met.values().sum()
    }

    /// Entries that explain nothing.
    pub(crate) fn never_met(&self) -> Vec<String> {
        let mut unmet = Vec::new();
        for (place, deviation) in self.deviations.iter().enumerate() {
            let Deviation {
                section, reason, ..
            } = deviation;
            for (input, _) in &deviation.rows {
                if !self.met.contains_key(&(place, input.clone())) {
                    unmet.push(format!(
                        "{section}: no longer deviates: {input:?} ({reason})"
                    ));
                }
            }
        }
        unmet
    }
}

fn deviations() -> Vec<Deviation> {
    let groups = [
        cookies::signing(),
        cookies::cookies(),
        cookies::signed_cookies(),
        sessions::sessions(),
        sessions::expiries(),
        auth::csrf_and_passwords(),
        auth::logins(),
        auth::nexts(),
    ];
    groups.into_iter().flatten().collect()
}

fn everywhere(
    section: &'static str,
    reason: &'static str,
    rows: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Deviation {
    only_in(&[], section, reason, rows)
}

fn only_in(
    releases: &'static [&'static str],
    section: &'static str,
    reason: &'static str,
    rows: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Deviation {
    let rows = rows.into_iter();
    Deviation {
        releases,
        section,
        reason,
        rows: rows
            .map(|(input, ours)| (input.into(), ours.into()))
            .collect(),
    }
}

/// Rows with one answer.
fn alike(ours: &str, inputs: impl IntoIterator<Item = impl Into<String>>) -> Vec<(String, String)> {
    let inputs = inputs.into_iter();
    inputs
        .map(|input| (input.into(), ours.to_owned()))
        .collect()
}

const ENDED: &str = "expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
const DELETED: &str = "\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
