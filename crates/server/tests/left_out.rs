//! Says at the end of `cargo test` what it does not run. Not a test.

fn main() {
    // `cargo test -- --list` and the like want no prose.
    if std::env::args().len() == 1 {
        eprintln!(
            "left out of `cargo test`, run by ./test: the login shared with a real Django (tests/interop), the pages in \
             Chromium (tests/browser)"
        );
    }
}
