//! The signature of a pack: SSHSIG over its manifest, which stock `ssh-keygen -Y verify` checks.

use std::path::{Path, PathBuf};

use rsa::sha2::Sha512;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::{BigUint, RsaPrivateKey, pkcs1v15};
use ssh_key::private::{KeypairData, RsaKeypair};
use ssh_key::{Algorithm, HashAlg, LineEnding, Mpint, PrivateKey, PublicKey, Signature, SshSig};

use super::Error;
use super::bag::MANIFEST;
use crate::files::{self, Damage};

/// Where the signature lies in a pack.
pub const SIGNATURE: &str = "manifest-sha256.txt.sig";

/// What the signature is for: a signature of the same bytes for another purpose is none.
const NAMESPACE: &str = "evidence-pack";

/// A key that signs packs. Its private part is never printed.
#[derive(Clone)]
pub struct SigningKey(PrivateKey);

impl SigningKey {
    /// Reads an OpenSSH private key, Ed25519 or RSA; `passphrase` is asked for if it has one.
    ///
    /// # Errors
    /// [`Error::Files`] when the file cannot be read, [`Error::Key`] when it is no such key or the passphrase is wrong, and that of
    /// asking.
    pub fn read<E: From<Error>>(path: &Path, passphrase: impl FnOnce() -> Result<String, E>) -> Result<Self, E> {
        let refused = |reason: String| Error::Key { path: path.to_path_buf(), reason };
        let bytes = files::read(path).map_err(Error::from)?;
        let key = PrivateKey::from_openssh(&bytes).map_err(|failed| {
            refused(format!(
                "it is no OpenSSH private key of the kind Ed25519 or RSA ({failed}); `ssh-keygen -t ed25519` makes one, \
                 `ssh-keygen -p -f` converts older forms"
            ))
        })?;
        if !(key.algorithm().is_ed25519() || key.algorithm().is_rsa()) {
            return Err(refused(format!(
                "it is of the kind {}; packs are signed with Ed25519 or RSA",
                key.algorithm()
            ))
            .into());
        }
        if !key.is_encrypted() {
            return Ok(Self(key));
        }
        let opened = key.decrypt(passphrase()?);
        Ok(Self(opened.map_err(|_| refused("the passphrase is wrong".to_owned()))?))
    }

    /// Kind and fingerprint, as `ssh-keygen -l` prints them.
    pub fn name(&self) -> String {
        name(self.0.public_key())
    }
}

/// Signs a sealed pack.
///
/// # Errors
/// When its manifest cannot be read, the key cannot sign, or the signature cannot be written.
pub fn sign(folder: &Path, key: &SigningKey) -> Result<(), Error> {
    let manifest = files::read(&folder.join(MANIFEST))?;
    let unsigned = |failed: ssh_key::Error| Error::Key { path: PathBuf::from(SIGNATURE), reason: failed.to_string() };
    let signature = match key.0.key_data() {
        KeypairData::Rsa(pair) => signed_by_rsa(pair, &key.0, &manifest),
        _ => key.0.sign(NAMESPACE, HashAlg::Sha512, &manifest),
    };
    let text = signature.and_then(|signature| signature.to_pem(LineEnding::LF)).map_err(unsigned)?;
    files::write_atomic(&folder.join(SIGNATURE), text.as_bytes())?;
    Ok(())
}

fn signed_by_rsa(pair: &RsaKeypair, key: &PrivateKey, manifest: &[u8]) -> Result<SshSig, ssh_key::Error> {
    let number = |number: &Mpint| BigUint::try_from(number);
    let primes = vec![number(&pair.private.p)?, number(&pair.private.q)?];
    let private = RsaPrivateKey::from_components(
        number(&pair.public.n)?,
        number(&pair.public.e)?,
        number(&pair.private.d)?,
        primes,
    )?;
    let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, manifest)?;
    let made = pkcs1v15::SigningKey::<Sha512>::new(private).try_sign(&data)?;
    let signature = Signature::new(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, made.to_vec())?;
    SshSig::new(key.public_key().key_data().clone(), NAMESPACE, HashAlg::Sha512, signature)
}

/// Kind and fingerprint of the key that signed a pack, if one did. Whose key it is, only a list of known keys can say.
///
/// # Errors
/// As [`damage`]; what is no signature of the manifest is none.
pub fn signer(folder: &Path) -> Result<Option<String>, Error> {
    Ok(read(folder)?.and_then(Result::ok).map(|key| name(&key)))
}

/// What is wrong with the signature of a pack, if it has one and something is.
///
/// # Errors
/// [`Error::Files`] when a file cannot be read.
pub(super) fn damage(folder: &Path) -> Result<Option<Damage>, Error> {
    let reason = read(folder)?.and_then(Result::err);
    Ok(reason.map(|reason| Damage::Disagreement {
        path: SIGNATURE.to_owned(),
        records: format!("it is no signature of `{MANIFEST}`: {reason}"),
    }))
}

/// The key that made the signature, or why it is none; nothing where there is none.
fn read(folder: &Path) -> Result<Option<Result<PublicKey, String>>, Error> {
    let path = folder.join(SIGNATURE);
    if !path.is_file() {
        return Ok(None);
    }
    let (text, manifest) = (files::read(&path)?, files::read(&folder.join(MANIFEST))?);
    Ok(Some(checked(&text, &manifest).map_err(|failed| failed.to_string())))
}

fn checked(text: &[u8], manifest: &[u8]) -> Result<PublicKey, ssh_key::Error> {
    let signature = SshSig::from_pem(text)?;
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(NAMESPACE, manifest, &signature)?;
    Ok(key)
}

fn name(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}
