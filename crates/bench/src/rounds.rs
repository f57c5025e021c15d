//! One cell of the table: pairs of measurements, ours and the limit's in turn.

use std::collections::BTreeSet;

use http::HeaderName;
use http::header::SET_COOKIE;
use tokio::runtime::Runtime;

use crate::Network;
use crate::app::App;
use crate::case::{Case, Side, name};
use crate::tcp::Client;
use crate::{clock, drive};

pub(crate) const HEADING: &str = "| engine | page | ours µs | limit µs | ratio, median (least to most) |\n\
                                  |---|---|---:|---:|---:|";

/// Measures a cell `rounds` times. Whatever disturbs the machine for longer than a moment disturbs both sides
/// of a pair, so that the ratio of a pair means more than either time.
pub(crate) fn row(runtime: &Runtime, case: Case, network: Network, rounds: usize) -> String {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let mut ours = case.app(Side::Ours, runtime, folder.path());
    let mut limit = case.app(Side::Limit, runtime, folder.path());
    check_alike(runtime, case, &mut ours, &mut limit);
    let mut client = (network == Network::Tcp).then(|| Client::start(runtime, case));
    let mut measure = |app: &mut App| {
        let count = case.requests_in_round();
        let taken = match (network, &mut client) {
            (_, Some(client)) => client.measure(runtime, app, count),
            (Network::Memory, None) => {
                let requests = case.requests_on_the_wire(count);
                clock::time(|| drive::over_http(runtime, app, &requests))
            }
            (_, None) => {
                let requests = case.requests(count);
                clock::time(|| drive::serve(runtime, app, requests, case.at_once))
            }
        };
        taken.as_secs_f64() * 1e6 / count as f64
    };
    let mut times = (Vec::new(), Vec::new());
    // The first pair warms up. Who goes first changes from pair to pair.
    for round in 0..=rounds {
        let (first, second) = if round % 2 == 0 {
            (&mut ours, &mut limit)
        } else {
            (&mut limit, &mut ours)
        };
        let pair = (measure(first), measure(second));
        let (ours, limit) = if round % 2 == 0 {
            pair
        } else {
            (pair.1, pair.0)
        };
        if round > 0 {
            times.0.push(ours);
            times.1.push(limit);
        }
    }
    let (ours, limit) = &times;
    let ratios: Vec<f64> = ours
        .iter()
        .zip(limit)
        .map(|(ours, limit)| ours / limit)
        .collect();
    let (least, median, most) = spread(ratios);
    let at_once = match case.at_once {
        1 => String::new(),
        many => format!(", {many} at once"),
    };
    format!(
        "| {} | {}{at_once} | {:.2} | {:.2} | {median:.2} ({least:.2} to {most:.2}) |",
        name(&case.engine),
        name(&case.endpoint),
        spread(times.0).1,
        spread(times.1).1,
    )
}

/// The least, the median and the most.
pub(crate) fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    (at(0), at(last / 2), at(last))
}

/// A comparison of two programs that do different things would say nothing.
fn check_alike(runtime: &Runtime, case: Case, ours: &mut App, limit: &mut App) {
    let look = |app: &mut App| {
        runtime.block_on(async {
            let request = case.requests(1).pop().expect("one was asked for");
            let response = drive::answer(app, request).await;
            let names: BTreeSet<String> = response
                .headers()
                .keys()
                .map(HeaderName::to_string)
                .collect();
            assert!(
                response.status().is_success(),
                "{case}: {}",
                response.status()
            );
            let cookies = response.headers().get_all(SET_COOKIE);
            let shapes: Vec<String> = cookies
                .iter()
                .map(|cookie| {
                    // Values and dates differ; which attributes there are does not.
                    let text = cookie.to_str().expect("cookies are ASCII");
                    text.split(';')
                        .filter_map(|part| part.split('=').next())
                        .collect()
                })
                .collect();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            (names, shapes, body.expect("it is in memory").len())
        })
    };
    assert_eq!(look(ours), look(limit), "{case}: the answers differ");
}
