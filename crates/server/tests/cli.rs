//! The command line as scripts use it: names, streams and exit statuses.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit};
use tempfile::TempDir;

const STRONG: &str = "0123456789abcdef0123456789abcdef";

/// A folder in which commands are given, with nothing of this process's environment.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        command
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env_clear()
            .env("USER", "ann")
            // Hashing at full cost takes seconds in a debug build.
            .env("CLOAKROOM_PBKDF2_ITERATIONS", "10")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(line);
        Ran::new(command.envs(variables.iter().copied()).output().unwrap())
    }

    fn answer(&self, line: &str, answers: &str) -> Ran {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(answers.as_bytes())
            .unwrap();
        Ran::new(child.wait_with_output().unwrap())
    }

    /// A folder whose database has a superuser.
    fn with_superuser() -> Self {
        let folder = Self::new();
        assert_eq!(folder.run("migrate", &[]).status, 0);
        let made = folder.run(
            "createsuperuser --noinput --username ann --email ann@example.org",
            &[("DJANGO_SUPERUSER_PASSWORD", "correct horse")],
        );
        assert_eq!(made, (0, "Superuser created successfully.\n", ""));
        folder
    }
}

#[derive(Debug)]
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            status: output.status.code().expect("no signal ended it"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn failed_with(&self, message: &str) {
        assert_eq!(self.status, 1, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(
            self.err.starts_with("Error: ") || self.err.contains("\nError: "),
            "{self:?}"
        );
        assert!(self.err.contains(message), "{message:?} is not in {self:?}");
    }
}

impl PartialEq<(i32, &str, &str)> for Ran {
    fn eq(&self, (status, out, err): &(i32, &str, &str)) -> bool {
        (self.status, self.out.as_str(), self.err.as_str()) == (*status, *out, *err)
    }
}

/// A server that is ended with its test.
struct Serving {
    child: Child,
    address: String,
    said: String,
}

impl Serving {
    fn start(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = folder
            .command(line)
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.as_mut().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "it did not start: {said}"
            );
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("listens at http://") {
                break address.trim_end().trim_end_matches('/').to_owned();
            }
        };
        Self {
            child,
            address,
            said,
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn ended(&mut self) -> std::process::ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn wrong_usage_is_status_2_and_help_is_a_result() {
    let folder = Folder::new();
    for line in [
        "",
        "nonsense",
        "serve --nonsense",
        "serve --listen nowhere",
        "migrate --database",
        "createsuperuser --nonsense",
    ] {
        let ran = folder.run(line, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(!ran.err.is_empty(), "{line}");
    }
    for line in ["--help", "--version", "serve --help"] {
        let ran = folder.run(line, &[]);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
        assert!(!ran.out.is_empty(), "{line}");
    }
}

#[test]
fn wrong_settings_fail_every_command_and_show_no_value() {
    let folder = Folder::new();
    for (variable, value, message) in [
        (
            "CLOAKROOM_SESION_COOKIE_AGE",
            "1",
            "SESSION_COOKIE_AGE is there",
        ),
        (
            "CLOAKROOM_SESSION_COOKIE_AGE",
            "hunter2",
            "SESSION_COOKIE_AGE should be a whole number",
        ),
        (
            "CLOAKROOM_CONFIG",
            "hunter.toml",
            "the file hunter.toml cannot be read",
        ),
        (
            "DATABASE_URL",
            "oracle://u:hunter2@h/d",
            "the database's URL is none",
        ),
        ("CLOAKROOM_LOG", "=[", "CLOAKROOM_LOG"),
    ] {
        for command in ["migrate", "serve", "clearsessions"] {
            let ran = folder.run(command, &[(variable, value)]);
            ran.failed_with(message);
            assert!(!ran.err.contains("hunter2"), "{ran:?}");
        }
    }
    assert_eq!(
        fs::read_dir(folder.0.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn migrate_makes_a_database_once() {
    let folder = Folder::new();
    let made = folder.run("migrate", &[]);
    assert_eq!(
        made,
        (
            0,
            "Made the tables of contenttypes, auth and sessions in cloakroom.sqlite3.\n",
            ""
        )
    );
    assert_eq!(mode(&folder.path("cloakroom.sqlite3")), 0o600);
    assert_eq!(
        folder.run("migrate", &[]),
        (0, "No migrations to apply.\n", "")
    );
    let elsewhere = folder.path("with space.db");
    let url = format!(
        "sqlite:///{}",
        elsewhere.display().to_string().replace(' ', "%20")
    );
    assert_eq!(folder.run("migrate", &[("DATABASE_URL", &url)]).status, 0);
    assert!(elsewhere.exists());
    folder
        .run("migrate --database sqlite:no/such/folder.db", &[])
        .failed_with("no/such/folder.db");
}

#[test]
fn a_flag_comes_before_the_environment_and_that_before_the_file() {
    let folder = Folder::new();
    fs::write(folder.path("c.toml"), "DATABASE_URL = 'sqlite:file.db'").unwrap();
    for (line, variables, made) in [
        ("migrate --config c.toml", &[][..], "file.db"),
        (
            "--config c.toml migrate",
            &[("DATABASE_URL", "sqlite:environment.db")],
            "environment.db",
        ),
        (
            "migrate --config c.toml --database sqlite:flag.db",
            &[("DATABASE_URL", "sqlite:x.db")],
            "flag.db",
        ),
    ] {
        assert_eq!(folder.run(line, variables).status, 0);
        assert!(folder.path(made).exists(), "{line}");
    }
    assert!(!folder.path("x.db").exists());
}

#[test]
fn createsuperuser_asks_nothing_where_it_is_told_so() {
    let folder = Folder::with_superuser();
    let without = |line: &str| folder.run(&format!("createsuperuser --noinput {line}"), &[]);
    without("--email a@b").failed_with("You must use --username with --noinput.");
    without("--username bob").failed_with("You must use --email with --noinput.");
    without("--username ann --email a@b").failed_with("Error: That username is already taken.");
    without("--username b/b --email a@b").failed_with("Enter a valid username.");
    without("--username bob --email nonsense").failed_with("Enter a valid email address.");
    let empty = [("DJANGO_SUPERUSER_PASSWORD", "")];
    folder
        .run(
            "createsuperuser --noinput --username bob --email a@b",
            &empty,
        )
        .failed_with("Blank passwords aren't allowed.");
    let by_environment = [
        ("DJANGO_SUPERUSER_USERNAME", "bob"),
        ("DJANGO_SUPERUSER_EMAIL", ""),
    ];
    assert_eq!(
        folder
            .run("createsuperuser --no-input", &by_environment)
            .status,
        0
    );
    let full_width = without("--username \u{ff41}\u{ff4e}\u{ff4e} --email a@b");
    full_width.failed_with("That username is already taken.");
}

#[test]
fn createsuperuser_asks_until_the_answers_are_right() {
    let folder = Folder::new();
    assert_eq!(folder.run("migrate", &[]).status, 0);
    let ran = folder.answer(
        "createsuperuser",
        "b/b\n\nnonsense\nann@b\none\ntwo\n \n \nsecret\nsecret\n\nsecret\nsecret\nY\n",
    );
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, "Superuser created successfully.\n"),
        "{ran:?}"
    );
    for message in [
        "Username (leave blank to use 'ann'): ",
        "Error: Enter a valid username.",
        "Error: Enter a valid email address.",
        "Error: Your passwords didn't match.",
        "Error: Blank passwords aren't allowed.",
        "This password is too short. It must contain at least 12 characters.\nThis password is too common.\n",
        "Bypass password validation and create user anyway? [y/N]: ",
    ] {
        assert!(ran.err.contains(message), "{message:?} is not in {ran:?}");
    }
    assert!(!ran.err.contains("secret"));
    let ran = folder.answer("createsuperuser", "bob\n\n");
    ran.failed_with("Operation cancelled.");
    assert!(ran.err.starts_with("Username: "), "ann is taken: {ran:?}");
}

#[test]
fn changepassword_changes_it_after_two_equal_answers() {
    let folder = Folder::with_superuser();
    let ran = folder.answer(
        "changepassword ann",
        "one\ntwo\nann@example\nann@example\na coat for every peg\na coat for every peg\n",
    );
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, "Password changed successfully for user 'ann'\n"),
        "{ran:?}"
    );
    assert!(
        ran.err
            .contains("Passwords do not match. Please try again.")
    );
    assert!(
        ran.err
            .contains("The password is too similar to the email address."),
        "{ran:?}"
    );
    let ran = folder.answer("changepassword ann", "\n\n\n");
    ran.failed_with("Aborting password change for user 'ann' after 3 attempts");
    assert!(ran.err.contains("Blank passwords aren't allowed."));
    folder
        .answer("changepassword nobody", "")
        .failed_with("user 'nobody' does not exist");
    folder
        .answer("changepassword no\x1bbody", "")
        .failed_with("user 'no\\u{1b}body' does not exist");
    folder
        .answer("changepassword", "a\nb\na\nb\na\nb\n")
        .failed_with("Aborting password change for user 'ann' after 3 attempts");
}

#[test]
fn commands_need_a_database_that_is_there() {
    let folder = Folder::new();
    for line in [
        "createsuperuser --noinput --username a --email b@c",
        "changepassword a",
        "clearsessions",
    ] {
        folder.run(line, &[]).failed_with("cloakroom.sqlite3");
    }
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 0);
    fs::write(
        folder.path("cloakroom.sqlite3"),
        "no database at all, however long this text may be",
    )
    .unwrap();
    folder
        .run("clearsessions", &[])
        .failed_with("cloakroom.sqlite3");
}

#[test]
fn jwt_key_prints_the_key_and_nothing_else() {
    let folder = Folder::new();
    let ran = folder.run("jwt-key", &[("SECRET_KEY", STRONG)]);
    assert_eq!((ran.status, ran.out.len()), (0, 44), "{}", ran.out);
    assert!(!ran.out.trim_end().contains(char::is_whitespace));
    assert!(ran.err.contains("SIGNING_KEY"), "it says where to put it");
    let again = folder.run(
        "jwt-key",
        &[("SECRET_KEY", STRONG), ("SECRET_KEY_FALLBACKS", STRONG)],
    );
    assert_eq!(again.out, ran.out);
    let other = folder.run("jwt-key", &[("SECRET_KEY", &STRONG.replace('0', "1"))]);
    assert_ne!(other.out, ran.out);
    for variables in [
        &[][..],
        &[("SECRET_KEY", STRONG), ("JWT_SIGNING_KEY", STRONG)],
    ] {
        let refused = folder.run("jwt-key", variables);
        assert_eq!(
            (refused.status, refused.out.as_str()),
            (1, ""),
            "{}",
            refused.err
        );
        assert!(!refused.err.contains(STRONG));
    }
}

#[test]
fn clearsessions_is_silent() {
    let folder = Folder::with_superuser();
    assert_eq!(folder.run("clearsessions", &[]), (0, "", ""));
}

#[test]
fn check_names_what_is_wrong() {
    let folder = Folder::with_superuser();
    let fine = [("SECRET_KEY", STRONG)];
    for line in [
        "check",
        "check --database",
        "check --database sqlite:cloakroom.sqlite3",
    ] {
        assert_eq!(
            folder.run(line, &fine),
            (0, "System check identified no issues.\n", ""),
            "{line}"
        );
    }
    folder
        .run("check --database sqlite:none.db", &fine)
        .failed_with("none.db");
    folder
        .run("check --deploy", &[])
        .failed_with("no secret key is given");
    folder
        .run("check --deploy", &[("SECRET_KEY", "short")])
        .failed_with("shorter than 32 bytes");
    folder
        .run(
            "check",
            &[("SECRET_KEY", "short"), ("CLOAKROOM_LISTEN", "0.0.0.0:1")],
        )
        .failed_with("shorter than 32 bytes");
    folder
        .run("check", &[("CLOAKROOM_DJANGO_VERSION", "3.2")])
        .failed_with("not a Django release");
    let warned = folder.run("check --deploy", &fine);
    assert_eq!((warned.status, warned.out.as_str()), (0, ""), "{warned:?}");
    assert!(
        warned.err.contains("WARNINGS:\nALLOWED_HOSTS is empty"),
        "{warned:?}"
    );
}

#[test]
fn a_first_start_makes_database_key_and_link_and_a_second_one_uses_them() {
    let folder = Folder::new();
    let first = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
    assert!(first.said.contains("Made the database"), "{}", first.said);
    assert!(
        first
            .said
            .contains(&format!("http://{}/first-superuser/", first.address)),
        "{}",
        first.said
    );
    assert_eq!(mode(&folder.path("cloakroom.sqlite3-secret-key")), 0o600);
    let key = fs::read(folder.path("cloakroom.sqlite3-secret-key")).unwrap();
    drop(first);

    let second = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
    assert!(!second.said.contains("Made the"), "{}", second.said);
    assert_eq!(
        fs::read(folder.path("cloakroom.sqlite3-secret-key")).unwrap(),
        key
    );
    drop(second);

    let made = folder.run("createsuperuser --noinput --username ann --email a@b", &[]);
    assert_eq!(made.status, 0);
    let third = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
    assert!(!third.said.contains("first-superuser"), "{}", third.said);
}

/// N2.
#[test]
fn nothing_is_made_where_something_could_be_lost() {
    let folder = Folder::new();
    let hosts = ("CLOAKROOM_ALLOWED_HOSTS", r#"["a"]"#);
    for (line, variables, message) in [
        (
            "serve --database sqlite:typo.db",
            &[][..],
            "there is no database",
        ),
        (
            "serve --database sqlite:typo.db",
            &[("SECRET_KEY", STRONG)],
            "there is no database",
        ),
        ("serve --listen 0.0.0.0:0", &[], "ALLOWED_HOSTS is empty"),
        ("serve --listen 0.0.0.0:0", &[hosts], "there is no database"),
        (
            "serve --listen [::]:0",
            &[hosts, ("SECRET_KEY", STRONG)],
            "there is no database",
        ),
    ] {
        folder.run(line, variables).failed_with(message);
        assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 0, "{line}");
    }
}

/// N2.
#[test]
fn users_without_a_key_refuse_to_start() {
    let folder = Folder::with_superuser();
    let ran = folder.run("serve --listen 127.0.0.1:0", &[]);
    ran.failed_with("has users or sessions, and no secret key is given");
    assert!(
        ran.err
            .contains(folder.0.path().canonicalize().unwrap().to_str().unwrap()),
        "{ran:?}"
    );
    assert!(!folder.path("cloakroom.sqlite3-secret-key").exists());
    let given = Serving::start(
        &folder,
        "serve --listen 127.0.0.1:0",
        &[("SECRET_KEY", STRONG)],
    );
    assert!(!given.said.contains("first-superuser"));
}

/// K1.
#[test]
fn weak_keys_refuse_to_start_where_others_can_connect() {
    let folder = Folder::with_superuser();
    let insecure = format!("django-insecure-{STRONG}");
    for key in ["", "old,", "12345678", &insecure] {
        let variables = [("SECRET_KEY", key), ("CLOAKROOM_ALLOWED_HOSTS", r#"["a"]"#)];
        folder
            .run("serve --listen 0.0.0.0:0", &variables)
            .failed_with("SECRET_KEY: ");
    }
    folder
        .run("serve --listen 127.0.0.1:0", &[("SECRET_KEY", "")])
        .failed_with("SECRET_KEY: ");
    for fallbacks in ["", "old,", ",", "a,b"] {
        let variables = [
            ("SECRET_KEY", STRONG),
            ("SECRET_KEY_FALLBACKS", fallbacks),
            ("CLOAKROOM_ALLOWED_HOSTS", r#"["a"]"#),
        ];
        folder
            .run("serve --listen 0.0.0.0:0", &variables)
            .failed_with("SECRET_KEY_FALLBACKS: ");
    }
    let weak = Serving::start(
        &folder,
        "serve --listen 127.0.0.1:0",
        &[("SECRET_KEY", "12345678")],
    );
    assert!(
        weak.said.contains("it passes only because"),
        "{}",
        weak.said
    );
    assert!(!weak.said.contains("12345678"));
}

#[test]
fn a_taken_port_leaves_no_trace() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new();
    let line = format!("serve --listen {}", taken.local_addr().unwrap());
    folder
        .run(&line, &[])
        .failed_with("is taken by another program");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn a_signal_ends_the_server_with_status_0() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let mut serving = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");
        serving.signal(signal);
        assert_eq!(serving.ended().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let folder = Folder::new();
    let mut serving = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    serving.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        serving.child.try_wait().unwrap().is_none(),
        "it waits for the request"
    );
    let start = Instant::now();
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(143));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn running_out_of_files_neither_ends_the_server_nor_has_it_spin() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, "serve --listen 127.0.0.1:0", &[]);
    let process = format!("/proc/{}", serving.child.id());
    let open = fs::read_dir(format!("{process}/fd")).unwrap().count() as u64;
    let limit = Rlimit {
        current: Some(open + 3),
        maximum: Some(open + 3),
    };
    let id = Pid::from_child(&serving.child);
    rustix::process::prlimit(Some(id), Resource::Nofile, limit).unwrap();
    let ticks = || -> u64 {
        let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
        let after_name = stat.rsplit_once(") ").unwrap().1;
        let fields: Vec<_> = after_name.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };

    let held: Vec<_> = (0..10)
        .map(|_| TcpStream::connect(&serving.address).unwrap())
        .collect();
    let before = ticks();
    std::thread::sleep(Duration::from_secs(1));
    let used = ticks() - before;
    assert!(used < 30, "{used} of 100 ticks were used for waiting");
    drop(held);
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");

    serving.signal("TERM");
    let mut serving = serving;
    assert_eq!(serving.ended().code(), Some(0));
    let mut log = String::new();
    let mut stderr = serving.child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert!(log.contains("no connection can be accepted"), "{log}");
}
