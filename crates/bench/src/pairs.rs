//! Pairs of measurements: ours and what it is compared with, in turn.

use clap::ValueEnum;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Turn {
    Ours,
    Theirs,
}

/// Microseconds of each pair. Whatever disturbs the machine for longer than a moment disturbs both sides of a
/// pair, so that the ratio of a pair means more than either time.
pub(crate) struct Pairs {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Pairs {
    /// Has `measure` called `rounds` times for each side, and once before to warm up. Who goes first changes
    /// from pair to pair.
    pub(crate) fn measure(rounds: usize, mut measure: impl FnMut(Turn) -> f64) -> Self {
        let mut pairs = Self {
            ours: Vec::with_capacity(rounds),
            theirs: Vec::with_capacity(rounds),
        };
        for round in 0..=rounds {
            let (ours, theirs) = if round % 2 == 0 {
                let ours = measure(Turn::Ours);
                (ours, measure(Turn::Theirs))
            } else {
                let theirs = measure(Turn::Theirs);
                (measure(Turn::Ours), theirs)
            };
            if round > 0 {
                pairs.ours.push(ours);
                pairs.theirs.push(theirs);
            }
        }
        pairs
    }

    pub(crate) fn ours(&self) -> f64 {
        spread(self.ours.clone()).1
    }

    pub(crate) fn theirs(&self) -> f64 {
        spread(self.theirs.clone()).1
    }

    /// The least, the median and the most of the pairs' ratios.
    pub(crate) fn ratios(&self) -> (f64, f64, f64) {
        let pairs = self.ours.iter().zip(&self.theirs);
        spread(pairs.map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// The least, the median and the most.
pub(crate) fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    (at(0), at(last / 2), at(last))
}
