//! TLS as the URL asks for it.

use std::process::Command;

use cloakroom_core::session::Store as _;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::MySqlStore;
use cloakroom_testing::servers::MariaDb;
use tempfile::TempDir;

use crate::databases::{key, says};

/// A certificate for `localhost` that signed itself, and its key.
fn certificate(folder: &TempDir) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder.path())
        .output()
        .expect("openssl is there (Debian: openssl)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_certificate_is_checked_as_the_url_asks() {
    let folder = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    certificate(&folder);
    certificate(&other);
    let file = |folder: &TempDir, name: &str| folder.path().join(name).display().to_string();
    let server = MariaDb::start(&[
        &format!("--ssl-cert={}", file(&folder, "cert.pem")),
        &format!("--ssl-key={}", file(&folder, "key.pem")),
        "--require-secure-transport=0",
    ]);
    let url = server.database();
    let plain = MySqlStore::open(&url).unwrap();
    let _ = plain.migrate(Timestamp::now()).await.unwrap();
    server.execute("SET GLOBAL require_secure_transport = 1");
    let ca = format!("ssl-ca={}", file(&folder, "cert.pem"));
    let wrong = format!("ssl-ca={}", file(&other, "cert.pem"));
    let rows = [
        ("127.0.0.1", "ssl-mode=REQUIRED".to_owned(), true),
        ("localhost", ca.clone(), true),
        ("127.0.0.1", ca, false),
        ("localhost", wrong, false),
        ("localhost", "ssl-mode=VERIFY_IDENTITY".to_owned(), false),
        ("localhost", "ssl-ca=/nowhere/ca.pem".to_owned(), false),
        ("localhost", "ssl-mode=DISABLED".to_owned(), false),
    ];
    for (host, query, passes) in rows {
        let url = format!("{}?{query}", url.replace("127.0.0.1", host));
        let store = MySqlStore::open(&url).unwrap();
        let loaded = store.load(&key(1), Timestamp::now()).await;
        assert_eq!(loaded.is_ok(), passes, "{host} {query}: {loaded:?}");
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_server_without_tls_is_no_server_for_a_url_that_asks_for_it() {
    let url = format!("{}?ssl-mode=REQUIRED", MariaDb::shared().database());
    let store = MySqlStore::open(&url).unwrap();
    let error = store.load(&key(1), Timestamp::now()).await.unwrap_err();
    says(&error, "without TLS");
}
