use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::error::ErrorKind;

const LONG: Duration = Duration::from_secs(60);

fn asker(account: u64, address: u64) -> Asker {
    Asker {
        account,
        address: Some(address),
        known: false,
    }
}

fn known(account: u64) -> Asker {
    Asker {
        account,
        address: None,
        known: true,
    }
}

/// Takes all places.
async fn full(gate: &Arc<Gate>) -> Vec<Place> {
    let mut places = Vec::new();
    for number in 0..gate.places() {
        let number = u64::try_from(number).unwrap();
        let place = gate.enter(asker(1_000_000 + number, 1_000_000 + number), LONG);
        places.push(place.await.unwrap());
    }
    places
}

/// Lines these up, in this order, and lets them in one by one; the order in which they came in.
async fn order_of(gate: Arc<Gate>, askers: Vec<Asker>) -> Vec<(u64, Option<u64>)> {
    let mut inside = full(&gate).await;
    let (sender, receiver) = mpsc::channel();
    let mut tasks = Vec::new();
    for (number, asker) in askers.into_iter().enumerate() {
        let (gate_, sender) = (Arc::clone(&gate), sender.clone());
        tasks.push(tokio::spawn(async move {
            if let Ok(place) = gate_.enter(asker.clone(), LONG).await {
                sender.send((asker.account, asker.address)).unwrap();
                drop(place);
            }
        }));
        while gate.state().waiting.len() <= number {
            tokio::task::yield_now().await;
        }
    }
    drop((sender, inside.pop()));
    for task in tasks {
        task.await.unwrap();
    }
    receiver.iter().collect()
}

/// H5.
#[tokio::test]
async fn one_who_asks_for_much_waits_for_himself() {
    let flood = |number| asker(number, 666);
    let mut askers: Vec<_> = (0..20).map(flood).collect();
    askers.push(asker(77, 77));
    let order = order_of(Gate::new(1, 100), askers).await;
    assert_eq!(order.iter().position(|who| *who == (77, Some(77))), Some(1));
    // The same of one account from everywhere.
    let mut askers: Vec<_> = (0..20).map(|number| asker(666, number)).collect();
    askers.push(asker(7, 700));
    let order = order_of(Gate::new(1, 100), askers).await;
    assert_eq!(order.iter().position(|who| *who == (7, Some(700))), Some(1));
}

#[tokio::test]
async fn known_browsers_get_every_other_place() {
    let mut askers: Vec<_> = (0..20).map(|number| asker(number, number)).collect();
    askers.extend((100..103).map(known));
    let order = order_of(Gate::new(1, 100), askers).await;
    let at: Vec<_> = (100..103)
        .map(|account| order.iter().position(|who| who.0 == account).unwrap())
        .collect();
    assert_eq!(at, [1, 3, 5]);
}

#[tokio::test]
async fn whoever_has_most_in_a_full_line_makes_room() {
    let gate = Gate::new(1, 3);
    let askers = vec![asker(1, 666), asker(2, 666), asker(3, 666)];
    let full_line = order_of(Arc::clone(&gate), askers).await;
    assert_eq!(full_line.len(), 3);
    // Four wait for three places in the line; the third of one address is sent away for another's first.
    let _inside = full(&gate).await;
    let mut waiting: Vec<_> = (1..=3)
        .map(|account| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.enter(asker(account, 666), LONG).await.map(drop) })
        })
        .collect();
    while gate.state().waiting.len() < 3 {
        tokio::task::yield_now().await;
    }
    let other = Arc::clone(&gate);
    let newcomer = tokio::spawn(async move { other.enter(asker(7, 7), LONG).await.map(drop) });
    let sent_away = waiting.pop().unwrap().await.unwrap().unwrap_err();
    assert_eq!(sent_away.kind(), ErrorKind::Unavailable);
    // And one more of that address is sent away itself.
    assert!(gate.enter(asker(4, 666), LONG).await.is_err());
    assert!(!newcomer.is_finished() && waiting.iter().all(|task| !task.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_patience() {
    let gate = Gate::new(1, 100);
    let inside = full(&gate).await;
    let began = tokio::time::Instant::now();
    let late = gate.enter(asker(1, 1), Duration::from_millis(500)).await;
    assert_eq!(late.map(drop).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    drop(inside);
    assert!(
        gate.enter(asker(1, 1), LONG).await.is_ok(),
        "its place in the line is nobody's"
    );
    assert!(gate.state().inside.is_empty() && gate.state().waiting.is_empty());
}

/// E7: whoever hangs up makes no room for another one beside the work that goes on.
#[tokio::test]
async fn no_more_work_at_once_than_threads_even_if_everybody_hangs_up() {
    let gate = Gate::new(2, 1000);
    let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let done = Arc::new(AtomicUsize::new(0));
    for number in 0..50 {
        let (working, most, done) = (Arc::clone(&working), Arc::clone(&most), Arc::clone(&done));
        let place = gate.enter(asker(number, number), LONG).await.unwrap();
        let work = place.work(move || {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            working.fetch_sub(1, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
        });
        // Hangs up at once.
        let hung_up = tokio::time::timeout(Duration::ZERO, work).await;
        assert!(hung_up.is_err() || hung_up.unwrap().is_ok());
    }
    let _all = full(&gate).await;
    assert_eq!(done.load(Ordering::SeqCst), 50);
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
}

#[tokio::test]
async fn work_that_panics_costs_its_own_answer_and_no_place() {
    let gate = Gate::new(1, 10);
    for _ in 0..5 {
        let place = gate.enter(asker(1, 1), LONG).await.unwrap();
        let failed: Result<(), Error> = place.work(|| panic!("on purpose")).await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let place = gate.enter(asker(1, 1), LONG).await.unwrap();
    assert_eq!(place.work(|| 7).await.unwrap(), 7);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_threads_give_way_to_everything_else_and_the_rest_does_not() {
    let nice = || {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        fields.map(String::from).nth(16).unwrap()
    };
    let here = nice();
    let place = Gate::new(1, 10).enter(asker(1, 1), LONG).await.unwrap();
    assert_eq!(place.work(nice).await.unwrap(), "19");
    assert_eq!(nice(), here);
}
