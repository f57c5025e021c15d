//! Hostile pickles, and what is kept of a pickle whose session changes.

use super::*;

fn text(pickle: &[u8]) -> Result<String, PickleError> {
    read(pickle).map(|data| data.text().to_string())
}

/// G1.
#[test]
fn nothing_that_names_or_calls_is_read() {
    let rows: [&[u8]; 12] = [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x04}\x8c\x01a\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85Rs.",
        b"(i__main__\nUser\n.",
        b"(c__main__\nUser\no.",
        b"\x80\x02c__main__\nUser\n)\x81}b.",
        b"\x80\x04c__main__\nUser\n)}\x92.",
        b"}X\x01\0\0\0aPid\ns.",
        b"\x80\x02}X\x01\0\0\0aK\x01Qs.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
    ];
    for pickle in rows {
        assert_eq!(
            text(pickle),
            Err(PickleError::Unsupported),
            "{}",
            pickle.escape_ascii()
        );
    }
}

#[test]
fn what_python_cannot_read_is_no_pickle() {
    let rows: [&[u8]; 31] = [
        b"",
        b".",
        b"}",
        b"\x80",
        b"\x80\x06}.",
        b"(.",
        b"(}0.",
        b"}(K\x01u.",
        b"]K\x01K\x02s.",
        b"}K\x01a.",
        b"}e.",
        b"K\x01(K\x02e.",
        b"t.",
        b"1.",
        b"(K\x01d.",
        b"h\x00.",
        b"}h\x00.",
        b"}q\x05h\x04.",
        b"}r\xff\xff\xff\xff.",
        b"p0\n.",
        b"}p\n.",
        b"Ix\n.",
        b"I\n.",
        b"L-L\n.",
        b"Fx\n.",
        b"V\\u12\n.",
        b"V\\U00110000\n.",
        b"\x8c\x02\xed\xa0.",
        b"\x8c\x01\xff.",
        b"\x95\xff\0\0\0\0\0\0\0}.",
        b"\x86.",
    ];
    for pickle in rows {
        assert_eq!(
            text(pickle),
            Err(PickleError::Malformed),
            "{}",
            pickle.escape_ascii()
        );
    }
}

#[test]
fn what_is_no_dict_is_no_session() {
    for pickle in [
        &b"N."[..],
        b"K\x05.",
        b"\x80\x04](K\x01e.",
        b"\x80\x04\x8c\x01a.",
    ] {
        assert_eq!(text(pickle), Err(PickleError::NotADict));
    }
}

