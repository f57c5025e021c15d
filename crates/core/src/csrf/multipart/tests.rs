use proptest::prelude::*;

use super::super::form::NEXT_FIELD;
use super::*;

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

fn boundary(text: &str) -> MultipartBoundary {
    let value = format!("multipart/form-data; boundary={text}");
    MultipartBoundary::from_content_type(value.as_bytes()).expect("it is a boundary")
}

/// What is found in a body that comes in pieces of one size.
fn scan_by(size: usize, body: &[u8]) -> (Option<String>, Option<String>, Option<FormFault>) {
    let mut scan = MultipartScan::new(&boundary("XX"));
    for piece in body.chunks(size) {
        let _ = scan.push(piece);
    }
    let text = |value: Option<&str>| value.map(str::to_owned);
    (text(scan.token()), text(scan.next()), scan.fault())
}

/// The token or what is wrong, the same whatever the pieces.
fn scan(body: &[u8]) -> Result<Option<String>, FormFault> {
    let (token, next, fault) = scan_by(usize::MAX, body);
    for size in 1..=body.len().clamp(1, 40) {
        let again = scan_by(size, body);
        assert_eq!(again, (token.clone(), next.clone(), fault), "by {size}");
    }
    fault.map_or(Ok(token), Err)
}

fn part(disposition: &str, content: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
}

fn token_part() -> String {
    part("name=\"csrfmiddlewaretoken\"", TOKEN)
}

const END: &str = "--XX--\r\n";
const MALFORMED: Result<Option<String>, FormFault> = Err(FormFault::Malformed);

fn found() -> Result<Option<String>, FormFault> {
    Ok(Some(TOKEN.to_owned()))
}

#[test]
fn the_field_next_is_that_of_logins() {
    assert_eq!(NEXT_FIELD, crate::auth::REDIRECT_FIELD_NAME);
}

#[test]
fn the_token_is_found_wherever_its_part_stands() {
    let file = part(
        "name=\"f\"; filename=\"a.bin\"",
        "\r\n-\r\n--\r\n--X\r\n--x\0\u{1}\r\n",
    );
    for body in [
        [token_part().as_str(), END].concat(),
        ["\r\n", &token_part(), END].concat(),
        [token_part().as_str(), &file, END].concat(),
        [file.as_str(), &token_part(), END].concat(),
        [file.as_str(), &file, &token_part(), &file, "--XX--"].concat(),
        [token_part().as_str(), "--XX--\r\n\r\n"].concat(),
        // Broken off, but behind the token.
        [token_part().as_str(), "--XX\r\nConten"].concat(),
    ] {
        assert_eq!(scan(body.as_bytes()), found(), "{body:?}");
    }
    let without = [file.as_str(), END].concat();
    assert_eq!(scan(without.as_bytes()), Ok(None));
    assert_eq!(scan(b""), Ok(None));
}

#[test]
fn what_does_not_begin_with_the_delimiter_is_malformed_as_soon_as_it_cannot() {
    for beginning in ["", "a", "\r\n--X", "--XY"] {
        assert_eq!(scan(beginning.as_bytes()), Ok(None), "{beginning:?}");
    }
    for beginning in ["--XY\r\n", "\r\n--XY", "abcdef", "a\r\n--XX"] {
        assert_eq!(scan(beginning.as_bytes()), MALFORMED, "{beginning:?}");
    }
}

#[test]
fn a_form_is_closed_by_its_last_delimiter() {
    let body = token_part() + END;
    let last = body.len() - "\r\n".len();
    for length in 0..=body.len() {
        let mut scan = MultipartScan::new(&boundary("XX"));
        scan.push(&body.as_bytes()[..length]).unwrap();
        assert_eq!(scan.is_closed(), length >= last, "{length}");
    }
}

#[test]
fn debug_shows_no_token() {
    let mut scan = MultipartScan::new(&boundary("XX"));
    scan.push((token_part() + END).as_bytes()).unwrap();
    assert_eq!(format!("{scan:?}"), "MultipartScan { fault: None, .. }");
}

