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
    /// The same, after more was written.
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

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

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The characters of bytes in base32 (RFC 4648), five bits each; what is left over is dropped.
pub fn base32(bytes: &[u8]) -> impl Iterator<Item = char> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (0..bytes.len() * 8 / 5).map(|at| {
        let bits = (at * 5..at * 5 + 5).map(|bit| bytes[bit / 8] >> (7 - bit % 8) & 1);
        char::from(ALPHABET[usize::from(bits.fold(0, |value, bit| value << 1 | bit))])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_standards_write_them() {
        assert_eq!(hex(&[0x00, 0x9f, 0xff]), "009fff");
        // RFC 4648, 10: BASE32("foobar") = "MZXW6YTBOI======".
        assert_eq!(base32(b"foobar").collect::<String>(), "MZXW6YTBO");
    }
}
