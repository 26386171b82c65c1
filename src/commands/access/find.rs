//! What a name on the command line means: a key, a principal, an account, an organizational unit.

use std::borrow::Cow;

use crate::access::{Directory, Key, Principal};
use crate::commands::console::Console;
use crate::commands::misuse::misuse;
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
                Some(near) => misuse(format!("the snapshot has no key `{name}`; did you mean `{near}`?")),
                None => misuse(format!(
                    "the snapshot has no key `{name}`: expected the ARN or id of a key, or the ARN or name of an alias (`alias/…`)"
                )),
            })
        }
        several => {
            let list: Vec<&str> = several.iter().map(|key| key.arn.as_str()).collect();
            Err(misuse(format!("`{name}` names {} keys; give the ARN of one:\n  {}", several.len(), list.join("\n  "))))
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
    if let Some(provider) = directory.identity_provider(name) {
        return Ok(Cow::Owned(provider));
    }
    let near = nearest(name, directory.principals().map(|principal| principal.arn.as_str()));
    Err(match near {
        Some(near) => misuse(format!("the snapshot has no principal `{name}`; did you mean `{near}`?")),
        None => misuse(format!(
            "the snapshot has no principal `{name}`: expected the ARN of a user or role, `arn:…:iam::ACCOUNT:root`, the name of an AWS service that a key policy names, or an identity provider that a trust policy names"
        )),
    })
}

/// Refuses accounts that were not read.
pub(super) fn accounts(directory: &Directory, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        if directory.accounts().all(|account| account.id != *id) {
            let hint = hint(id, directory.accounts().map(|account| account.id.as_str()));
            return Err(misuse(format!(
                "the snapshot has no keys of account `{id}`: it is not in the snapshot, or was not read{hint}"
            )));
        }
    }
    Ok(())
}

/// The nearest name, as the end of a sentence.
fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Refuses aliases that no key has.
pub(super) fn aliases(directory: &Directory, names: &[String]) -> anyhow::Result<()> {
    for name in names {
        let known = || directory.keys().flat_map(|key| &key.aliases).map(String::as_str);
        if !known().any(|it| it == name) {
            return Err(misuse(format!("no key of the snapshot has the alias `{name}`{}", hint(name, known()))));
        }
    }
    Ok(())
}

/// The tags of a command line. Refuses those that no key has; where tags of keys were not read, that is a warning.
pub(super) fn tags<'a>(
    directory: &Directory,
    texts: &'a [String],
    console: &Console,
) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
    let tags: Vec<(&str, &str)> = texts.iter().map(|text| tag(text)).collect::<anyhow::Result<_>>()?;
    for (text, tag) in texts.iter().zip(&tags) {
        let known = || directory.keys().filter_map(|key| key.tags.as_ref()).flatten();
        if known().any(|(name, value)| (name.as_str(), value.as_str()) == *tag) {
            continue;
        }
        let names: Vec<String> = known().map(|(name, value)| format!("{name}={value}")).collect();
        let hint = hint(text, names.iter().map(String::as_str));
        let is_whole = directory.keys().all(|key| key.tags.is_some());
        if is_whole {
            return Err(misuse(format!("no key of the snapshot has the tag `{text}`{hint}")));
        }
        console.warn(&format!("no key whose tags were read has the tag `{text}`{hint}"));
    }
    Ok(tags)
}

/// Refuses paths below which no account lies.
pub(super) fn units(directory: &Directory, paths: &[String]) -> anyhow::Result<()> {
    for path in paths {
        let is_known = directory
            .accounts()
            .any(|account| account.ou_path == *path || account.ou_path.starts_with(&format!("{path}/")));
        if !is_known {
            let paths = directory.accounts().flat_map(|account| above(&account.ou_path));
            return Err(misuse(format!("no account that was read lies below `{path}`{}", hint(path, paths))));
        }
    }
    Ok(())
}

/// A path and every path above it.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at)).chain([path])
}

/// A tag on the command line.
fn tag(text: &str) -> anyhow::Result<(&str, &str)> {
    text.split_once('=').ok_or_else(|| misuse(format!("`{text}` is no tag: expected KEY=VALUE")))
}
