//! Runs requests against each other in a given order, one store call at a time.
//!
//! No run sleeps or depends on threads: a request is polled by hand up to its next store call, and there it
//! waits until the schedule lets it go. A store's own waiting (a database's thread) is part of the call.

mod choices;
mod end;
mod invariants;
mod paused;
mod request;
mod site;
mod work;

use std::ops::Range;
use std::sync::Arc;

use cloakroom_core::auth::Relogin;
use cloakroom_core::session::Store;

use choices::Choices;
use paused::Verdict;
use work::Work;

pub(crate) use choices::SplitMix64;
pub(crate) use end::End;
pub(crate) use invariants::NAMES;
pub(crate) use request::{Act, Deed, USERS};
pub(crate) use site::{Outcome, Site};

/// What happens before, and what then happens at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    before: Vec<(usize, Vec<Deed>)>,
    tabs: Vec<(&'static str, usize, Vec<Act>)>,
    relogin: Relogin,
    mishaps: usize,
}

impl Scenario {
    pub(crate) const fn new() -> Self {
        Self {
            before: Vec::new(),
            tabs: Vec::new(),
            relogin: Relogin::RenewsKey,
            mishaps: 0,
        }
    }

    pub(crate) const fn keeping_keys_at_relogin(mut self) -> Self {
        self.relogin = Relogin::KeepsKey;
        self
    }

    /// At most so many calls fail or are never answered: each call in turn, in each way.
    pub(crate) const fn with_mishaps(mut self, at_most: usize) -> Self {
        self.mishaps = at_most;
        self
    }

    /// A request that is through before the others are sent.
    pub(crate) fn before(self, deeds: &[Deed]) -> Self {
        self.before_in(0, deeds)
    }

    pub(crate) fn before_in(mut self, browser: usize, deeds: &[Deed]) -> Self {
        self.before.push((browser, deeds.to_vec()));
        self
    }

    /// One request of the first browser, at the same time as all others.
    pub(crate) fn request(self, name: &'static str, deeds: &[Deed]) -> Self {
        self.tab(name, 0, vec![Act::Request(deeds.to_vec())])
    }

    pub(crate) fn tab(mut self, name: &'static str, browser: usize, acts: Vec<Act>) -> Self {
        self.tabs.push((name, browser, acts));
        self
    }

    /// Runs all interleavings, checks what must hold after any and what must hold after these, and says how
    /// many there were.
    pub(crate) async fn in_every_order(
        &self,
        store: &Arc<dyn Store>,
        check: impl Fn(&End),
    ) -> usize {
        let mut choices = Choices::in_order();
        let mut runs = 0;
        loop {
            let end = self.run(store, &mut choices, String::new()).await;
            end.check_invariants();
            check(&end);
            runs += 1;
            if !choices.advance() {
                return runs;
            }
        }
    }

    /// Runs one interleaving for each seed.
    pub(crate) async fn in_seeded_orders(
        &self,
        store: &Arc<dyn Store>,
        seeds: Range<u64>,
        check: impl Fn(&End),
    ) {
        for seed in seeds {
            let mut choices = Choices::seeded(seed);
            let end = self
                .run(store, &mut choices, format!("seed {seed}: "))
                .await;
            end.check_invariants();
            check(&end);
        }
    }

    async fn run(&self, store: &Arc<dyn Store>, choices: &mut Choices, mut trace: String) -> End {
        let site = Arc::new(Site::new(store, self.relogin));
        for (browser, deeds) in &self.before {
            let acts = vec![Act::Request(deeds.clone())];
            let mut work = Work::start(&site, ("before", *browser, acts)).await;
            while work.waits_for().is_some() {
                work.let_go(Verdict::Go).await;
            }
        }
        let mut works = Vec::new();
        for tab in &self.tabs {
            works.push(Work::start(&site, tab.clone()).await);
        }
        let mut mishaps = Vec::new();
        loop {
            let mut waiting: Vec<_> = works
                .iter_mut()
                .filter(|work| work.waits_for().is_some())
                .collect();
            if waiting.is_empty() {
                break;
            }
            site.tick();
            let chosen = choices.choose(waiting.len());
            let work = &mut *waiting[chosen];
            let call = work.waits_for().expect("only such were chosen from");
            let mishap = if mishaps.len() < self.mishaps && call.reaches_the_store() {
                choices.mishap(MISHAPS.len()).map(|number| MISHAPS[number])
            } else {
                None
            };
            trace += &format!("{}.{call:?}", work.tab);
            if let Some(mishap) = mishap {
                mishaps.push(call);
                trace += &format!("({mishap:?})");
            }
            trace += " ";
            match mishap {
                None => work.let_go(Verdict::Go).await,
                Some(Mishap::FailsBefore) => work.let_go(Verdict::FailBefore).await,
                Some(Mishap::FailsAfter) => work.let_go(Verdict::FailAfter).await,
                Some(Mishap::CutBefore) => work.cut(),
                Some(Mishap::CutAfter) => {
                    work.let_go(Verdict::HangAfter).await;
                    work.cut();
                }
            }
        }
        drop(works);
        End::of(&site, mishaps, trace).await
    }
}

/// What can happen to one call.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    FailsBefore,
    FailsAfter,
    CutBefore,
    CutAfter,
}

const MISHAPS: [Mishap; 4] = [
    Mishap::FailsBefore,
    Mishap::FailsAfter,
    Mishap::CutBefore,
    Mishap::CutAfter,
];

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use cloakroom_core::session::MemoryStore;

    use super::*;

    fn store() -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(usize::MAX))
    }

    fn two_writes() -> Scenario {
        Scenario::new()
            .before(&[Deed::Set("a")])
            .request("A", &[Deed::Set("b")])
            .request("B", &[Deed::Set("c")])
    }

    #[tokio::test]
    async fn every_interleaving_is_run_once() {
        let traces = RefCell::new(Vec::new());
        let runs = two_writes()
            .in_every_order(&store(), |end| traces.borrow_mut().push(end.trace.clone()))
            .await;
        let mut traces = traces.into_inner();
        traces.sort_unstable();
        // Whoever is second of two that loaded the same has to write again.
        assert_eq!(
            traces,
            [
                "A.Load A.Replace B.Load B.Replace ",
                "A.Load B.Load A.Replace B.Replace B.Replace ",
                "A.Load B.Load B.Replace A.Replace A.Replace ",
                "B.Load A.Load A.Replace B.Replace B.Replace ",
                "B.Load A.Load B.Replace A.Replace A.Replace ",
                "B.Load B.Replace A.Load A.Replace ",
            ]
        );
        assert_eq!(runs, 6);
    }

    #[tokio::test]
    async fn a_seed_tells_the_whole_run() {
        let run = |seed: u64| async move {
            let trace = RefCell::new(String::new());
            two_writes()
                .with_mishaps(1)
                .in_seeded_orders(&store(), seed..seed + 1, |end| {
                    trace.replace(end.trace.clone());
                })
                .await;
            trace.into_inner()
        };
        assert_eq!(run(3).await, run(3).await);
        assert_ne!(run(3).await[8..], run(4).await[8..]);
    }
}
