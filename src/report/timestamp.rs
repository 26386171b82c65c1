//! When a pack existed at the latest, by RFC 3161: the question for a time-stamp authority, which every pack holds, and its reply,
//! which somebody who is on a network attaches later. Stock `openssl ts -verify` checks the reply.

use std::borrow::Cow;
use std::path::Path;

use cms::cert::x509::spki::AlgorithmIdentifier;
use cms::content_info::ContentInfo;
use cms::signed_data::EncapsulatedContentInfo;
use der::asn1::{Any, Int, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _, Sequence};
use jiff::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

use super::Error;
use super::bag::MANIFEST;
use crate::files::{self, Damage};

/// Where the question lies in a pack: it asks for the time of `manifest-sha256.txt`.
pub(super) const REQUEST: &str = "root.tsq";

/// Where the reply lies once it is attached.
pub const REPLY: &str = "root.tsr";

/// The algorithm that the imprint is made with, as RFC 5754 numbers it.
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// What a reply says of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The time at which the authority saw the digest.
    pub time: Timestamp,
    /// The rules by which the authority says so, as an object identifier.
    pub policy: String,
}

/// A signed message (RFC 5652, `SignedData`), as far as it is read here: who signed it is for `openssl`.
#[derive(Sequence)]
struct Signed {
    version: u8,
    digest_algorithms: Any,
    content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    certificates: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    revocations: Option<Any>,
    signers: Any,
}

/// What an authority signs (RFC 3161, `TSTInfo`), as far as it is read here. Of its time the letters are kept: authorities may write
/// fractions of a second.
#[derive(Sequence)]
struct Statement {
    version: TspVersion,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Int,
    time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<x509_tsp::Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<cms::cert::x509::ext::Extensions>,
}

/// The question for a manifest of this text. It holds no random number, so that a pack has the same one always: a reply is kept for
/// its digest, and an old reply to the same digest proves the same.
pub(super) fn request(manifest: &[u8]) -> Result<Vec<u8>, Error> {
    let encode = |failed: der::Error| Error::Encode { path: REQUEST.to_owned(), reason: failed.to_string() };
    let imprint = MessageImprint {
        hash_algorithm: AlgorithmIdentifier { oid: SHA_256, parameters: Some(Any::null()) },
        hashed_message: OctetString::new(Sha256::digest(manifest).to_vec()).map_err(encode)?,
    };
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: imprint,
        req_policy: None,
        nonce: None,
        // The reply then brings the certificate of its signer, without which nobody can check it in six years.
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(encode)
}

/// Puts the reply of an authority into an intact pack.
///
/// # Errors
/// [`Error::Stamp`] when the file is no reply to the question of this pack, [`Error::Files`] when something cannot be read or written,
/// or the pack has another reply already.
pub fn attach(folder: &Path, reply: &Path) -> Result<Stamp, Error> {
    let bytes = files::read(reply)?;
    let manifest = files::read(&folder.join(MANIFEST))?;
    let stamp = read(&bytes, &manifest)
        .map_err(|reason| Error::Stamp { path: reply.to_path_buf(), reason: reason.into_owned() })?;
    let place = folder.join(REPLY);
    if !place.is_file() || files::read(&place)? != bytes {
        files::refuse_existing(&place)?;
        files::write_atomic(&place, &bytes)?;
    }
    Ok(stamp)
}

/// What the reply inside a pack says, if it has one. Whether the authority is one to be trusted, only a list of known ones can say.
///
/// # Errors
/// As [`damage`]; what is no reply for the manifest is none.
pub fn stamp(folder: &Path) -> Result<Option<Stamp>, Error> {
    Ok(read_from(folder)?.and_then(Result::ok))
}

/// What is wrong with the reply inside a pack, if it has one and something is.
///
/// # Errors
/// [`Error::Files`] when a file cannot be read.
pub(super) fn damage(folder: &Path) -> Result<Option<Damage>, Error> {
    let reason = read_from(folder)?.and_then(Result::err);
    Ok(reason.map(|reason| Damage::Disagreement {
        path: REPLY.to_owned(),
        records: format!("it is no time stamp of `{MANIFEST}`: {reason}"),
    }))
}

/// Why a file is no reply.
type Reason = Cow<'static, str>;

fn read_from(folder: &Path) -> Result<Option<Result<Stamp, Reason>>, Error> {
    let path = folder.join(REPLY);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(read(&files::read(&path)?, &files::read(&folder.join(MANIFEST))?)))
}

/// What a reply says, if it is one and speaks of this manifest. Its signature is not checked: that needs the certificates of those
/// whom the reader trusts.
fn read(reply: &[u8], manifest: &[u8]) -> Result<Stamp, Reason> {
    let reply = TimeStampResp::from_der(reply)
        .map_err(|failed| format!("it is no reply of a time-stamp authority in DER ({failed})"))?;
    let refused = || Reason::from(format!("the authority gave no time stamp ({:?})", reply.status.status));
    let statement = statement(reply.time_stamp_token.as_ref().ok_or_else(refused)?)
        .map_err(|failed| format!("its token cannot be read ({failed})"))?;
    let imprint = statement.message_imprint;
    if imprint.hash_algorithm.oid != SHA_256 || imprint.hashed_message.as_bytes() != Sha256::digest(manifest).as_slice()
    {
        return Err("it is for other bytes; send `root.tsq` of this very pack to the authority".into());
    }
    let letters = std::str::from_utf8(statement.time.value()).unwrap_or_default();
    let time = time(letters).ok_or_else(|| format!("its time is written as {letters:?}"))?;
    Ok(Stamp { time, policy: statement.policy.to_string() })
}

fn statement(token: &ContentInfo) -> Result<Statement, der::Error> {
    let signed: Signed = token.content.decode_as()?;
    let content = signed.content.econtent.ok_or(der::ErrorKind::Failed)?;
    Statement::from_der(content.value())
}

/// `20261001120000.25Z`.
fn time(letters: &str) -> Option<Timestamp> {
    let letters = letters.strip_suffix('Z')?;
    let format = if letters.contains('.') { "%Y%m%d%H%M%S%.f" } else { "%Y%m%d%H%M%S" };
    Some(DateTime::strptime(format, letters).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_digest_in_the_form_of_the_standard() {
        let request = request(b"abc").unwrap();
        // RFC 3161, 2.4.1: version 1, SHA-256 and the digest, no policy, no nonce, certificates wanted.
        let expected = "3039020101303130 0d06096086480165030402010500 0420".replace(' ', "")
            + &crate::digest::sha256(b"abc")
            + "0101ff";
        let written: String = request.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_no_reply_is_refused_with_its_reason() {
        let told = |bytes: &[u8]| read(bytes, b"abc").unwrap_err().into_owned();
        assert!(told(b"").contains("no reply"), "{}", told(b""));
        assert!(told(b"<html>").contains("no reply"));
        // `PKIStatusInfo` with the status `rejection` and nothing else.
        assert!(told(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02]).contains("gave no time stamp"));
    }

    #[test]
    fn times_are_read_with_and_without_fractions() {
        assert_eq!(time("20261001120000Z").unwrap().to_string(), "2026-10-01T12:00:00Z");
        assert_eq!(time("20261001120000.25Z").unwrap().to_string(), "2026-10-01T12:00:00.25Z");
        for wrong in ["", "Z", "20261001120000", "20261301120000Z", "2026-10-01T12:00:00Z", "20261001120000.Z"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
