//! The words in which the demo describes users, groups, roles and customer managed policies.

use serde_json::Value;

use super::documents::Document;

/// What a principal holds: attached policies, inline policies, a boundary, tags.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// Attached policies by name with path: `ClaimsReader`, `team/ClaimsReader`, `aws/AdministratorAccess`.
    pub(super) attached: Vec<String>,
    /// Inline policies: name, document.
    pub(super) inline: Vec<(String, Document)>,
    /// Name of the boundary policy.
    pub(super) boundary: Option<String>,
    /// Tags.
    pub(super) tags: Vec<(String, String)>,
}

/// Gives a principal the words for what it holds.
macro_rules! holds {
    ($($name:ident),*) => {$(
        impl $name {
            /// Attaches a managed policy: `ClaimsReader`, or `aws/AdministratorAccess`.
            pub(super) fn attach(mut self, policy: impl Into<String>) -> Self {
                self.held.attached.push(policy.into());
                self
            }

            /// Embeds a policy.
            pub(super) fn inline(mut self, name: impl Into<String>, document: impl Into<Document>) -> Self {
                self.held.inline.push((name.into(), document.into()));
                self
            }
        }
    )*};
}

/// Gives a principal the words for what groups cannot have.
macro_rules! bounded {
    ($($name:ident),*) => {$(
        impl $name {
            /// Sets the permissions boundary.
            pub(super) fn boundary(mut self, policy: impl Into<String>) -> Self {
                self.held.boundary = Some(policy.into());
                self
            }

            /// Adds a tag.
            pub(super) fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.held.tags.push((key.into(), value.into()));
                self
            }
        }
    )*};
}

holds!(User, Group, Role);
bounded!(User, Role);

/// An MFA device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mfa {
    /// An app.
    Virtual,
    /// A security key.
    Fido,
}

/// A password for the console.
#[derive(Debug, Clone)]
pub(super) struct Console {
    /// Day of the last change.
    pub(super) changed: String,
    /// Day of the last sign-in, if there was one.
    pub(super) used: Option<String>,
}

/// An access key.
#[derive(Debug, Clone)]
pub(super) struct AccessKey {
    /// Day of creation.
    pub(super) created: String,
    /// Whether it can be used.
    pub(super) active: bool,
    /// Day, service and Region of the last use, if there was one.
    pub(super) used: Option<(String, String, String)>,
}

impl AccessKey {
    /// An active key that was never used.
    pub(super) fn active(created: impl Into<String>) -> Self {
        Self { created: created.into(), active: true, used: None }
    }

    /// An inactive key.
    pub(super) fn inactive(created: impl Into<String>) -> Self {
        Self { active: false, ..Self::active(created) }
    }

    /// The last use.
    pub(super) fn used(mut self, day: &str, service: &str, region: &str) -> Self {
        self.used = Some((day.to_owned(), service.to_owned(), region.to_owned()));
        self
    }
}

/// A credential for one service, such as CodeCommit.
#[derive(Debug, Clone)]
pub(super) struct ServiceCredential {
    /// Service, as `codecommit.amazonaws.com`.
    pub(super) service: String,
    /// Day of creation.
    pub(super) created: String,
    /// Whether it can be used.
    pub(super) active: bool,
}

/// An IAM user.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) created: String,
    pub(super) console: Option<Console>,
    pub(super) mfa: Option<Mfa>,
    pub(super) keys: Vec<AccessKey>,
    pub(super) service_credentials: Vec<ServiceCredential>,
    /// Day on which an X.509 signing certificate was uploaded, if there is one; it is active.
    pub(super) signing_certificate: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) held: Held,
}

