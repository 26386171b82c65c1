//! How condition keys of one request depend on each other (the domain constraints of semantics 3.5, as far as two tested
//! keys show them). A rule about a key that no test looks at says nothing.

use super::contexts::{Contexts, Domain};
use super::diagram::Function;
use super::{Budget, Exhausted};

const CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";
const CONTEXT: &str = "kms:encryptioncontext:";

/// Where the first key is present the second is `true`, or is not.
const IMPLIED_FLAGS: [(&str, &str, bool); 2] = [
    ("aws:multifactorauthage", "aws:multifactorauthpresent", true),
    ("kms:viaservice", "aws:principalisawsservice", false),
];

/// Keys that are present together, and keys of which at most one is present: a request comes through a VPC endpoint, or it
/// comes from an address.
const TOGETHER: [&str; 2] = ["aws:sourcevpc", "aws:sourcevpce"];
const APART: [(&str, &str); 2] = [("aws:sourcevpc", "aws:sourceip"), ("aws:sourcevpce", "aws:sourceip")];

/// Values of a key, given in lower case, that a rule tells from all others. `written` are all tested keys as written.
pub(super) fn told_by_rules<'k>(key: &str, written: impl Iterator<Item = &'k str>) -> Vec<String> {
    let is_flag = |flag: &str| IMPLIED_FLAGS.iter().any(|(_, implied, _)| *implied == flag);
    match key {
        CONTEXT_KEYS => {
            let is_pair =
                |key: &&str| key.get(..CONTEXT.len()).is_some_and(|start| start.eq_ignore_ascii_case(CONTEXT));
            written.filter(is_pair).filter_map(|key| key.get(CONTEXT.len()..)).map(str::to_owned).collect()
        }
        "kms:grantisforawsresource" => vec!["true".to_owned()],
        _ if is_flag(key) => vec!["true".to_owned()],
        _ => vec![],
    }
}

impl Contexts {
    /// When a request keeps the rules.
    pub(super) fn rules(&mut self, budget: &mut Budget) -> Result<Function, Exhausted> {
        let mut broken = Vec::new();
        for (key, flag, is_set) in IMPLIED_FLAGS {
            if let (Some(present), Some(set)) = (self.present(key, budget)?, self.holds_value(flag, "true", budget)?) {
                broken.push(match is_set {
                    true => self.diagram.minus(present, set, budget)?,
                    false => self.diagram.and(present, set, budget)?,
                });
            }
        }
        for (one, other) in APART {
            if let (Some(one), Some(other)) = (self.present(one, budget)?, self.present(other, budget)?) {
                broken.push(self.diagram.and(one, other, budget)?);
            }
        }
        if let (Some(one), Some(other)) = (self.present(TOGETHER[0], budget)?, self.present(TOGETHER[1], budget)?) {
            broken.push(self.diagram.minus(one, other, budget)?);
            broken.push(self.diagram.minus(other, one, budget)?);
        }
        // A grant is for a resource of AWS only where a service asks, for a principal or by itself.
        if let (Some(grant), Some(via), Some(service)) = (
            self.holds_value("kms:grantisforawsresource", "true", budget)?,
            self.present("kms:viaservice", budget)?,
            self.holds_value("aws:principalisawsservice", "true", budget)?,
        ) {
            let asked = self.diagram.or(via, service, budget)?;
            broken.push(self.diagram.minus(grant, asked, budget)?);
        }
        let pairs: Vec<String> = self.keys.keys().filter(|key| key.starts_with(CONTEXT)).cloned().collect();
        for pair in pairs {
            let name = pair.get(CONTEXT.len()..).unwrap_or_default();
            if let (Some(present), Some(listed)) =
                (self.present(&pair, budget)?, self.holds_value(CONTEXT_KEYS, name, budget)?)
            {
                broken.push(self.diagram.minus(present, listed, budget)?);
                broken.push(self.diagram.minus(listed, present, budget)?);
            }
        }
        let mut kept = Function::TRUE;
        for broken in broken {
            kept = self.diagram.minus(kept, broken, budget)?;
        }
        Ok(kept)
    }

    /// When a key is present; `None` when nothing looks at it.
    fn present(&mut self, key: &str, budget: &mut Budget) -> Result<Option<Function>, Exhausted> {
        if !self.knows(key) {
            return Ok(None);
        }
        let absent = self.absent(key, budget)?;
        self.diagram.not(absent, budget).map(Some)
    }

    /// When a key holds a value in any letter case, alone or among others; `None` when nothing looks at the key.
    fn holds_value(&mut self, key: &str, wanted: &str, budget: &mut Budget) -> Result<Option<Function>, Exhausted> {
        match self.keys.get(key).map(|key| &key.domain) {
            None => Ok(None),
            Some(Domain::Single { variable, values, .. }) => {
                let is_wanted = |value: usize| {
                    values.get(value).and_then(Option::as_ref).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
                };
                self.diagram.test(*variable, is_wanted, budget).map(Some)
            }
            Some(Domain::Set { elements }) => {
                let wanted = elements.iter().filter(|(_, value)| value.eq_ignore_ascii_case(wanted));
                let variables: Vec<_> = wanted.map(|(variable, _)| *variable).collect();
                let mut any = Function::FALSE;
                for variable in variables {
                    let inside = self.diagram.test(variable, |value| value == 1, budget)?;
                    any = self.diagram.or(any, inside, budget)?;
                }
                Ok(Some(any))
            }
        }
    }
}
