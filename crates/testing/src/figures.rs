//! What a test counted, for the table of the full run.

/// Prints one line of JSON: the test's program and name, and `figures`, which are fields of a JSON object.
pub(crate) fn tell(figures: &str) {
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.file_stem().and_then(|name| name.to_str());
    // cargo puts a hash behind the name.
    let program = program.and_then(|name| name.rsplit_once('-'));
    let program = program.map_or("", |(name, _)| name);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    eprintln!(r#"{{"program": "{program}", "test": "{test}", {figures}}}"#);
}