impl User {
    /// A user without credentials.
    pub(super) fn new(name: impl Into<String>, created: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            created: created.into(),
            console: None,
            mfa: None,
            keys: Vec::new(),
            service_credentials: Vec::new(),
            signing_certificate: None,
            groups: Vec::new(),
            held: Held::default(),
        }
    }

    /// A password, changed and last used on these days; an empty `used` means never.
    pub(super) fn console(mut self, changed: &str, used: &str) -> Self {
        let used = (!used.is_empty()).then(|| used.to_owned());
        self.console = Some(Console { changed: changed.to_owned(), used });
        self
    }

    /// An MFA device.
    pub(super) fn mfa(mut self, device: Mfa) -> Self {
        self.mfa = Some(device);
        self
    }

    /// An access key; IAM allows two.
    pub(super) fn key(mut self, key: AccessKey) -> Self {
        self.keys.push(key);
        self
    }

    /// A credential for one service.
    pub(super) fn service_credential(mut self, service: &str, created: &str, active: bool) -> Self {
        let (service, created) = (service.to_owned(), created.to_owned());
        self.service_credentials.push(ServiceCredential { service, created, active });
        self
    }

    /// An active X.509 signing certificate.
    pub(super) fn signing_certificate(mut self, day: &str) -> Self {
        self.signing_certificate = Some(day.to_owned());
        self
    }

    /// Membership of a group.
    pub(super) fn member_of(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }
}

/// An IAM group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) created: String,
    pub(super) held: Held,
}

impl Group {
    /// A group.
    pub(super) fn new(name: impl Into<String>, created: impl Into<String>) -> Self {
        Self { name: name.into(), path: "/".to_owned(), created: created.into(), held: Held::default() }
    }
}

/// An IAM role.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) created: String,
    pub(super) trust: Document,
    /// Day and Region of the last use, if there was one in the tracking period.
    pub(super) used: Option<(String, String)>,
    /// Whether it has an instance profile of the same name.
    pub(super) instance_profile: bool,
    pub(super) held: Held,
}

impl Role {
    /// A role that was not used.
    pub(super) fn new(name: impl Into<String>, created: impl Into<String>, trust: impl Into<Document>) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            created: created.into(),
            trust: trust.into(),
            used: None,
            instance_profile: false,
            held: Held::default(),
        }
    }

    /// Puts it below a path: `/aws-service-role/kms.amazonaws.com/`.
    pub(super) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The last use.
    pub(super) fn used(mut self, day: &str, region: &str) -> Self {
        self.used = Some((day.to_owned(), region.to_owned()));
        self
    }

    /// Gives it an instance profile.
    pub(super) fn instance_profile(mut self) -> Self {
        self.instance_profile = true;
        self
    }
}

/// A customer managed policy.
#[derive(Debug, Clone)]
pub(super) struct ManagedPolicy {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) created: String,
    pub(super) description: String,
    /// Versions from the oldest: day, document.
    pub(super) versions: Vec<(String, Document)>,
    /// Place of the default version among them.
    pub(super) default: usize,
}

impl ManagedPolicy {
    /// A policy with one version. `name` may have a path: `team/ClaimsReader`.
    pub(super) fn new(name: impl Into<String>, created: impl Into<String>, document: impl Into<Document>) -> Self {
        let (name, created) = (name.into(), created.into());
        let (path, name) = match name.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name.to_owned()),
            None => ("/".to_owned(), name),
        };
        let versions = vec![(created.clone(), document.into())];
        Self { name, path, created, description: String::new(), versions, default: 0 }
    }

    /// The description.
    pub(super) fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// A later version that becomes the default.
    pub(super) fn revised(mut self, day: &str, document: impl Into<Document>) -> Self {
        self = self.drafted(day, document);
        self.default = self.versions.len() - 1;
        self
    }

    /// A later version that does not become the default: it grants nothing.
    pub(super) fn drafted(mut self, day: &str, document: impl Into<Document>) -> Self {
        self.versions.push((day.to_owned(), document.into()));
        self
    }

    /// Name with its path, by which it is attached.
    pub(super) fn reference(&self) -> String {
        format!("{}{}", self.path.trim_start_matches('/'), self.name)
    }
}

/// A policy document made of statements.
impl From<Vec<Value>> for Document {
    fn from(statements: Vec<Value>) -> Self {
        super::policies::policy(Value::Array(statements)).into()
    }
}
