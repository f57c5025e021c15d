//! The memory that Argon2 fills, kept from one hash to the next.
//!
//! Memory that is fresh from the system costs as much as hashing: of 102,400 KiB each page must be found and cleared
//! first. So what new hashes need is kept, as often as calls ran at once, until somebody asks for it back.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::argon2::Block;

use super::LENGTH;
use crate::password::hasher::{Cost, Hasher};

/// Pieces of memory that nobody uses at the moment, all zeros.
pub(in super::super) struct Memory {
    /// Blocks of the pieces that are worth keeping: those that new hashes need, and none if Argon2 makes none.
    kept: usize,
    pieces: Mutex<Vec<Vec<Block>>>,
}

impl Memory {
    /// Keeps what one new hash of this hasher needs.
    pub(in super::super) fn for_hashes_of(hasher: Hasher) -> Self {
        Self::keeping(match hasher.cost {
            Cost::Argon2(cost) => cost.params(LENGTH).map_or(0, |params| params.block_count()),
            _ => 0,
        })
    }

    const fn keeping(blocks: usize) -> Self {
        Self {
            kept: blocks,
            pieces: Mutex::new(Vec::new()),
        }
    }

    /// Gives `use_it` so many blocks.
    ///
    /// There are never more pieces than calls at once: who needs another length than is kept gives one that is kept
    /// back to the system first.
    pub(super) fn with<T>(&self, blocks: usize, use_it: impl FnOnce(&mut [Block]) -> T) -> T {
        let kept = self.pieces().pop();
        let mut piece = kept
            .filter(|piece| piece.len() == blocks)
            .unwrap_or_else(|| vec![Block::new(); blocks]);
        let result = use_it(&mut piece);
        // What is left in it would help whoever reads this process's memory to guess the password.
        piece.fill(Block::new());
        if blocks == self.kept {
            self.pieces().push(piece);
        }
        result
    }

    /// Gives everything that is kept back to the system.
    pub(in super::super) fn release(&self) {
        self.pieces().clear();
    }

    fn pieces(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_new_hashes_need_is_kept_wiped_and_given_back_when_asked() {
        let memory = Memory::keeping(8);
        let first = memory.with(8, |blocks| {
            blocks.iter_mut().for_each(|block| block.as_mut().fill(7));
            blocks.as_ptr()
        });
        memory.with(8, |blocks| {
            assert_eq!(blocks.as_ptr(), first, "the same piece");
            assert!(blocks.iter().all(|block| block.as_ref() == [0; 128]));
        });
        assert_eq!(memory.pieces().len(), 1);
        memory.release();
        assert_eq!(memory.pieces().len(), 0);
    }

    /// E7.
    #[test]
    fn there_are_no_more_pieces_than_calls_at_once() {
        let memory = Memory::keeping(8);
        memory.with(8, |_| memory.with(8, |_| ()));
        assert_eq!(memory.pieces().len(), 2);
        memory.with(9, |_| assert_eq!(memory.pieces().len(), 1));
        assert_eq!(memory.pieces().len(), 1, "another length is not kept");
    }
}
