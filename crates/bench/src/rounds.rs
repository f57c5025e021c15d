//! One cell of the table of pages: ours and the limit's in turn.

use std::collections::BTreeSet;

use http::HeaderName;
use http::header::SET_COOKIE;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Network;
use crate::app::App;
use crate::case::{Case, Side, name};
use crate::pairs::{Pairs, Turn};
use crate::tcp::Client;
use crate::{clock, drive};

pub(crate) const HEADING: &str = "| engine | page | ours µs | limit µs | ratio, median (least to most) | aim | |\n\
                                  |---|---|---:|---:|---:|---:|---|";

/// Measures a cell `rounds` times: its line of the table, and the same as JSON.
pub(crate) fn row(
    runtime: &Runtime,
    case: Case,
    network: Network,
    rounds: usize,
) -> (String, Value) {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let mut ours = case.app(Side::Ours, runtime, folder.path());
    let mut limit = case.app(Side::Limit, runtime, folder.path());
    check_alike(runtime, case, &mut ours, &mut limit);
    let mut client = (network == Network::Tcp).then(|| Client::start(runtime, case));
    let count = case.requests_in_round();
    let pairs = Pairs::measure(rounds, |turn| {
        let app = match turn {
            Turn::Ours => &mut ours,
            Turn::Theirs => &mut limit,
        };
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
    });
    let (least, median, most) = pairs.ratios();
    let (ours, limit, aim) = (pairs.ours(), pairs.theirs(), case.aim());
    let (engine, page) = (name(&case.engine), name(&case.endpoint));
    let at_once = match case.at_once {
        1 => String::new(),
        many => format!(", {many} at once"),
    };
    let verdict = if median <= aim { "met" } else { "missed" };
    let line = format!(
        "| {engine} | {page}{at_once} | {ours:.2} | {limit:.2} | {median:.2} ({least:.2} to {most:.2}) | {aim} | {verdict} |"
    );
    let json = json!({
        "engine": engine, "page": page, "at_once": case.at_once, "network": name(&network),
        "rounds": rounds, "requests": count, "ours_us": ours, "limit_us": limit,
        "ratio": {"least": least, "median": median, "most": most}, "aim": aim,
    });
    (line, json)
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