#[test]
fn a_value_counts_when_its_end_is_seen() {
    let body = token_part() + END;
    let seen = body.find(TOKEN).unwrap() + TOKEN.len() + "\r\n--XX".len();
    for length in 0..body.len() {
        let expected = (length >= seen).then(|| TOKEN.to_owned());
        assert_eq!(scan(&body.as_bytes()[..length]), Ok(expected), "{length}");
    }
}

#[test]
fn a_value_is_taken_as_it_is() {
    for value in [
        "",
        "a",
        "\r\n",
        "-",
        "\r",
        "\n\r",
        " a ",
        "--X",
        "\r\n--X",
        "a\r\n\r\nb",
        "é",
        "%61",
    ] {
        let body = part("name=csrfmiddlewaretoken", value) + END;
        assert_eq!(
            scan(body.as_bytes()),
            Ok(Some(value.to_owned())),
            "{value:?}"
        );
    }
    let long = part("name=csrfmiddlewaretoken", &"x".repeat(5000)) + END;
    assert_eq!(
        scan(long.as_bytes()),
        Ok(Some("x".repeat(65))),
        "too long to be a token"
    );
}

/// M2.
#[test]
fn a_second_token_is_refused() {
    let other = part("name=a", "b");
    for second in [
        token_part(),
        part("name=csrfmiddlewaretoken", ""),
        part("name=\"csrfmiddlewaretoken\"", "wrong"),
    ] {
        for body in [
            [token_part().as_str(), &second, END].concat(),
            [token_part().as_str(), &other, &second, END].concat(),
            [token_part().as_str(), &other, &second[..second.len() - 2]].concat(),
            [second.as_str(), &token_part()].concat(),
        ] {
            assert_eq!(
                scan(body.as_bytes()),
                Err(FormFault::SecondToken),
                "{body:?}"
            );
        }
    }
    let twice = [token_part(), token_part()].concat();
    let (token, ..) = scan_by(7, twice.as_bytes());
    assert_eq!(token.as_deref(), Some(TOKEN), "the first is still known");
}

#[test]
fn what_may_be_a_second_token_is_refused() {
    for disposition in [
        "name=\" csrfmiddlewaretoken\"",
        "name=\"csrfmiddlewaretoken \"",
        "name=\"\\csrfmiddlewaretoken\"",
        "name=\"<csrfmiddlewaretoken>\"",
        "name=<csrfmiddlewaretoken>",
        "name='csrfmiddlewaretoken\"",
        "name*=UTF-8''csrfmiddlewaretoken",
        "name*0=csrf; name*1=middlewaretoken",
        "name=a; name=csrfmiddlewaretoken",
        "name=\"a\\\\\"; name=\"csrfmiddlewaretoken\"",
        "name=csrfmiddlewaretoken; filename=",
        "name=csrfmiddlewaretoken; filename=\"\"",
        "name=csrfmiddlewaretoken; filename=\"a\"",
        "filename=\"a\"; name=\"csrfmiddlewaretoken\"",
        "name=csrfmiddlewaretoken; filename*=UTF-8''a",
        "name = csrfmiddlewaretoken",
        "name=\tcsrfmiddlewaretoken",
        "name=csrfmiddlewaretoken\t",
        "name=\"csrfmiddlewaretoken\"x",
        "x; name=csrfmiddlewaretoken",
        "name=csrfmiddlewaretoken;",
        "\r\n name=csrfmiddlewaretoken",
    ] {
        let odd = part(disposition, "wrong");
        for body in [
            [token_part(), odd.clone(), END.into()],
            [odd, token_part(), END.into()],
        ] {
            assert_eq!(scan(body.concat().as_bytes()), MALFORMED, "{disposition}");
        }
    }
}

