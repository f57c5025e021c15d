//! The table in PostgreSQL: one connection and three prepared statements.

use std::time::SystemTime;

use tokio_postgres::{Client, NoTls, Statement};

pub(in crate::limit) struct Table {
    client: Client,
    load: Statement,
    create: Statement,
    replace: Statement,
}

impl Table {
    pub(super) async fn open(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls)
            .await
            .expect("the server answers");
        tokio::spawn(connection);
        let prepare = async |sql| {
            let prepared = client.prepare(sql).await;
            prepared.expect("the tables are there")
        };
        Self {
            load: prepare(
                "SELECT session_data FROM django_session WHERE session_key = $1 AND expire_date > $2",
            )
            .await,
            create: prepare(
                "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3)",
            )
            .await,
            replace: prepare(
                "UPDATE django_session SET session_data = $5, expire_date = $4 \
                 WHERE session_key = $1 AND session_data = $2 AND expire_date > $3",
            )
            .await,
            client,
        }
    }

    pub(super) async fn load(&self, key: &str, now: SystemTime) -> Option<String> {
        let row = self.client.query_opt(&self.load, &[&key, &now]).await;
        row.expect("the server answers").map(|row| row.get(0))
    }

    pub(super) async fn create(&self, key: &str, text: &str, end: SystemTime) {
        self.client
            .execute(&self.create, &[&key, &text, &end])
            .await
            .expect("the key is new");
    }

    pub(super) async fn replace(
        &self,
        key: &str,
        seen: &str,
        text: &str,
        now: SystemTime,
        end: SystemTime,
    ) -> bool {
        let replaced = self
            .client
            .execute(&self.replace, &[&key, &seen, &now, &end, &text])
            .await;
        replaced.expect("the server answers") == 1
    }
}
