//! Sessions as Python pickles them, in every protocol: what we read is what Python's JSON writer would write.
//!
//! `vectors/pickles.json` is made by `tests/django/make_pickles.py`.

use cloakroom_core::session::SessionData;
use serde_json::Value;

#[test]
fn python_s_pickles_are_read_as_python_s_json() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("vectors/pickles.json")).unwrap();
    let mut read = [0; 6];
    let mut refused = 0;
    for row in &rows {
        let latin1 = row["pickle"].as_str().unwrap().chars();
        let pickle: Vec<u8> = latin1.map(|point| u8::try_from(point).unwrap()).collect();
        let protocol = row["protocol"].as_u64().unwrap();
        let shown = pickle[..pickle.len().min(200)].escape_ascii();
        match (SessionData::from_pickle(&pickle), row["json"].as_str()) {
            (Ok(data), Some(json)) => {
                assert_eq!(&**data.text(), json, "protocol {protocol}: {shown}");
                let ours = SessionData::from_pickle(&data.to_pickle()).unwrap();
                assert_eq!(&**ours.text(), json, "ours, of {shown}");
                read[usize::try_from(protocol).unwrap()] += 1;
            }
            (Err(_), None) => refused += 1,
            (data, json) => panic!("protocol {protocol}: {shown}: {data:?} for {json:?}"),
        }
    }
    assert!(read.iter().all(|read| *read > 20), "{read:?}");
    assert!(refused > 80, "{refused}");
}