#[test]
fn what_clients_send_disturbs_nothing() {
    for disposition in [
        "name=\"a\"",
        "name=a",
        "name=\"a b; c=d\"",
        "name=\"\"",
        "name=\"csrfmiddlewaretoken2\"",
        "name=\"Csrfmiddlewaretoken\"",
        "name=\"a\"; filename=\"\"",
        "name=\"a\"; filename=\"b.txt\"",
        "name=\"a\"; filename=\"b;c=\\\"d\\\".txt\"",
        "name=\"a\"; filename=\"b%22%0D%0A.txt\"",
        "name=\"a\"; filename=\"C:\\dir\\b.txt\"",
        "name=\"a\"; filename=\"фото.jpg\"",
        "name=\"a\"; filename=\"фото\"",
        "name=\"имя\"; filename=\"Tom & Jerry.txt\"",
        "name=\"a\"; filename=\"R&B.mp3\"; size=12",
        "name=\"a\"; filename=\"&B.mp3\"",
        "name=\"a\"; filename=\"b.txt\"; filename*=UTF-8''%D1%84.txt",
        "name=\"a\"; filename*=utf-8''b.txt",
        "name=\"a\" ; filename=b.txt",
    ] {
        for extra in [
            "",
            "\r\nContent-Type: application/octet-stream",
            "\r\nContent-Type: text/plain; charset=utf-8",
            "\r\nContent-Type: image/*",
            "\r\nContent-Type: */*\r\nContent-Length: 12",
            "\r\nContent-Transfer-Encoding: binary",
            "\r\nContent-transfer-encoding: 8BIT",
        ] {
            let odd = part(&[disposition, extra].concat(), "x");
            let body = [odd.as_str(), &token_part(), &odd, END].concat();
            assert_eq!(scan(body.as_bytes()), found(), "{disposition}{extra}");
        }
    }
}

