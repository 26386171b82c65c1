//! What a name on the command line means: a key, a principal, an account, an organizational unit.

use std::borrow::Cow;

use crate::access::{Directory, Key, Principal};
use crate::commands::nearest::nearest;

/// The key of an ARN, an id, an alias ARN or an alias name.
pub(super) fn key<'a>(directory: &'a Directory, name: &str) -> anyhow::Result<&'a Key> {
    let of_alias = |key: &Key| {
        let prefix = key.arn.split_once(":key/").map_or("", |(prefix, _)| prefix);
        key.aliases.iter().any(|alias| alias == name || format!("{prefix}:{alias}") == name)
    };
    let found: Vec<&Key> = directory.keys().filter(|key| key.arn == name || key.id == name || of_alias(key)).collect();
    match found.as_slice() {
        [key] => Ok(key),
        [] => {
            let names = directory.keys().flat_map(|key| {
                [key.arn.as_str(), key.id.as_str()].into_iter().chain(key.aliases.iter().map(String::as_str))
            });
            let near = nearest(name, names);
            Err(match near {
                Some(near) => anyhow::anyhow!("the snapshot has no key `{name}`; did you mean `{near}`?"),
                None => anyhow::anyhow!(
                    "the snapshot has no key `{name}`: expected the ARN or id of a key, or the ARN or name of an alias (`alias/…`)"
                ),
            })
        }
        several => {
            let list: Vec<&str> = several.iter().map(|key| key.arn.as_str()).collect();
            Err(anyhow::anyhow!("`{name}` names {} keys; give the ARN of one:\n  {}", several.len(), list.join("\n  ")))
        }
    }
}

/// The principal of an ARN or of the name of a service: one that was read, or one that a policy names.
pub(super) fn principal<'a>(directory: &'a Directory, name: &str) -> anyhow::Result<Cow<'a, Principal>> {
    if let Some(found) = directory.principals().find(|principal| principal.arn == name) {
        return Ok(Cow::Borrowed(found));
    }
    let named = directory.keys().flat_map(|key| directory.candidates(key)).find(|principal| principal.arn == name);
    if let Some(found) = named {
        return Ok(found);
    }
    let near = nearest(name, directory.principals().map(|principal| principal.arn.as_str()));
    Err(match near {
        Some(near) => anyhow::anyhow!("the snapshot has no principal `{name}`; did you mean `{near}`?"),
        None => anyhow::anyhow!(
            "the snapshot has no principal `{name}`: expected the ARN of a user or role, `arn:…:iam::ACCOUNT:root`, or the name of an AWS service that a key policy names"
        ),
    })
}

/// Refuses accounts that were not read.
pub(super) fn accounts(directory: &Directory, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        anyhow::ensure!(
            directory.accounts().any(|account| account.id == *id),
            "the snapshot has no keys of account `{id}`: it is not in the snapshot, or was not read"
        );
    }
    Ok(())
}

/// Refuses paths below which no account lies.
pub(super) fn units(directory: &Directory, paths: &[String]) -> anyhow::Result<()> {
    for path in paths {
        let is_known = directory
            .accounts()
            .any(|account| account.ou_path == *path || account.ou_path.starts_with(&format!("{path}/")));
        if !is_known {
            let near = nearest(path, directory.accounts().map(|account| account.ou_path.as_str()));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            anyhow::bail!("no account that was read lies below `{path}`{hint}");
        }
    }
    Ok(())
}

/// A tag on the command line.
pub(super) fn tag(text: &str) -> anyhow::Result<(&str, &str)> {
    text.split_once('=').ok_or_else(|| anyhow::anyhow!("`{text}` is no tag: expected KEY=VALUE"))
}
