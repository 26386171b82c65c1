//! SHA-256 in the lower-case hexadecimal of `sha256sum`.

use std::io;

use sha2::{Digest, Sha256};

/// The digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of `bytes`, as it is.
pub fn sha256_bytes(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A digest that grows with what is written to it.
#[derive(Debug, Clone, Default)]
pub struct Running(Sha256);

impl Running {
    /// The digest of all that was written.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

impl io::Write for Running {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.update(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