#[test]
fn what_parsers_read_differently_is_malformed() {
    let token = token_part();
    let plain = token.strip_suffix("\r\n").unwrap();
    for body in [
        // Around the form.
        format!("x{token}{END}"),
        format!("x\r\n{token}{END}"),
        format!("\n{token}{END}"),
        format!("{token}--XX--x"),
        format!("{token}--XX--\r\n{token}"),
        format!("{token}--XX--\r\n\r\n\r\n"),
        format!("{token}--XX-\r\n"),
        format!("{token}--XX \r\n"),
        format!("{token}--XXX\r\n"),
        format!("{token}--XX\n\n"),
        // Lines.
        format!("{plain}\n{END}"),
        format!("{plain}{END}"),
        format!("{plain}\r\r{END}"),
        token.replace("\r\n", "\n") + END,
        token.replace("\r\n\r\n", "\r\n\n") + &token_part() + END,
        // A delimiter in a line, and one in a header.
        format!("{token}{}{END}", part("name=a", "b--XX\r\n\r\n")),
        format!("{token}{}{END}", part("name=a\r\nX: --XX", "")),
        format!("{token}{}{END}", part("name=\"--XX\"", "")),
        // Headers.
        format!("{token}--XX\r\n\r\nx\r\n{END}"),
        format!("{token}--XX\r\nX: y\r\n\r\nx\r\n{END}"),
        format!("{token}{}{END}", part("name=a\r\nx", "")),
        format!(
            "{token}{}{END}",
            part("name=a\r\nContent-Disposition: form-data; name=b", "")
        ),
        format!(
            "{token}{}{END}",
            part("name=a\r\nContent-Disposition : form-data; name=b", "")
        ),
        format!(
            "{token}{}{END}",
            part("name=a\r\nContent-Transfer-Encoding: base64", "")
        ),
        format!(
            "{token}{}{END}",
            part("name=a\r\nContent-Transfer-Encoding: quoted-printable", "")
        ),
        format!(
            "{token}{}{END}",
            part("name=a\r\nContent-Type: text/plain; charset*=x''y", "")
        ),
        format!("{token}{}{END}", part("name=a\0", "")),
        format!(
            "{token}{}{END}",
            part(&format!("name={}", "a".repeat(1000)), "")
        ),
        format!("{token}{}{END}", part("filename=\"a.txt\"", "")),
        format!("{token}{}{END}", token.replace("form-data", "attachment")),
        // A file without a name, which Django does not read to its end.
        format!("{token}{}{END}", part("name=a; filename=\".\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"..\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"b/\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"b\\..\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"b&#47;\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"b&sol;.\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"&nbsp\"", "")),
        format!("{token}{}{END}", part("name=a; filename=\"\u{200b}\"", "")),
        format!(
            "{token}{}{END}",
            part("name=a; filename=\"b\"; filename*=UTF-8''", "")
        ),
        format!(
            "{token}{}{END}",
            part("name=a; filename*=UTF-8''%2E%2E", "")
        ),
        format!("{token}{}{END}", part("name=a; filename*=latin-1''b", "")),
        format!("{token}{}{END}", part("name=a; filename*=b", "")),
    ] {
        assert_eq!(scan(body.as_bytes()), MALFORMED, "{body:?}");
    }
    for headers in [
        "name=\"a\tb\"",
        "name=\"a\u{7f}b\"",
        "name=a\r\nX: \u{1}",
        "name=a\r\nX: \u{7f}",
        "name=a\r\n: x",
        "name=a\r\nX.Y: x",
        "name=a\r\nX: y*=z",
        "name=a\r\nX: y*0=z",
        "name=a\r\nX: y*9",
        "name=a\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit",
        "name=a; filename=b; filename=c",
        "name=a; filename*=UTF-8''b; filename*=UTF-8''c",
        "name=a; filename*=\"UTF-8''b\"",
        "name=a; filename*=UTF-8''b'c",
        "name=a; filename*=UTF-8'en'b",
        "name=a; filename*=UTF-8''%FF",
        "name=a; filename=\"\"; filename*=UTF-8''",
        "name=a; filename=\"&\"",
        "name=a; x*1=y",
    ] {
        let body = [token_part().as_str(), &part(headers, ""), END].concat();
        assert_eq!(scan(body.as_bytes()), MALFORMED, "{headers:?}");
    }
    let latin = [
        token_part().as_bytes(),
        b"--XX\r\nContent-Disposition: form-data; name=\"\xe9\"\r\n\r\n",
    ]
    .concat();
    assert_eq!(scan(&latin), MALFORMED);
}

#[test]
fn names_of_files_that_no_parser_takes_away_are_plain() {
    for headers in [
        "name=a; filename=\"\"",
        "name=a; filename=\"\u{e9}\"",
        "name=a; filename=\"-\"",
        "name=a; filename=\"..b\"",
        "name=a; filename=\"b/c\"",
        "name=a; filename=\"&amp;b\"",
        "name=a; filename=\"&a b\"",
        "name=a; filename=b; filename*=utf-8''%C3%A9",
        "name=a; filename*=UTF-8''b; x=y",
        "name=a; filename=\"b\\\"c\"",
        "name=a\r\nX: */*",
        "name=a\r\nX-Y_1: ",
        "name=a\r\nContent-Transfer-Encoding:  8BIT ",
    ] {
        let body = [token_part().as_str(), &part(headers, ""), END].concat();
        assert_eq!(scan(body.as_bytes()), found(), "{headers:?}");
    }
}

/// CVE-2026-33033.
/// CVE-2026-108147: nothing is decoded, so nothing is gathered for it.
#[test]
fn an_encoding_that_changes_bytes_ends_the_scan_at_its_header() {
    let mut scan = MultipartScan::new(&boundary("XX"));
    let head = part(
        "name=f; filename=a\r\nContent-Transfer-Encoding: base64",
        "",
    );
    assert_eq!(scan.push(head.as_bytes()), Err(FormFault::Malformed));
    let before = scan.steps();
    assert_eq!(scan.push(&vec![b' '; 1 << 20]), Err(FormFault::Malformed));
    assert_eq!(scan.steps(), before);
}

