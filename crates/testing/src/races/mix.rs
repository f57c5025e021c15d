//! Random requests of two browsers in random order.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use cloakroom_core::session::Store;

use crate::figures::tell;
use crate::schedule::Deed::{
    Add, ChangePassword, CycleKey, Login, LoginBefore, Logout, Save, Set, Take, Think, Verify,
};
use crate::schedule::{Act, Deed, NAMES, Scenario, Site, SplitMix64, USERS};

/// Whatever the requests and their order, the invariants hold (R9).
///
/// `CLOAKROOM_SCHEDULES` says how many are tried, `CLOAKROOM_SEED` with which seed they begin.
pub async fn random_schedules_keep_the_invariants(store: &Arc<dyn Store>) {
    run(store, mix).await;
}

/// The same with up to three mishaps in each.
pub async fn random_schedules_with_mishaps_keep_the_invariants(store: &Arc<dyn Store>) {
    run(store, |seed| mix(seed).with_mishaps(3)).await;
}

/// Says how many schedules there were in which a call met another's change, or found its record gone. Were they few,
/// the invariants would hold of requests that hardly met.
async fn run(store: &Arc<dyn Store>, scenario: impl Fn(u64) -> Scenario) {
    let (all, changed, gone) = (seeds().count(), Cell::new(0), Cell::new(0));
    for seed in seeds() {
        scenario(seed)
            .in_seeded_orders(store, seed..seed + 1, |end| {
                changed.set(changed.get() + usize::from(end.met_changed));
                gone.set(gone.get() + usize::from(end.met_gone));
            })
            .await;
    }
    let (changed, gone) = (changed.get(), gone.get());
    tell(&format!(
        r#""schedules": {all}, "met_changed": {changed}, "met_gone": {gone}"#
    ));
    // A few schedules, to look at one closely, prove nothing about shares.
    assert!(
        all < 100 || (changed * 10 >= all && gone * 10 >= all),
        "they hardly met"
    );
}

fn seeds() -> Range<u64> {
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text.parse().expect("it is a number"),
        Err(_) => otherwise,
    };
    let first = number("CLOAKROOM_SEED", 0);
    first..first + number("CLOAKROOM_SCHEDULES", 1000)
}

fn mix(seed: u64) -> Scenario {
    let mut random = SplitMix64(!seed);
    let mut scenario = Scenario::new();
    if random.below(4) == 0 {
        scenario = scenario.keeping_keys_at_relogin();
    }
    for browser in 0..2 {
        let login = match random.below(4) {
            0 => None,
            1 => Some(LoginBefore("ann")),
            _ => Some(Login("ann")),
        };
        let deeds: Vec<Deed> = [Set("a"), Set("once")].into_iter().chain(login).collect();
        scenario = scenario.before_in(browser, &deeds);
    }
    for tab in ["A", "B", "C", "D", "E"].iter().take(2 + random.below(4)) {
        let browser = usize::from(random.below(3) == 0);
        let acts = (0..=random.below(3))
            .map(|_| match random.below(40) {
                0 => Act::Age(Site::AGE / 2),
                1 => Act::Age(Site::AGE),
                2 => Act::Purge,
                _ => Act::Request(request(&mut random)),
            })
            .collect();
        scenario = scenario.tab(tab, browser, acts);
    }
    scenario
}

fn request(random: &mut SplitMix64) -> Vec<Deed> {
    let mut deeds = Vec::new();
    if random.below(4) > 0 {
        deeds.push(Verify);
    }
    for _ in 0..=random.below(3) {
        let name = NAMES[random.below(3)];
        deeds.push(match random.below(22) {
            0..=6 => Set(name),
            7..=10 => Add("count", 1),
            11 | 12 => Take("once"),
            13 => Set("once"),
            14 => Take(name),
            15 => CycleKey,
            16 => Login(USERS[random.below(2)]),
            17 => Logout,
            18 => ChangePassword,
            19 => Save,
            _ => Think,
        });
    }
    deeds
}