#[test]
fn an_error_says_what_is_wrong_with_the_pickle() {
    let rows = [
        (PickleError::Malformed, "no pickle"),
        (PickleError::Unsupported, "a pickle of more than JSON has"),
        (PickleError::NotADict, "a pickle of no dict"),
        (PickleError::SameName, "a pickle with two keys of one name"),
        (
            PickleError::TooLong,
            "a pickle that would become a far longer text",
        ),
        (
            PickleError::Data(DataError::TooDeep),
            "a pickle of what Python could not keep: nested more than 900 levels deep",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn what_is_remembered_comes_again_by_its_place() {
    // What Python makes of each way of remembering something and of asking for it.
    let rows: [(&[u8], &str); 6] = [
        (b"}(\x8c\x01ap3\nK\x01\x8c\x01bg3\nu.", "a"),
        (b"}(\x8c\x01aq\x03K\x01\x8c\x01bh\x03u.", "a"),
        (b"}(\x8c\x01ar\x03\0\0\0K\x01\x8c\x01bj\x03\0\0\0u.", "a"),
        (b"}(\x8c\x01a\x94K\x01\x8c\x01bh\0u.", "a"),
        // Where no place is named it is the number of those that are taken, whichever they are.
        (b"}(\x8c\x01aq\x05K\x01\x8c\x01b\x94h\x01u.", "b"),
        (b"}(\x8c\x01aq\0K\x01q\0\x8c\x01b\x94h\x01u.", "b"),
    ];
    for (pickle, b) in rows {
        let json = format!(r#"{{"a":1,"b":"{b}"}}"#);
        assert_eq!(text(pickle), Ok(json), "{}", pickle.escape_ascii());
    }
}

#[test]
fn a_place_is_less_than_the_pickle_is_long() {
    assert_eq!(text(b"}r\x06\0\0\0.").as_deref(), Ok("{}"));
    assert_eq!(text(b"}r\x07\0\0\0."), Err(PickleError::Malformed));
}

#[test]
fn a_backslash_begins_an_escape_unless_it_ends_a_pair() {
    // What Python makes of each line, and how its JSON writer writes that.
    let rows = [
        (r"\u0041", "A"),
        (r"\\u0041", r"\\\\u0041"),
        (r"\\\u0041", r"\\\\A"),
        (r"\a", r"\\a"),
        (r"\", r"\\"),
        (r"\uAbCd", r"\uabcd"),
        (r"\U0001F600", r"\ud83d\ude00"),
        (r"\ud83d\ude00\udfff", r"\ud83d\ude00\udfff"),
    ];
    for (line, json) in rows {
        let pickle = format!("}}Va\nV{line}\ns.");
        let json = format!(r#"{{"a":"{json}"}}"#);
        assert_eq!(text(pickle.as_bytes()), Ok(json), "{line}");
    }
}

#[test]
fn a_frame_ends_within_the_pickle() {
    for (length, read) in [(1, true), (2, true), (3, false), (12, false)] {
        let pickle = [b"\x95", &[length, 0, 0, 0, 0, 0, 0, 0][..], b"}."].concat();
        assert_eq!(text(&pickle).is_ok(), read, "{length}");
    }
}

#[test]
fn none_is_none_however_it_is_made() {
    for pickle in [
        &b"N."[..],
        b"\x80\x05N.",
        b"\x80\x04\x8c\x03abc0N.",
        b"\x80\x04\x8c\x03abc\x940N.",
    ] {
        assert!(is_pickled_none(pickle), "{}", pickle.escape_ascii());
    }
    for pickle in [
        &b""[..],
        b".",
        b"N",
        b"}.",
        // An integer whose last byte is an N; and what stands behind the end.
        b"M\x01N.",
        b"}.N.",
        b"\x80\x04}(\x8c\x01aNu.",
        b"\x8c\x02N.",
    ] {
        assert!(!is_pickled_none(pickle), "{}", pickle.escape_ascii());
    }
}

/// G1.
#[test]
fn a_short_pickle_becomes_no_long_text() {
    // A list of two lists of two lists …, thirty levels: a gigabyte of text.
    let mut doubled = b"\x80\x04}\x8c\x01a](K\x01K\x01e\x940".to_vec();
    for level in 0..30 {
        doubled.extend([b']', b'(', b'h', level, b'h', level, b'e', 0x94, b'0']);
    }
    doubled.extend(b"h\x1es.");
    assert_eq!(text(&doubled), Err(PickleError::TooLong));
    let doubled = [b"}\x8c\x01aK\x01", &b"2\x86".repeat(30)[..], b"s."].concat();
    assert_eq!(text(&doubled), Err(PickleError::TooLong));
    // The same with texts, as names, and at the top.
    let long = |inner: &[u8]| {
        let mut pickle = b"\x80\x04}\x8c\x01aX\x00\x10\x00\x00".to_vec();
        pickle.extend([b'x'; 0x1000]);
        pickle.extend(b"\x94s");
        pickle.extend(inner);
        pickle.push(b'.');
        pickle
    };
    let items = [b"\x8c\x01b](", &b"h\0".repeat(300)[..], b"es"].concat();
    assert_eq!(text(&long(&items)), Err(PickleError::TooLong));
    let names = [b"\x8c\x01b}(", &b"h\0K\x01".repeat(300)[..], b"us"].concat();
    assert_eq!(text(&long(&names)), Err(PickleError::TooLong));
    let names = [b"(", &b"h\0K\x01".repeat(300)[..], b"NK\x01u"].concat();
    assert_eq!(text(&long(&names)), Err(PickleError::TooLong));
    // But a text that stands in many places of an ordinary session is its own.
    let items = [b"\x8c\x01b](", &b"h\0".repeat(60)[..], b"es"].concat();
    assert!(text(&long(&items)).is_ok());
}

#[test]
fn a_text_of_256_kib_is_not_too_long() {
    // A list of 261 times the same thousand letters, and of some others.
    let repeated = |others: usize| {
        [
            b"}Va\n](V",
            &[b'x'; 1000][..],
            b"\nq\0",
            &b"h\0".repeat(260),
            b"V",
            &b"y".repeat(others),
            b"\nes.",
        ]
        .concat()
    };
    let others = (256 << 10) - 261 * r#""","#.len() - 261_000 - r#"{"a":[""]}"#.len();
    assert_eq!(
        text(&repeated(others)).map(|text| text.len()),
        Ok(256 << 10)
    );
    assert_eq!(text(&repeated(others + 1)), Err(PickleError::TooLong));
}

/// G1.
#[test]
fn a_value_that_contains_itself_is_too_deep() {
    let rows: [&[u8]; 3] = [
        b"\x80\x04}\x94\x8c\x01ah\0s.",
        b"\x80\x04}\x8c\x01a]\x94h\0as.",
        b"\x80\x04}\x8c\x01a]\x94h\0\x85as.",
    ];
    for pickle in rows {
        assert_eq!(text(pickle), Err(PickleError::Data(DataError::TooDeep)));
    }
}

#[test]
fn depth_is_bounded_as_in_json() {
    let deep = |levels: usize| {
        [
            b"}V\x61\n",
            &b"(".repeat(levels)[..],
            &b"l".repeat(levels),
            b"s.",
        ]
        .concat()
    };
    assert!(text(&deep(899)).is_ok());
    for levels in [900, 1_000_000] {
        assert_eq!(
            text(&deep(levels)),
            Err(PickleError::Data(DataError::TooDeep))
        );
    }
}

/// G1.
#[test]
fn lengths_that_are_not_there_are_not_made_room_for() {
    for pickle in [
        &b"\x8b\xff\xff\xff\x7f\x01."[..],
        b"\x8b\xff\xff\xff\xff.",
        b"X\xff\xff\xff\xffa.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
        b"\x8a\xff.",
    ] {
        assert_eq!(text(pickle), Err(PickleError::Malformed));
    }
}

#[test]
fn integers_are_bounded_as_in_json() {
    let long = |length: u32| {
        let length_bytes = length.to_le_bytes();
        let bytes = vec![0x11; usize::try_from(length).unwrap()];
        [b"}V\x61\n\x8b", &length_bytes[..], &bytes, b"s."].concat()
    };
    assert!(text(&long(1785)).is_ok());
    assert_eq!(
        text(&long(1787)),
        Err(PickleError::Data(DataError::LongInteger))
    );
    // Bytes that say nothing count too.
    let padded = |length: u32| {
        let zeros = vec![0; usize::try_from(length - 1).unwrap()];
        [
            b"}Va\n\x8b",
            &length.to_le_bytes()[..],
            b"\x05",
            &zeros,
            b"s.",
        ]
        .concat()
    };
    assert_eq!(text(&padded(1786)).as_deref(), Ok(r#"{"a":5}"#));
    assert_eq!(
        text(&padded(1787)),
        Err(PickleError::Data(DataError::LongInteger))
    );
    let digits = |length: usize| [b"}V\x61\nL", &b"9".repeat(length)[..], b"L\ns."].concat();
    assert!(text(&digits(4300)).is_ok());
    assert_eq!(
        text(&digits(4301)),
        Err(PickleError::Data(DataError::LongInteger))
    );
}

#[test]
fn two_keys_of_one_name_are_no_session() {
    assert_eq!(text(b"}(K\x01N\x8c\x011Nu."), Err(PickleError::SameName));
    assert_eq!(
        text(b"}(K\x01N\x8c\x012Nu.").unwrap(),
        r#"{"1":null,"2":null}"#
    );
    assert_eq!(
        text(b"}(K\x01K\x02K\x01K\x03u.").unwrap(),
        r#"{"1":2,"1":3}"#
    );
}

#[test]
fn what_was_written_is_read() {
    let long = format!(r#"{{"i":[{},-{}]}}"#, "7".repeat(4300), "7".repeat(900));
    for json in [
        "{}",
        r#"{"a":1,"b":[true,false,null,-1,2147483648,-9223372036854775809]}"#,
        r#"{"\u00e9\ud83d\ude00\ud800\"":"\n","":{}}"#,
        r#"{"f":[1.0,-0.0,1e+16,5e-324,NaN,Infinity,-Infinity]}"#,
        &long,
    ] {
        assert_eq!(text(&write(json)).as_deref(), Ok(json));
    }
}

/// What is kept of `before` when its session is changed to `json`, as `dis` would show it.
fn kept(before: &[u8], json: &str) -> String {
    let pickle = write_over(before, json);
    let inner = pickle
        .strip_prefix(b"\x80\x04}(")
        .unwrap()
        .strip_suffix(b"u.")
        .unwrap();
    inner.escape_ascii().to_string()
}

#[test]
fn what_is_not_touched_stays_as_it_was() {
    // {"t": (1, 2), 5: "five", "n": 1}
    let before = b"\x80\x04}(\x8c\x01tK\x01K\x02\x86K\x05\x8c\x04five\x8c\x01nK\x01u.";
    assert_eq!(text(before).unwrap(), r#"{"t":[1,2],"5":"five","n":1}"#);
    // Another name changes: the tuple and the key that is a number stay.
    assert_eq!(
        kept(before, r#"{"t":[1,2],"5":"five","n":2,"new":[1]}"#),
        r"\x8c\x01t(K\x01K\x02tK\x05\x8c\x04five\x8c\x01nK\x02\x8c\x03new](K\x01e"
    );
    // They change: what Rust sets is what JSON has, under the key that was there.
    assert_eq!(
        kept(before, r#"{"t":[1,3],"5":"six"}"#),
        r"\x8c\x01t](K\x01K\x03eK\x05\x8c\x03six"
    );
    // Nothing is left of what is removed, and where nothing was a tuple nothing is compared.
    assert_eq!(kept(before, r#"{"n":1}"#), r"\x8c\x01nK\x01");
    assert_eq!(kept(b"}V\x61\nK\x01s.", r#"{"a":2}"#), r"\x8c\x01aK\x02");
    // One tuple, or one key that is no text, is enough.
    assert_eq!(
        kept(b"}(Va\nK\x01\x85Vb\nNu.", r#"{"a":[1],"b":2}"#),
        r"\x8c\x01a(K\x01t\x8c\x01bK\x02"
    );
    assert_eq!(
        kept(b"}(K\x05K\x01Vb\nNu.", r#"{"5":1,"b":2}"#),
        r"K\x05K\x01\x8c\x01bK\x02"
    );
    // Two halves of a character, each on its own, are another text than the whole.
    let halves = b"}\x8c\x01a\x8c\x06\xed\xa0\xbd\xed\xb8\x80s.";
    assert!(kept(halves, r#"{"a":"\ud83d\ude00"}"#).ends_with(r"\xed\xa0\xbd\xed\xb8\x80"));
    let nested = b"}\x8c\x01a}(N(]}\x88K\x01stG\x3f\xf8\0\0\0\0\0\0\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0us.";
    let json = text(nested).unwrap();
    assert_eq!(
        json,
        r#"{"a":{"null":[[],{"true":1}],"1.5":18446744073709551615}}"#
    );
    assert_eq!(text(&write_over(nested, &json)).unwrap(), json);
    assert_eq!(
        kept(nested, &json),
        r"\x8c\x01a}(N(](e}(\x88K\x01utG?\xf8\x00\x00\x00\x00\x00\x00\x8a\t\xff\xff\xff\xff\xff\xff\xff\xff\x00u"
    );
}

#[test]
fn a_pickle_of_which_json_says_all_leaves_no_trace() {
    let json = r#"{"a":[],"b":{},"c":2}"#;
    assert_eq!(write_over(b"}(Va\n]Vb\n}Vc\nK\x01u.", json), write(json));
}

#[test]
fn whatever_python_pickled_is_kept_beside_a_change() {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../tests/vectors/pickles.json")).unwrap();
    let mut kept = 0;
    for row in rows {
        let latin1 = row["pickle"].as_str().unwrap().chars();
        let pickle: Vec<u8> = latin1.map(|point| u8::try_from(point).unwrap()).collect();
        let Ok(json) = text(&pickle) else {
            continue;
        };
        let open = json.strip_suffix('}').unwrap();
        let comma = if open == "{" { "" } else { "," };
        let changed = format!("{open}{comma}\"changed\":[1]}}");
        let over = write_over(&pickle, &changed);
        assert_eq!(text(&over), Ok(changed), "{}", pickle.escape_ascii());
        kept += 1;
    }
    assert!(kept > 200, "{kept}");
}