#[test]
fn headers_have_django_s_limit() {
    let with = |length: usize| {
        let rest = MAX_TOTAL_HEADER_SIZE
            - "\r\nContent-Disposition: form-data; name=a\r\nX: \r\n\r\n".len();
        let header = format!("name=a\r\nX: {}", "x".repeat(rest + length));
        [token_part().as_str(), &part(&header, ""), END].concat()
    };
    assert_eq!(scan(with(0).as_bytes()), found());
    assert_eq!(scan(with(1).as_bytes()), MALFORMED);
}

#[test]
fn the_last_next_is_known_unless_it_is_long() {
    let next = |value: &str| part("name=\"next\"", value);
    let long = "x".repeat(2048);
    let rows = [
        ([next("/a"), next("/b")].concat(), Some("/b")),
        (
            [next("/a"), part("name=next; filename=\"x\"", "/b")].concat(),
            Some("/a"),
        ),
        ([next("/a"), next(&long)].concat(), Some(long.as_str())),
        ([next("/a"), next(&"x".repeat(2049))].concat(), None),
    ];
    for (body, expected) in rows {
        assert_eq!(scan_by(11, (body + END).as_bytes()).1.as_deref(), expected);
    }
}

#[test]
fn boundaries_are_read_where_all_agree() {
    let read = |value: &str| {
        MultipartBoundary::from_content_type(value.as_bytes())
            .map(|found| found.as_str().to_owned())
    };
    for (value, expected) in [
        ("multipart/form-data; boundary=a", "a"),
        ("multipart/form-data;boundary=a", "a"),
        ("multipart/form-data ; Boundary=\"a=b?c\"", "a=b?c"),
        (
            "multipart/form-data; charset=UTF-8; boundary=----WebKitFormBoundaryAbc",
            "----WebKitFormBoundaryAbc",
        ),
        (
            "multipart/form-data; boundary=----=_Part_1_2.3",
            "----=_Part_1_2.3",
        ),
        (
            "multipart/form-data; x=\"a;b\"; boundary='()+_,-./:=?",
            "'()+_,-./:=?",
        ),
    ] {
        assert_eq!(read(value).as_deref(), Some(expected), "{value}");
    }
    for value in [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a b\"",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary*=UTF-8''a",
        "multipart/form-data; boundary*0=a",
        "multipart/form-data; boundary=a; charset=utf-16",
        "multipart/form-data; boundary=a; charset*=utf-8''utf-16",
        "multipart/form-data; boundary=a, multipart/form-data; boundary=b",
        "multipart/form-data; boundary=<a>",
        "multipart/form-data; =b; boundary=a",
        "multipart/form-data; b=\"\t\"; boundary=a",
        "multipart/form-data; b=\"\u{7f}\"; boundary=a",
        "multipart/form-data; b.c=d; boundary=a",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=\"a\\\"",
        "multipart/form-data; boundary=a\tb",
        "multipart/form-data, boundary=a",
        "Multipart/Form-Data; boundary=a",
        "multipart/form-datax; boundary=a",
        "multipart/mixed; boundary=a",
        "multipart/form-data; boundary=é",
    ] {
        assert_eq!(read(value), None, "{value}");
    }
    let long = |length| {
        read(&format!(
            "multipart/form-data; boundary={}",
            "b".repeat(length)
        ))
    };
    assert!(long(200).is_some() && long(201).is_none());
    let padded = |length: usize| {
        let beginning = "multipart/form-data; boundary=a; b=";
        read(&format!("{beginning:c<length$}"))
    };
    assert!(padded(1024).is_some() && padded(1025).is_none());
}

/// CVE-2026-84429.
#[test]
fn parameters_are_read_in_one_pass() {
    for repeated in [";", "\"", "=", "\\\"", " ", "a=\";", ";a=\"b\\\""] {
        let text = repeated.repeat(1 << 20);
        assert!(parameters::parameters(&text).is_none_or(|found| found.len() <= 1 << 20));
        let value = format!("multipart/form-data; a=\"{text}");
        assert_eq!(MultipartBoundary::from_content_type(value.as_bytes()), None);
    }
}

