//! Where the beginning of a large form waits while its token is looked for: a file without a name.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::body::PATIENCE;

/// Bytes that are written or read back at once. Handing work to another thread and back costs as much as copying some
/// hundred kilobytes. A request has twice so many in memory: a block that is on its way to the disk or back, and the one
/// that comes or goes meanwhile.
pub(super) const BLOCK: usize = 256 << 10;

/// What all requests together may keep while they look for their tokens, in memory and on the disk.
#[derive(Debug)]
pub(crate) struct SpoolQuota {
    left: AtomicU64,
}

impl SpoolQuota {
    pub(crate) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicU64::new(bytes),
        })
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }
}

/// One request's share, given back when it is dropped.
pub(super) struct Share {
    quota: Arc<SpoolQuota>,
    bytes: u64,
}

impl Share {
    pub(super) const fn none_of(quota: Arc<SpoolQuota>) -> Self {
        Self { quota, bytes: 0 }
    }

    /// False if there is not so much left; then the share stays as it was.
    #[must_use]
    pub(super) fn resize(&mut self, bytes: u64) -> bool {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            let taken = self
                .quota
                .left
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                    left.checked_sub(more)
                });
            if taken.is_err() {
                return false;
            }
        } else {
            self.quota
                .left
                .fetch_add(self.bytes - bytes, Ordering::AcqRel);
        }
        self.bytes = bytes;
        true
    }

    /// Takes what another share of the same quota has.
    pub(super) fn join(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Leaves nothing of this one.
    pub(super) fn split_off(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        Self {
            quota: Arc::clone(&self.quota),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

/// A file that is unlinked before anything is in it, so that nothing is left of it however its request ends.
pub(super) struct Spool {
    folder: PathBuf,
    file: Option<File>,
    length: u64,
    /// Goes with the file: a write that nobody waits for any more still takes room.
    share: Share,
}

impl Spool {
    /// Without a file: it is made when there is something to write.
    pub(super) const fn new(folder: PathBuf, share: Share) -> Self {
        Self {
            folder,
            file: None,
            length: 0,
            share,
        }
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Takes over the room of what is kept beside the file.
    pub(super) fn keep(&mut self, room: Share) {
        self.share.join(room);
    }

    /// Writes these, for which there is room, behind what is there. It begins at once, whoever waits for it.
    pub(super) fn write(
        mut self,
        pieces: VecDeque<Bytes>,
        room: Share,
    ) -> impl Future<Output = io::Result<Self>> + Send {
        self.share.join(room);
        in_time(move || {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => tempfile::tempfile_in(&self.folder)?,
            };
            for piece in pieces {
                file.write_all(&piece)?;
                self.length += piece.len() as u64;
            }
            self.file = Some(file);
            Ok(self)
        })
    }

    /// From its beginning.
    pub(super) fn read_back(self) -> ReadingBack {
        ReadingBack(match self.length {
            0 => None,
            // Only if somebody asks for it.
            length => Some(Box::pin(async move { self.read_block(length, true).await })),
        })
    }

    /// Begins at once. With the last block the file is closed, which for a large one takes a while too.
    fn read_block(
        mut self,
        left: u64,
        first: bool,
    ) -> impl Future<Output = io::Result<Block>> + Send {
        in_time(move || {
            let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
            if first {
                file.rewind()?;
            }
            let length = left.min(BLOCK as u64);
            // Not filled with zeros before: it is read into as it is.
            let mut block = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
            if file.take(length).read_to_end(&mut block)? as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let left = left - length;
            Ok((block.into(), (left > 0).then_some((self, left))))
        })
    }
}

/// Begins work on the disk, that may not take for ever once somebody waits for it.
fn in_time<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> impl Future<Output = io::Result<T>> + Send {
    let work = tokio::task::spawn_blocking(work);
    async {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// A spool that is read back: each block while the one before it is looked at.
pub(super) struct ReadingBack(Option<Pin<Box<dyn Future<Output = io::Result<Block>> + Send>>>);

/// A block of a spool, and the spool with how much is left behind it.
type Block = (Bytes, Option<(Spool, u64)>);

impl ReadingBack {
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let Some(reading) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let read = ready!(reading.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(Some(read.map(|(bytes, rest)| {
            if let Some((spool, left)) = rest {
                self.0 = Some(Box::pin(spool.read_block(left, false)));
            }
            bytes
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> VecDeque<Bytes> {
        [Bytes::copy_from_slice(text.as_bytes())].into()
    }

    fn spool(quota: &Arc<SpoolQuota>, folder: &std::path::Path) -> Spool {
        Spool::new(folder.to_owned(), Share::none_of(Arc::clone(quota)))
    }

    fn room(quota: &Arc<SpoolQuota>, bytes: u64) -> Share {
        let mut room = Share::none_of(Arc::clone(quota));
        assert!(room.resize(bytes));
        room
    }

    async fn whole(mut reading: ReadingBack) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(bytes) = std::future::poll_fn(|context| reading.poll_next(context)).await {
            whole.extend_from_slice(&bytes?);
        }
        Ok(whole)
    }

    #[test]
    fn shares_never_exceed_the_quota_and_are_given_back() {
        let quota = SpoolQuota::new(100);
        let mut one = Share::none_of(Arc::clone(&quota));
        let mut other = Share::none_of(Arc::clone(&quota));
        assert!(one.resize(60) && other.resize(40));
        assert!(!one.resize(61) && !other.resize(u64::MAX));
        assert!(one.resize(20) && other.resize(80));
        assert_eq!(quota.left(), 0);
        drop(other);
        assert_eq!(quota.left(), 80);
        drop(one);
        assert_eq!(quota.left(), 100);
    }

    #[test]
    fn what_is_written_goes_from_one_share_to_another() {
        let quota = SpoolQuota::new(100);
        let (mut room, mut spool) = (room(&quota, 60), Share::none_of(Arc::clone(&quota)));
        spool.join(room.split_off());
        assert!(room.resize(30) && !room.resize(41), "60 are the spool's");
        spool.join(room.split_off());
        drop(room);
        assert_eq!(quota.left(), 10);
        drop(spool);
        assert_eq!(quota.left(), 100);
    }

    #[tokio::test]
    async fn a_write_goes_on_that_nobody_waits_for_and_keeps_its_room_until_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let quota = SpoolQuota::new(10);
        let spool = spool(&quota, folder.path());
        drop(spool.write(pieces("x"), room(&quota, 10)));
        let given_back = async {
            while quota.left() < 10 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, given_back).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_put_aside_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let quota = SpoolQuota::new(1 << 20);
        let mut spool = spool(&quota, folder.path());
        let text: String = (0..600_000_u32)
            .map(|n| char::from(b'a' + (n % 23) as u8))
            .collect();
        for block in [&text[..300_000], &text[300_000..300_001], &text[300_001..]] {
            spool = spool
                .write(pieces(block), room(&quota, block.len() as u64))
                .await
                .unwrap();
        }
        assert_eq!(spool.length(), 600_000);
        assert_eq!(quota.left(), (1 << 20) - 600_000);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "it has no name"
        );
        assert_eq!(whole(spool.read_back()).await.unwrap(), text.as_bytes());
        assert_eq!(
            quota.left(),
            1 << 20,
            "with the last byte all is given back"
        );
    }

    #[tokio::test]
    async fn nothing_put_aside_is_nothing_read_back() {
        let quota = SpoolQuota::new(1);
        let spool = spool(&quota, std::path::Path::new("/nowhere"));
        assert_eq!(whole(spool.read_back()).await.unwrap(), b"");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_is_an_error_and_gives_the_share_back() {
        let quota = SpoolQuota::new(100);
        let mut spool = spool(&quota, std::path::Path::new("/nowhere"));
        spool.file = Some(File::options().write(true).open("/dev/full").unwrap());
        let error = spool
            .write(pieces("x"), room(&quota, 100))
            .await
            .err()
            .unwrap();
        assert_eq!(
            (error.kind(), quota.left()),
            (io::ErrorKind::StorageFull, 100)
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_back_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let quota = SpoolQuota::new(100);
        let mut spool = spool(&quota, folder.path())
            .write(pieces("abc"), room(&quota, 3))
            .await
            .unwrap();
        spool.length = 4;
        assert_eq!(
            whole(spool.read_back()).await.unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
