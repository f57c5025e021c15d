//! Tokens that come late: a large form is put aside until its token is found.

use std::future::ready;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use cloakroom_core::csrf::MultipartScan;

use super::body::{FARTHEST, PATIENCE, Pieces, Reading};
use super::spool::{BLOCK, Share, Spool, SpoolQuota};
use crate::error::Error;

/// How much a route waits for, and where it is kept meanwhile.
pub(super) struct Late {
    /// Bytes of the body, from its first on.
    pub(super) limit: u64,
    pub(super) folder: PathBuf,
    pub(super) quota: Arc<SpoolQuota>,
}

impl Late {
    /// Reads on until the scan has found the token, has found a fault, or the body ends. What was read, in the file and
    /// behind it.
    pub(super) async fn look_for_token(
        self,
        already: usize,
        reading: &mut Reading,
        scan: &mut MultipartScan,
    ) -> Result<(Spool, Pieces), Error> {
        let mut room = Share::none_of(Arc::clone(&self.quota));
        let spool = Spool::new(self.folder, Share::none_of(self.quota));
        let mut spool: Writing = Box::pin(ready(Ok(spool)));
        let mut spooled = already as u64;
        loop {
            let mut block = Pieces::default();
            while block.length < BLOCK {
                // What is in memory counts as well, and before it is there.
                if !room.resize((block.length + FARTHEST) as u64) {
                    return Err(Error::spool_full());
                }
                let until = block.length + FARTHEST;
                let more = async {
                    while block.length < until {
                        let Some(bytes) = reading.next().await else {
                            return false;
                        };
                        let fault = scan.push(&bytes).is_err();
                        block.push(bytes);
                        if fault || scan.token().is_some() {
                            return false;
                        }
                    }
                    true
                };
                let more = tokio::time::timeout(PATIENCE, more)
                    .await
                    .map_err(|_| Error::slow_body())?;
                if spooled + block.length as u64 > self.limit {
                    return Err(Error::body_too_large());
                }
                if !room.resize(block.length as u64) {
                    return Err(Error::spool_full());
                }
                if !more {
                    let mut spool = spool.await.map_err(Error::spool)?;
                    spool.keep(room);
                    return Ok((spool, block));
                }
            }
            // It is written while the next one comes.
            spooled += block.length as u64;
            let before = spool.await.map_err(Error::spool)?;
            spool = Box::pin(before.write(block.into_queue(), room.split_off()));
        }
    }
}

type Writing = Pin<Box<dyn Future<Output = io::Result<Spool>> + Send>>;
