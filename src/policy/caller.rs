//! Who makes a request, and which entries of a policy name that caller.

use super::principal::Principal;

/// The principal that makes a request. Built once, used for any number of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What sort of principal it is.
    pub kind: CallerKind,
    /// The ARN that the request is signed with, or the name of a service.
    pub arn: String,
    /// The account, twelve digits; `None` for services and anonymous callers.
    pub account: Option<String>,
    /// Role sessions: the ARN of the role with its path. Federated sessions: the ARN of the IAM or root user who made
    /// them.
    pub source_arn: Option<String>,
    /// Role sessions: whether the path in `source_arn` is known. A session ARN carries none, but the name of a role is
    /// unique in its account (semantics P-4).
    pub path_is_known: bool,
    /// `AIDA…` or `AROA…`.
    pub unique_id: Option<String>,
}

/// Sorts of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerKind {
    /// An IAM user.
    User,
    /// A session of a role.
    Role,
    /// A session of `GetFederationToken`.
    FederatedUser,
    /// The root user of an account.
    Root,
    /// A service principal.
    Service,
    /// The identity that an OIDC or SAML provider vouches for; named in trust policies only. Its ARN is the provider's.
    IdentityProvider,
    /// A request without signature.
    Anonymous,
}

impl Caller {
    /// A caller of the kind with that ARN or name; the account is read from the ARN.
    #[must_use]
    pub fn new(kind: CallerKind, arn: &str) -> Self {
        let account = arn_field(arn, 4).filter(|account| account.len() == 12).map(ToOwned::to_owned);
        let mut caller =
            Self { kind, arn: arn.to_owned(), account, source_arn: None, path_is_known: false, unique_id: None };
        if kind == CallerKind::Role {
            caller.source_arn = role_of_session(arn);
        }
        caller
    }

    /// A session of a role whose ARN with its path is known.
    #[must_use]
    pub fn session(arn: &str, role_arn: &str) -> Self {
        // Which role it is need not be read from the session.
        Self { kind: CallerKind::Role, ..Self::new(CallerKind::User, arn).of(role_arn) }
    }

    /// The same caller, with the role (path included) of a role session or the user of a federated session.
    #[must_use]
    pub fn of(mut self, source_arn: &str) -> Self {
        self.source_arn = Some(source_arn.to_owned());
        self.path_is_known = true;
        self
    }

    /// `aws:PrincipalArn`: of a role session the role, never the session.
    #[must_use]
    pub fn principal_arn(&self) -> Option<&str> {
        match self.kind {
            CallerKind::Role => self.source_arn.as_deref(),
            CallerKind::User | CallerKind::FederatedUser | CallerKind::Root => Some(&self.arn),
            CallerKind::Service | CallerKind::IdentityProvider | CallerKind::Anonymous => None,
        }
    }

    /// `aws:username`, which only IAM users have.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        if self.kind != CallerKind::User {
            return None;
        }
        self.arn.rsplit_once('/').map(|(_, name)| name)
    }

    /// Whether it is a session that the root user federated: it starts from everything in the account and is limited by
    /// its session policies alone (semantics S-7).
    #[must_use]
    pub fn is_federated_by_root(&self) -> bool {
        self.kind == CallerKind::FederatedUser
            && self.source_arn.as_deref().and_then(|arn| arn_field(arn, 5)) == Some("root")
    }

    /// Whether it is a session of a service-linked role, which organization policies do not limit.
    #[must_use]
    pub fn is_service_linked_role(&self) -> bool {
        let arn = self.source_arn.as_deref().filter(|_| self.kind == CallerKind::Role);
        arn.and_then(|arn| arn_field(arn, 5)).is_some_and(|name| name.starts_with("role/aws-service-role/"))
    }

    /// How an entry of a `Principal` element, or the grantee of a grant, names this caller (semantics 1.5).
    #[must_use]
    pub fn named_by(&self, entry: &Principal) -> Option<Naming> {
        match entry {
            Principal::Everyone => Some(Naming::Star),
            Principal::Account { account, partition } => {
                let same = self.account.as_ref() == Some(account)
                    && partition.as_deref().is_none_or(|partition| arn_field(&self.arn, 1) == Some(partition));
                same.then_some(if self.kind == CallerKind::Root { Naming::Direct } else { Naming::Account })
            }
            Principal::User(user) => match self.kind {
                CallerKind::User if self.arn == user.arn => Some(Naming::Direct),
                CallerKind::FederatedUser if self.source_arn.as_ref() == Some(&user.arn) => {
                    Some(Naming::FederatingUser)
                }
                _ => None,
            },
            Principal::Role(role) => {
                let same = self.kind == CallerKind::Role
                    && self.source_arn.as_ref().is_some_and(|source| match self.path_is_known {
                        true => *source == role.arn,
                        false => same_role_name(source, &role.arn),
                    });
                same.then_some(Naming::Role)
            }
            Principal::Session(session) => {
                (self.kind == CallerKind::Role && self.arn == session.arn).then_some(Naming::Session)
            }
            Principal::FederatedUser(session) => {
                (self.kind == CallerKind::FederatedUser && self.arn == session.arn).then_some(Naming::Session)
            }
            Principal::UniqueId(id) => (self.bare_unique_id()? == id).then_some(match self.kind {
                CallerKind::Role => Naming::Role,
                CallerKind::FederatedUser => Naming::FederatingUser,
                _ => Naming::Direct,
            }),
            Principal::Service(service) => {
                (self.kind == CallerKind::Service && self.arn == *service).then_some(Naming::Direct)
            }
            Principal::Federated(provider) => {
                (self.kind == CallerKind::IdentityProvider && self.arn == *provider).then_some(Naming::Direct)
            }
            Principal::CanonicalUser(_) | Principal::Nobody(_) => None,
        }
    }

    /// The unique id without the session name that follows it in `aws:userid`.
    fn bare_unique_id(&self) -> Option<&str> {
        self.unique_id.as_deref().map(|id| id.split_once(':').map_or(id, |(id, _)| id))
    }
}

