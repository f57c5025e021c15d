"""What a folder of sessions is asked to do."""

from bug import Bug, files

LOCK = "crates/stores/src/file/lock.rs"
WRITE = "crates/stores/src/file/write.rs"
SESSIONS = "crates/stores/src/file/sessions.rs"

CONTRACT = files("a_folder_keeps_the_contract")
BESIDE = files("beside::no_change_of_a_django_s_is_written_over")

BUGS = [
    Bug(
        "two processes change a session at the same time",
        LOCK,
        "            wait(&file, patience)?;\n",
        "",
        files("failures::a_lock_that_lasts_is_an_error_in_time"),
    ),
    Bug(
        "what a Django has put between is not put back",
        WRITE,
        "        if taken == Some(seen.identity()) {",
        "        if taken.is_some() {",
        BESIDE,
    ),
    Bug(
        "a session that a Django deletes is brought back by a rename",
        WRITE,
        "            Exchanged::Gone => return Ok(Moved::Gone),\n",
        "            Exchanged::Gone => {\n"
        "                return file.persist(path).map(|_| Moved::Done).map_err(|error| error.error);\n"
        "            }\n",
        files("beside::no_save_of_ours_brings_back_what_a_django_deletes"),
    ),
    Bug(
        "a new session takes the place of one that has its key",
        WRITE,
        "        match self.0.persist_noclobber(path) {",
        "        match self.0.persist(path) {",
        CONTRACT,
    ),
    Bug(
        "a folder that is not there is a logout",
        SESSIONS,
        "return files.names.check_folder().map(|()| None);",
        "return Ok(None);",
        files("failures::a_folder_that_goes_is_no_logout_and_one_that_comes_back_is_used"),
    ),
    Bug(
        "a session's file can be read by everybody",
        WRITE,
        ".mode(0o600)",
        ".mode(0o644)",
        files("expiry::a_file_of_ours_is_as_old_as_its_save"),
    ),
    Bug(
        "a key leads out of the folder",
        "crates/stores/src/file/names.rs",
        "        (is_key(key) && name.len()",
        "        (!key.is_empty() && name.len()",
        files("beside::what_is_no_file_of_a_session_s_is_no_session"),
    ),
    Bug(
        "a session that did not reach the disk is acknowledged",
        WRITE,
        "        file.as_file().sync_all()?;\n",
        "        let _ = file.as_file().sync_all();\n",
        files("failing_calls::a_new_session_is_there_or_not_whichever_call_fails"),
    ),
    Bug(
        "a folder that was not flushed counts as flushed",
        WRITE,
        "            old.close()?;\n            files.flush_folder()?;\n",
        "            old.close()?;\n            let _ = files.flush_folder();\n",
        files("failing_calls::a_changed_session_is_the_old_or_the_new_one_whichever_call_fails"),
    ),
]
