//! Where a schedule can go on in several ways, something must choose: in order, so that none is left out, or
//! by a seed.

/// Chooses at each fork of a run, and remembers what it takes to run the same way again.
#[derive(Debug)]
pub(crate) enum Choices {
    /// Depth first: each run repeats the one before up to its last open fork and turns there.
    InOrder { path: Vec<Fork>, at: usize },
    /// By the numbers that follow from a seed.
    Seeded(SplitMix64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fork {
    chosen: usize,
    ways: usize,
}

impl Choices {
    pub(crate) const fn in_order() -> Self {
        Self::InOrder {
            path: Vec::new(),
            at: 0,
        }
    }

    pub(crate) const fn seeded(seed: u64) -> Self {
        Self::Seeded(SplitMix64(seed))
    }

    /// One of `ways` ways, of which there is at least one.
    pub(crate) fn choose(&mut self, ways: usize) -> usize {
        match self {
            Self::Seeded(random) => random.below(ways),
            Self::InOrder { path, at } => {
                if *at == path.len() {
                    path.push(Fork { chosen: 0, ways });
                }
                let fork = path[*at];
                assert_eq!(fork.ways, ways, "the same choices led to another fork");
                *at += 1;
                fork.chosen
            }
        }
    }

    /// One of `ways` mishaps or, more often where a seed decides, none.
    pub(crate) fn mishap(&mut self, ways: usize) -> Option<usize> {
        match self {
            Self::Seeded(random) => (random.below(6) == 0).then(|| random.below(ways)),
            Self::InOrder { .. } => self.choose(ways + 1).checked_sub(1),
        }
    }

    /// Turns to the next run; false if all have been made.
    pub(crate) fn advance(&mut self) -> bool {
        let Self::InOrder { path, at } = self else {
            return false;
        };
        *at = 0;
        while let Some(fork) = path.last_mut() {
            fork.chosen += 1;
            if fork.chosen < fork.ways {
                return true;
            }
            path.pop();
        }
        false
    }
}

/// Steele, Lea and Flood's generator: a seed tells the whole run, on every machine.
#[derive(Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_through_forks_of_different_width_is_taken_once() {
        let mut choices = Choices::in_order();
        let mut runs = Vec::new();
        loop {
            let first = choices.choose(3);
            let second = if first == 1 { choices.choose(2) } else { 0 };
            runs.push((first, second));
            if !choices.advance() {
                break;
            }
        }
        assert_eq!(runs, [(0, 0), (1, 0), (1, 1), (2, 0)]);
    }

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix64(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }
}