/// How a policy names a caller. The way decides what else limits the access (semantics 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// By `*`.
    Star,
    /// The user, the service, or the account of a root user.
    Direct,
    /// This very session.
    Session,
    /// The role of the session.
    Role,
    /// The user who made the federated session.
    FederatingUser,
    /// The account of a principal other than its root user: it delegates to identity policies.
    Account,
}

impl Naming {
    /// Every way, in the order in which paths are tried.
    pub const ALL: [Self; 6] =
        [Self::Star, Self::Direct, Self::Session, Self::Role, Self::FederatingUser, Self::Account];
}

/// Field `index` of an ARN, the partition being 1; field 5 is the rest of the text. Every decision asks for several.
pub(super) fn arn_field(arn: &str, index: usize) -> Option<&str> {
    let mut rest = arn.strip_prefix("arn:").filter(|_| index > 0)?;
    for _ in 1..index {
        let colon = rest.bytes().position(|byte| byte == b':')?;
        rest = rest.get(colon + 1..)?;
    }
    if index >= 5 {
        return Some(rest);
    }
    rest.get(..rest.bytes().position(|byte| byte == b':')?)
}

/// The role of a session as if it had no path; a role ARN stands for itself.
fn role_of_session(arn: &str) -> Option<String> {
    let rest = arn_field(arn, 5)?;
    if rest.starts_with("role/") {
        return Some(arn.to_owned());
    }
    let (name, _) = rest.strip_prefix("assumed-role/")?.split_once('/')?;
    Some(format!("arn:{}:iam::{}:role/{name}", arn_field(arn, 1)?, arn_field(arn, 4)?))
}

/// Whether two role ARNs differ at most by the path.
fn same_role_name(a: &str, b: &str) -> bool {
    let without_path = |arn: &'_ str| {
        let (account, name) = arn.split_once(":role/")?;
        Some((account.to_owned(), name.rsplit('/').next()?.to_owned()))
    };
    without_path(a).is_some_and(|a| without_path(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(value: &str) -> Principal {
        Principal::aws(value.to_owned())
    }

    fn session() -> Caller {
        Caller::new(CallerKind::Role, "arn:aws:sts::111122223333:assumed-role/App/s1")
    }

    #[test]
    fn a_session_is_named_by_itself_its_role_and_its_account() {
        let session = session();
        assert_eq!(session.named_by(&aws("arn:aws:sts::111122223333:assumed-role/App/s1")), Some(Naming::Session));
        assert_eq!(session.named_by(&aws("arn:aws:iam::111122223333:role/App")), Some(Naming::Role));
        assert_eq!(session.named_by(&aws("111122223333")), Some(Naming::Account));
        assert_eq!(session.named_by(&aws("arn:aws:sts::111122223333:assumed-role/App/s2")), None);
        assert_eq!(session.named_by(&aws("arn:aws:iam::444455556666:role/App")), None);
        assert_eq!(session.named_by(&aws("arn:aws-cn:iam::111122223333:root")), None);
    }

    #[test]
    fn the_path_of_a_role_counts_once_it_is_known() {
        let with_path = aws("arn:aws:iam::111122223333:role/team/App");
        assert_eq!(session().named_by(&with_path), Some(Naming::Role));
        assert_eq!(session().of("arn:aws:iam::111122223333:role/App").named_by(&with_path), None);
        assert_eq!(session().of("arn:aws:iam::111122223333:role/team/App").named_by(&with_path), Some(Naming::Role));
    }

    #[test]
    fn principal_arn_of_a_session_is_the_role() {
        assert_eq!(session().principal_arn(), Some("arn:aws:iam::111122223333:role/App"));
        assert!(!session().is_service_linked_role());
        assert!(session().of("arn:aws:iam::111122223333:role/aws-service-role/x/App").is_service_linked_role());
    }

    #[test]
    fn the_root_user_is_named_by_its_account() {
        let root = Caller::new(CallerKind::Root, "arn:aws:iam::111122223333:root");
        assert_eq!(root.named_by(&aws("111122223333")), Some(Naming::Direct));
    }

    #[test]
    fn a_unique_id_names_only_its_owner() {
        let mut session = session();
        assert_eq!(session.named_by(&aws("AROAEXAMPLEEXAMPLE123")), None);
        session.unique_id = Some("AROAEXAMPLEEXAMPLE123:s1".to_owned());
        assert_eq!(session.named_by(&aws("AROAEXAMPLEEXAMPLE123")), Some(Naming::Role));
    }

    #[test]
    fn only_users_have_a_user_name() {
        let alice = Caller::new(CallerKind::User, "arn:aws:iam::111122223333:user/team/Alice");
        assert_eq!((alice.user_name(), session().user_name()), (Some("Alice"), None));
    }
}
