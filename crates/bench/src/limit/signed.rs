//! Django's signed, dated, base64 text of a session.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) struct Signer {
    pub(super) mac: Hmac<Sha256>,
    pub(super) compresses: bool,
}

impl Signer {
    pub(super) fn sign(&self, json: &[u8], now: u64) -> String {
        let compressed = if self.compresses {
            compress(json)
        } else {
            None
        };
        let mut text = String::with_capacity(json.len() * 4 / 3 + 64);
        match compressed {
            Some(compressed) => {
                text.push('.');
                URL_SAFE_NO_PAD.encode_string(compressed, &mut text);
            }
            None => URL_SAFE_NO_PAD.encode_string(json, &mut text),
        }
        text.push(':');
        let mut digits = [0; 6];
        let mut rest = now;
        for digit in digits.iter_mut().rev() {
            *digit = BASE62[(rest % 62) as usize];
            rest /= 62;
        }
        text.extend(digits.map(char::from));
        let mac = self.mac(text.as_bytes());
        text.push(':');
        URL_SAFE_NO_PAD.encode_string(mac, &mut text);
        text
    }

    /// The JSON that was signed, and when.
    pub(super) fn verify(&self, text: &str) -> Option<(Vec<u8>, u64)> {
        let (value, signature) = text.rsplit_once(':')?;
        let mut expected = [0; 43];
        URL_SAFE_NO_PAD
            .encode_slice(self.mac(value.as_bytes()), &mut expected)
            .ok()?;
        if !bool::from(expected.ct_eq(signature.as_bytes())) {
            return None;
        }
        let (payload, time) = value.rsplit_once(':')?;
        let time = time.bytes().try_fold(0_u64, |number, digit| {
            let digit = BASE62.iter().position(|known| *known == digit)?;
            number.checked_mul(62)?.checked_add(digit as u64)
        })?;
        let json = match payload.strip_prefix('.') {
            Some(payload) => inflate(&URL_SAFE_NO_PAD.decode(payload).ok()?)?,
            None => URL_SAFE_NO_PAD.decode(payload).ok()?,
        };
        Some((json, time))
    }

    fn mac(&self, value: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

thread_local! {
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(6), true));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(bytes.len());
    DEFLATE.with_borrow_mut(|state| {
        state.reset();
        let status = state.compress_vec(bytes, &mut output, FlushCompress::Finish);
        (matches!(status, Ok(Status::StreamEnd)) && output.len() + 1 < bytes.len())
            .then_some(output)
    })
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(4096);
    INFLATE.with_borrow_mut(|state| {
        state.reset(true);
        let status = state.decompress_vec(bytes, &mut output, FlushDecompress::Finish);
        matches!(status, Ok(Status::StreamEnd)).then_some(output)
    })
}
