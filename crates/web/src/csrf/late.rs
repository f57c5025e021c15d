//! Tokens that come late: a large form is put aside until its token is found.

use std::path::PathBuf;
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
        let mut spool = Spool::new(self.folder, Share::none_of(self.quota));
        loop {
            let mut block = Pieces::default();
            while block.length < BLOCK {
                // What is in memory counts as well, and before it is there.
                let kept = spool.length() + block.length as u64;
                if !spool.reserve(kept + FARTHEST as u64) {
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
                let kept = spool.length() + block.length as u64;
                if already as u64 + kept > self.limit {
                    return Err(Error::body_too_large());
                }
                if !spool.reserve(kept) {
                    return Err(Error::spool_full());
                }
                if !more {
                    return Ok((spool, block));
                }
            }
            spool = spool
                .write(block.into_queue())
                .await
                .map_err(Error::spool)?;
        }
    }
}