#[test]
fn what_is_searched_and_what_is_compared_is_counted() {
    let mut delimiter = Delimiter::new("XX");
    delimiter.begin([0; 2]);
    let mut steps = Vec::new();
    for piece in ["-", "-", "-", "yz"] {
        assert!(delimiter.find(piece.as_bytes()).is_none());
        steps.push(delimiter.steps);
    }
    // Searched and compared; compared; compared and again; compared twice again, then one searched and compared.
    assert_eq!(steps, [2, 3, 5, 10]);
}

/// CVE-2026-108147, CVE-2026-33033.
#[test]
fn the_cost_is_linear_and_the_memory_bounded() {
    let long = "-".repeat(200);
    for name in ["a", "aaaaaaaaaab", "abababababac", &long] {
        let delimiter = format!("\r\n--{name}");
        let beginning = &delimiter[..delimiter.len() - 1];
        for filler in ["-", "\r\n", beginning, "\r\n--", &beginning[2..], " ", "a"] {
            let head =
                format!("--{name}\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n");
            for size in [1, 2, 3, 50, 1000] {
                let mut scan = MultipartScan::new(&boundary(name));
                scan.push(head.as_bytes()).unwrap();
                let before = scan.steps();
                let content = filler.repeat(100_000 / filler.len());
                let mut pushed = 0;
                for piece in content.as_bytes().chunks(size) {
                    pushed += piece.len();
                    if scan.push(piece).is_err() {
                        break;
                    }
                }
                let steps = scan.steps() - before;
                assert!(
                    steps <= 4 * pushed + 4 * delimiter.len(),
                    "{steps} for {pushed} by {size}"
                );
                let kept = scan.short.capacity() + scan.value.capacity();
                assert!(kept <= 2 * MAX_TOTAL_HEADER_SIZE, "{kept}");
            }
        }
    }
    let mut scan = MultipartScan::new(&boundary("XX"));
    scan.push(b"--XX\r\nContent-Disposition: form-data; name=next\r\n\r\n")
        .unwrap();
    scan.push(&vec![b'a'; 1 << 20]).unwrap();
    assert!(scan.value.capacity() <= 8192);
}

fn bytes_of_forms() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(token_part().into_bytes()),
        4 => Just(part("name=\"a\"; filename=\"b\"", "\r\n--X").into_bytes()),
        2 => Just(b"--XX".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(END.as_bytes().to_vec()),
        1 => Just(b"Content-Disposition: form-data; name=csrfmiddlewaretoken\r\n\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_answer(body in bytes_of_forms(), cuts in prop::collection::vec(0_usize..400, 0..12)) {
        let whole = scan_by(usize::MAX, &body);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).chain([0, body.len()]).collect();
        cuts.sort_unstable();
        let mut scan = MultipartScan::new(&boundary("XX"));
        for pair in cuts.windows(2) {
            let _ = scan.push(&body[pair[0]..pair[1]]);
        }
        prop_assert_eq!((scan.token, scan.next, scan.fault), whole);
    }

    #[test]
    fn a_delimiter_is_found_where_a_search_of_the_whole_finds_it(
        name in "[ab-]{1,6}", text in "[ab\r\n-]{0,60}", size in 1_usize..9,
    ) {
        let expected = text.find(&format!("--{name}")).map(|at| (at, text[..at].ends_with("\r\n")));
        let mut delimiter = Delimiter::new(&name);
        delimiter.begin([0; 2]);
        let mut found = None;
        for (piece, begin) in text.as_bytes().chunks(size).zip((0..).step_by(size)) {
            if let Some(hit) = delimiter.find(piece) {
                found = Some((begin + hit.end - delimiter.length(), hit.begins_a_line));
                break;
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_read(body: Vec<u8>, content_type: Vec<u8>) {
        let _ = scan(&body);
        let _ = MultipartBoundary::from_content_type(&content_type);
    }
}
