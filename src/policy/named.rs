//! What `Principal` and `NotPrincipal` of a resource policy say about one caller.

use super::caller::{Caller, CallerKind, Naming};
use super::doubt::Doubt;
use super::principal::{Principal, PrincipalElement};
use super::statement::Answer;

/// The ways in which one element names a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Namings(u8);

impl Namings {
    pub(super) fn contains(self, naming: Naming) -> bool {
        self.0 & (1 << naming as u8) != 0
    }

    fn add(&mut self, naming: Naming) {
        self.0 |= 1 << naming as u8;
    }
}

/// How an Allow names the caller, and how certain that is. `NotPrincipal` with Allow is unsupported today, but KMS may
/// hold old ones: everyone who is not listed (semantics P-10).
pub(super) fn allowed(element: &PrincipalElement, caller: &Caller) -> (Namings, Answer) {
    let mut namings = Namings::default();
    if !element.negated {
        for naming in element.entries.iter().filter_map(|entry| caller.named_by(entry)) {
            namings.add(naming);
        }
        return (namings, Answer::YES);
    }
    if element.entries.is_empty() {
        return (namings, Answer::NO);
    }
    namings.add(Naming::Star);
    let chain = Chain::of(&element.entries, caller);
    let answer = match (chain.itself && chain.rest, chain.itself || chain.source || chain.account) {
        (true, _) => Answer::NO,
        (false, true) => Answer::unsure(Doubt::NotPrincipalChain),
        (false, false) => Answer::YES,
    };
    (namings, answer)
}

/// Whether a Deny speaks about the caller. `bounded`: the caller has a permissions boundary.
pub(super) fn denied(element: &PrincipalElement, caller: &Caller, bounded: bool) -> Answer {
    let names = |entry: &Principal| caller.named_by(entry).is_some();
    if !element.negated {
        return Answer::from(element.entries.iter().any(names));
    }
    if element.entries.is_empty() {
        return Answer::NO;
    }
    // Listed or not: the documentation warns of exactly this (semantics N-1).
    if bounded {
        return Answer::YES;
    }
    let chain = Chain::of(&element.entries, caller);
    if chain.itself && chain.rest {
        return Answer::NO;
    }
    let names_others = element.entries.iter().any(is_of_an_account);
    let is_partial = chain.itself || chain.source || (chain.account && !names_others);
    if is_partial { Answer::unsure(Doubt::NotPrincipalChain) } else { Answer::YES }
}

/// Whether the entry is one principal of an account, so that a list with it and the account is the documented one that
/// denies everybody else (semantics N-2). Next to a service the account stands alone (N-4).
fn is_of_an_account(entry: &Principal) -> bool {
    match entry {
        Principal::User(_)
        | Principal::Role(_)
        | Principal::Session(_)
        | Principal::FederatedUser(_)
        | Principal::UniqueId(_)
        | Principal::Nobody(_) => true,
        Principal::Everyone
        | Principal::Account { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::CanonicalUser(_) => false,
    }
}

/// Which parts of the caller's identity a `NotPrincipal` lists (semantics 4.10).
struct Chain {
    /// The user, session, root user or service itself.
    itself: bool,
    /// The role of a session, or the user of a federated session.
    source: bool,
    account: bool,
    /// Everything besides `itself` that the caller has.
    rest: bool,
}

impl Chain {
    fn of(entries: &[Principal], caller: &Caller) -> Self {
        let named = |wanted: &[Naming]| {
            entries.iter().filter_map(|entry| caller.named_by(entry)).any(|naming| wanted.contains(&naming))
        };
        let everyone = named(&[Naming::Star]);
        let source = everyone || named(&[Naming::Role, Naming::FederatingUser]);
        let account = everyone || named(&[Naming::Account]);
        let itself = everyone || named(&[Naming::Direct, Naming::Session]);
        let rest = match caller.kind {
            CallerKind::User => account,
            CallerKind::Role => source && account,
            // The account stands for the root user who made a session.
            CallerKind::FederatedUser => {
                account && (source || caller.source_arn.is_none() || caller.is_federated_by_root())
            }
            CallerKind::Root | CallerKind::Service | CallerKind::IdentityProvider | CallerKind::Anonymous => true,
        };
        Self { itself, source, account, rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Match;

    const ACCOUNT: &str = "arn:aws:iam::111122223333:root";
    const ROLE: &str = "arn:aws:iam::111122223333:role/App";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/App/s1";

    fn not(entries: &[&str]) -> PrincipalElement {
        PrincipalElement {
            negated: true,
            entries: entries.iter().map(|entry| Principal::aws((*entry).to_owned())).collect(),
        }
    }

    fn session() -> Caller {
        Caller::new(CallerKind::Role, SESSION).of(ROLE)
    }

    #[test]
    fn not_principal_exempts_only_the_whole_chain() {
        let denies = |entries: &[&str]| denied(&not(entries), &session(), false).holds;
        assert_eq!(denies(&[SESSION, ROLE, ACCOUNT]), Match::No);
        assert_eq!(denies(&[ROLE, ACCOUNT]), Match::Unsure);
        assert_eq!(denies(&[SESSION]), Match::Unsure);
        assert_eq!(denies(&[ACCOUNT]), Match::Unsure);
        assert_eq!(denies(&["arn:aws:iam::111122223333:role/Other", ACCOUNT]), Match::Yes);
        assert_eq!(denies(&["arn:aws:iam::444455556666:root"]), Match::Yes);
        assert_eq!(denies(&["*"]), Match::No);
        assert_eq!(denies(&[]), Match::No);
    }

    #[test]
    fn not_principal_denies_whoever_has_a_boundary() {
        assert_eq!(denied(&not(&[SESSION, ROLE, ACCOUNT]), &session(), true).holds, Match::Yes);
    }

    #[test]
    fn a_root_user_is_exempt_with_its_account_and_a_service_by_its_name() {
        let root = Caller::new(CallerKind::Root, ACCOUNT);
        assert_eq!(denied(&not(&[ACCOUNT]), &root, false).holds, Match::No);
        let service = Caller::new(CallerKind::Service, "logs.amazonaws.com");
        assert_eq!(denied(&not(&[ACCOUNT]), &service, false).holds, Match::Yes);
        let entries = vec![Principal::Service("logs.amazonaws.com".to_owned())];
        assert_eq!(denied(&PrincipalElement { negated: true, entries }, &service, false).holds, Match::No);
    }

    #[test]
    fn an_old_allow_for_everyone_but_some_names_the_others_by_star() {
        let (namings, answer) = allowed(&not(&["arn:aws:iam::111122223333:user/Bob"]), &session());
        assert!(namings.contains(Naming::Star) && answer == Answer::YES);
        assert_eq!(allowed(&not(&[SESSION, ROLE, ACCOUNT]), &session()).1, Answer::NO);
        assert_eq!(allowed(&not(&[ACCOUNT]), &session()).1.holds, Match::Unsure);
    }
}
