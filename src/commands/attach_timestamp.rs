//! `keyproof attach-timestamp`: the reply of a time-stamp authority becomes a part of its pack.

use anyhow::bail;

use super::console::{Console, harmless_lines};
use super::{Exit, print};
use crate::cli::AttachTimestampArgs;
use crate::report;

pub(super) fn run(args: &AttachTimestampArgs, console: &Console) -> anyhow::Result<Exit> {
    let AttachTimestampArgs { pack, reply } = args;
    let damage = report::verify(pack)?;
    if !damage.is_empty() {
        damage.iter().for_each(|place| console.warn(&place.to_string()));
        bail!("the pack at `{}` is damaged; nobody should vouch for the time of it", pack.display());
    }
    let stamp = report::attach(pack, reply)?;
    console.note(
        "The reply is for this pack. Whether its authority is one that you trust, `openssl ts -verify` tells (see VERIFY.txt).",
    );
    let place = pack.join(report::REPLY);
    print(
        harmless_lines(&format!("Stamped  {}\nPolicy   {}\nFile     {}\n", stamp.time, stamp.policy, place.display()))
            .as_bytes(),
    )
}
