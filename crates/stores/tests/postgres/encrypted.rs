//! Encryption by `sslmode`, and certificates that are not believed.

use std::path::Path;
use std::process::Command;

use cloakroom_core::session::Store as _;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use cloakroom_testing::servers::Postgres;

use crate::database::{hasty, key, migrated, readable, says};

#[tokio::test]
#[ignore = "needs PostgreSQL and openssl"]
async fn the_server_s_certificate_is_believed_as_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    readable(folder.path());
    let certificate = make(folder.path(), "server", "IP:127.0.0.1");
    let stranger = make(folder.path(), "stranger", "IP:127.0.0.1");
    let elsewhere = make(folder.path(), "elsewhere", "DNS:db.example.org");
    let plain = make(folder.path(), "plain", "IP:127.0.0.1");
    let at = |name: &str| {
        let file = |end| folder.path().join(format!("{name}.{end}"));
        Postgres::start(&[
            "ssl = on",
            &format!("ssl_cert_file = '{}'", file("crt").display()),
            &format!("ssl_key_file = '{}'", file("key").display()),
        ])
    };
    let server = at("server");
    let url = server.database();
    migrated(&PostgresStore::open(&url).unwrap()).await;
    let believed = [
        "sslmode=require".to_owned(),
        format!("sslmode=verify-ca&sslrootcert={certificate}"),
        format!("sslmode=verify-full&sslrootcert={certificate}"),
    ];
    for options in &believed {
        let store = hasty(&format!("{url}?{options}"));
        let loaded = store.load(&key(1), Timestamp::now()).await;
        assert!(loaded.unwrap().is_none(), "{options}");
    }
    let encrypted = server.execute(
        url.rsplit('/').next().unwrap(),
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'cloakroom'",
    );
    assert_ne!(encrypted, "0\n");
    for options in [
        format!("sslmode=require&sslrootcert={stranger}"),
        format!("sslmode=verify-full&sslrootcert={stranger}"),
        "sslmode=verify-full".to_owned(),
    ] {
        refused(&format!("{url}?{options}")).await;
    }

    let server = at("plain");
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={plain}",
        server.url("postgres")
    );
    let error = hasty(&url).newest_session().await.unwrap_err();
    says(&error, "run `cloakroom migrate`");

    let server = at("elsewhere");
    let url = server.url("postgres");
    let of_another_host = format!("{url}?sslmode=verify-ca&sslrootcert={elsewhere}");
    let error = hasty(&of_another_host).newest_session().await.unwrap_err();
    says(&error, "run `cloakroom migrate`");
    refused(&format!(
        "{url}?sslmode=verify-full&sslrootcert={elsewhere}"
    ))
    .await;
}

async fn refused(url: &str) {
    let error = hasty(url).newest_session().await.unwrap_err();
    says(&error, "shows a certificate that is not believed");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_without_encryption_is_told_so() {
    let url = Postgres::shared().database();
    let store = hasty(&format!("{url}?sslmode=require"));
    let error = store.newest_session().await.unwrap_err();
    says(&error, "does not offer the encryption");
}

/// Makes a certificate that signs itself, and a key that the server may read; says where the certificate is.
fn make(folder: &Path, name: &str, host: &str) -> String {
    // As `openssl req -x509` makes them by itself, but for one.
    let authority = if name == "plain" { "FALSE" } else { "TRUE" };
    let file = |end| folder.join(format!("{name}.{end}"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=cloakroom"])
        .args(["-addext", &format!("subjectAltName={host}")])
        .args([
            "-addext",
            &format!("basicConstraints=critical,CA:{authority}"),
        ])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"))
        .output()
        .expect("openssl is there (Debian: openssl)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Postgres::owns(&file("key"));
    file("crt").display().to_string()
}
