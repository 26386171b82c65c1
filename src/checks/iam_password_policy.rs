//! Accounts whose password policy is too weak.

use super::{Boolean, Check, Form, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, Values};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::{Gap, PasswordPolicy};

const POLICY: &str = "iam:GetAccountPasswordPolicy";

const MINIMUM_LENGTH: Integer = Integer {
    name: "minimum_length",
    meaning: "The least MinimumPasswordLength.",
    unit: "characters",
    default: 14,
    least: 6,
    most: 128,
    loosens: Loosens::Less,
};
const REUSE_PREVENTION: Integer = Integer {
    name: "reuse_prevention",
    meaning: "The least PasswordReusePrevention; 0 asks for none.",
    unit: "passwords",
    default: 24,
    least: 0,
    most: 24,
    loosens: Loosens::Less,
};
const MAX_AGE_DAYS: Integer = Integer {
    name: "max_age_days",
    meaning: "The greatest MaxPasswordAge; 0 asks for none.",
    unit: "days",
    default: 0,
    least: 0,
    most: 1095,
    // Any age asks for more than none.
    loosens: Loosens::Less,
};
const REQUIRE_CLASSES: Boolean = Boolean {
    name: "require_classes",
    meaning: "Whether upper case, lower case, digits and symbols must all be required.",
    default: false,
    loosens: false,
};

/// The sets that can be asked for by name, as [`PROFILES_ASKED`] has them.
const PROFILE_NAMES: &[&str] = &[
    "cis-aws",
    "cis-aws-1.2.0",
    "hipaa-security-rule",
    "nist-800-53-r5",
    "pci-dss-3.2.1",
    "pci-dss-4.0.1",
    "security-hub-iam-7",
];
const PROFILES: Strings = Strings {
    name: "profiles",
    meaning: "Sets that must hold as well: what CIS, PCI DSS and Security Hub, and the packs of AWS Config for HIPAA and NIST, \
              ask for.",
    default: &[],
    form: Form::OneOf(PROFILE_NAMES),
    // Each asks for more on top of the thresholds.
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-password-policy",
    title: "The password policy of the account is strong enough",
    severity: Severity::Medium,
    resource: "account",
    rationale: "Without a policy of its own an account takes passwords of eight characters, and the same one again. \
        Short and reused passwords are what guessing and stolen lists are good for.",
    rule: "Compares GetAccountPasswordPolicy with the parameters: FAIL if MinimumPasswordLength is less than \
        minimum_length (14), PasswordReusePrevention less than reuse_prevention (24), MaxPasswordAge greater than \
        max_age_days (0: not asked) or none, or a class of characters is not required although require_classes \
        (false) asks for it. Each set of \
        profiles (by default none) asks for more: cis-aws (14, 24), cis-aws-1.2.0, hipaa-security-rule and nist-800-53-r5 \
        (14, 24, 90 days, all classes), pci-dss-3.2.1 (7, 4, 90 days, letters and digits), pci-dss-4.0.1 (12, 4, 90 days, \
        letters and digits), security-hub-iam-7 (8, all classes). An account without a policy of its own (NoSuchEntity) has AWS's default, which fails. \
        Aspects say the same of single attributes and of the sets that frameworks ask for: length-14, length-12, \
        reuse-24, expiry-90, uppercase, lowercase, numbers, symbols; aws-config (14, 24, 90 days, all classes), \
        aws-config-pci-3.2.1 (7, 4, 90 days, lower case, digits), security-hub-iam-7 (8, all classes), \
        security-hub-iam-10 (7, 4, 90 days, upper case, lower case, digits).",
    exemptions: "None.",
    blind_spots: "Security Hub IAM.7 asks for 8 characters and all classes, and for reuse and expiry only if its \
        parameters are set: --verdicts security-hub decides so. The policy binds passwords that are set later; older \
        ones stay as weak as they are. It says nothing of people who sign in through an identity provider, and \
        nothing of the root user. It is judged in accounts without IAM users as well, as AWS does. Expiry is not \
        asked for by default, as NIST SP 800-63B advises against it.",
    remediation: Remediation {
        summary: "Set a password policy for the account.",
        steps: &[
            "Run aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24, with \
             --require-uppercase-characters, --require-lowercase-characters, --require-numbers, --require-symbols and \
             --max-password-age 90 where a framework asks for them: options that are left out are reset.",
            "Ask users to change passwords that were set before.",
            "To verify: aws iam get-account-password-policy prints the values.",
        ],
        commands: &[
            "aws iam get-account-password-policy",
            "aws iam update-account-password-policy --minimum-password-length=14 --password-reuse-prevention=24",
        ],
        risk: "With an expiry, users with old passwords must change them at the next sign-in, and with --hard-expiry \
            are locked out. The former values, or aws iam delete-account-password-policy where there was no policy, \
            take it back.",
    },
    reads: &[POLICY],
    parameters: &[
        Parameter::Integer(MINIMUM_LENGTH),
        Parameter::Integer(REUSE_PREVENTION),
        Parameter::Integer(MAX_AGE_DAYS),
        Parameter::Boolean(REQUIRE_CLASSES),
        Parameter::Strings(PROFILES),
    ],
    elsewhere: &[
        "AWS Security Hub IAM.7",
        "AWS Security Hub IAM.10",
        "AWS Security Hub IAM.11",
        "AWS Security Hub IAM.12",
        "AWS Security Hub IAM.13",
        "AWS Security Hub IAM.14",
        "AWS Security Hub IAM.15",
        "AWS Security Hub IAM.16",
        "AWS Security Hub IAM.17",
        "AWS Config iam-password-policy",
        "Prowler iam_password_policy_minimum_length_14",
        "Prowler iam_password_policy_reuse_24",
        "Prowler iam_password_policy_expires_passwords_within_90_days_or_less",
        "Prowler iam_password_policy_uppercase",
        "Prowler iam_password_policy_lowercase",
        "Prowler iam_password_policy_number",
        "Prowler iam_password_policy_symbol",
        "Steampipe iam_account_password_policy_min_length_14",
        "Steampipe iam_account_password_policy_reuse_24",
        "Steampipe iam_account_password_policy_one_lowercase_letter",
        "Steampipe iam_account_password_policy_one_uppercase_letter",
        "Steampipe iam_account_password_policy_one_number",
        "Steampipe iam_account_password_policy_one_symbol",
        "Steampipe iam_account_password_policy_strong_min_length_8",
        "Steampipe iam_account_password_policy_strong_min_reuse_24",
        "Steampipe iam_password_policy_expire_90",
        "ScoutSuite iam-password-policy-expiration-threshold",
        "ScoutSuite iam-password-policy-minimum-length",
        "ScoutSuite iam-password-policy-no-expiration",
        "ScoutSuite iam-password-policy-reuse-enabled",
        "ScoutSuite iam-password-policy-no-lowercase-required",
        "ScoutSuite iam-password-policy-no-uppercase-required",
        "ScoutSuite iam-password-policy-no-number-required",
        "ScoutSuite iam-password-policy-no-symbol-required",
        "CIS AWS Foundations 7.0.0 2.8",
        "CIS AWS Foundations 7.0.0 2.9",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

/// What is asked of a policy.
#[derive(Clone, Copy)]
struct Asked {
    length: i64,
    reuse: i64,
    max_age_days: i64,
    uppercase: bool,
    lowercase: bool,
    numbers: bool,
    symbols: bool,
    /// Upper or lower case.
    letters: bool,
}

const NOTHING: Asked = Asked {
    length: 0,
    reuse: 0,
    max_age_days: 0,
    uppercase: false,
    lowercase: false,
    numbers: false,
    symbols: false,
    letters: false,
};
const CLASSES: Asked = Asked { uppercase: true, lowercase: true, numbers: true, symbols: true, ..NOTHING };

/// The aspects: name, words, what is asked.
const ASPECTS: [(&str, &str, Asked); 12] = [
    ("length-14", "MinimumPasswordLength 14", Asked { length: 14, ..NOTHING }),
    ("length-12", "MinimumPasswordLength 12", Asked { length: 12, ..NOTHING }),
    ("reuse-24", "PasswordReusePrevention 24", Asked { reuse: 24, ..NOTHING }),
    ("expiry-90", "MaxPasswordAge 90", Asked { max_age_days: 90, ..NOTHING }),
    ("uppercase", "RequireUppercaseCharacters", Asked { uppercase: true, ..NOTHING }),
    ("lowercase", "RequireLowercaseCharacters", Asked { lowercase: true, ..NOTHING }),
    ("numbers", "RequireNumbers", Asked { numbers: true, ..NOTHING }),
    ("symbols", "RequireSymbols", Asked { symbols: true, ..NOTHING }),
    (
        "aws-config",
        "14 characters, 24 passwords, 90 days, all classes",
        Asked { length: 14, reuse: 24, max_age_days: 90, ..CLASSES },
    ),
    (
        "aws-config-pci-3.2.1",
        "7 characters, 4 passwords, 90 days, lower case, digits",
        Asked { length: 7, reuse: 4, max_age_days: 90, uppercase: false, symbols: false, ..CLASSES },
    ),
    ("security-hub-iam-7", "8 characters, all classes", Asked { length: 8, ..CLASSES }),
    (
        "security-hub-iam-10",
        "7 characters, 4 passwords, 90 days, upper case, lower case, digits",
        Asked { length: 7, reuse: 4, max_age_days: 90, symbols: false, ..CLASSES },
    ),
];

/// What is asked for under each of [`PROFILE_NAMES`], in their order. PCI DSS asks for an expiry where a password is the only factor.
const PROFILES_ASKED: [Asked; 7] = [
    Asked { length: 14, reuse: 24, ..NOTHING },
    Asked { length: 14, reuse: 24, max_age_days: 90, ..CLASSES },
    Asked { length: 14, reuse: 24, max_age_days: 90, ..CLASSES },
    Asked { length: 14, reuse: 24, max_age_days: 90, ..CLASSES },
    Asked { length: 7, reuse: 4, max_age_days: 90, numbers: true, letters: true, ..NOTHING },
    Asked { length: 12, reuse: 4, max_age_days: 90, numbers: true, letters: true, ..NOTHING },
    Asked { length: 8, ..CLASSES },
];

impl Asked {
    fn by(values: &Values) -> Self {
        let all = values.boolean(&REQUIRE_CLASSES);
        Self {
            length: values.integer(&MINIMUM_LENGTH),
            reuse: values.integer(&REUSE_PREVENTION),
            max_age_days: values.integer(&MAX_AGE_DAYS),
            ..if all { CLASSES } else { NOTHING }
        }
    }

    /// What the policy lacks.
    fn lacking(self, policy: &PasswordPolicy) -> Result<Vec<String>, Gap> {
        let mut lacking = Vec::new();
        if self.length > 0 {
            let length = policy.minimum_length.ok_or_else(|| absent("MinimumPasswordLength"))?;
            if length < self.length {
                lacking.push(format!("MinimumPasswordLength is {length}, not {} or more", self.length));
            }
        }
        if self.reuse > 0 {
            match policy.reuse_prevention {
                Some(passwords) if passwords >= self.reuse => {}
                Some(passwords) => {
                    lacking.push(format!("PasswordReusePrevention is {passwords}, not {} or more", self.reuse));
                }
                None => lacking.push("old passwords may be used again".to_owned()),
            }
        }
        if self.max_age_days > 0 {
            match policy.max_age_days {
                Some(days) if days <= self.max_age_days => {}
                Some(days) => lacking.push(format!("MaxPasswordAge is {days}, not {} or less", self.max_age_days)),
                None => lacking.push("passwords do not expire".to_owned()),
            }
        }
        for (asked, required, name) in [
            (self.uppercase, policy.require_uppercase, "RequireUppercaseCharacters"),
            (self.lowercase, policy.require_lowercase, "RequireLowercaseCharacters"),
            (self.numbers, policy.require_numbers, "RequireNumbers"),
            (self.symbols, policy.require_symbols, "RequireSymbols"),
        ] {
            if asked && !required.ok_or_else(|| absent(name))? {
                lacking.push(format!("{name} is false"));
            }
        }
        if self.letters {
            let required = [policy.require_uppercase, policy.require_lowercase];
            if !required.contains(&Some(true)) {
                required[0].and(required[1]).ok_or_else(|| absent("RequireLowercaseCharacters"))?;
                lacking.push("no letter is required".to_owned());
            }
        }
        Ok(lacking)
    }
}

fn absent(member: &str) -> Gap {
    Gap::malformed(POLICY, &[], format!("the policy has no {member}"))
}

fn judge(scope: &Scope<'_>) -> Judged {
    let policy = scope.account.iam.password_policy.as_ref().map_err(Clone::clone)?;
    let asked = Asked::by(scope.values);
    let judgement = match policy {
        None => Judgement::fail(
            "the account has no password policy of its own: AWS's default takes 8 characters, reused or not",
        ),
        Some(policy) => {
            let mut lacking = asked.lacking(policy)?;
            let profiles = scope.values.strings(&PROFILES);
            for (name, asked) in PROFILE_NAMES.iter().zip(PROFILES_ASKED).filter(|(name, _)| profiles.contains(name)) {
                lacking.extend(asked.lacking(policy)?.into_iter().map(|it| format!("for {name}, {it}")));
            }
            let judgement = if lacking.is_empty() {
                Judgement::pass("the password policy is at least as strong as asked for")
            } else {
                Judgement::fail(lacking.join("; "))
            };
            judgement.because_of(&policy.source)
        }
    };
    let aspect = |(name, parameters, asked): (&str, &str, Asked)| Aspect {
        name: name.to_owned(),
        parameters: parameters.to_owned(),
        status: match policy.as_ref().map(|policy| asked.lacking(policy)) {
            Some(Ok(lacking)) if lacking.is_empty() => Status::Pass,
            Some(Err(_)) => Status::Error,
            Some(Ok(_)) | None => Status::Fail,
        },
    };
    Ok(ASPECTS.map(aspect).into_iter().fold(judgement, Judgement::with_aspect))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Parameters, Value};
    use super::*;
    use crate::finding::Verdict;

    fn strong() -> PasswordPolicy {
        PasswordPolicy {
            minimum_length: Some(14),
            require_symbols: Some(true),
            require_numbers: Some(true),
            require_uppercase: Some(true),
            require_lowercase: Some(true),
            max_age_days: Some(90),
            reuse_prevention: Some(24),
            source: source(POLICY),
        }
    }

    fn judged(policy: Option<PasswordPolicy>, values: Values) -> Judged {
        let mut world = World { values, ..World::new() };
        world.account.iam.password_policy = Ok(policy);
        judge_root(&CHECK, &world)
    }

    fn verdict(policy: PasswordPolicy) -> Verdict {
        judged(Some(policy), Values::default()).unwrap().verdict
    }

    /// The aspects that do not pass.
    fn failing(policy: Option<PasswordPolicy>) -> Vec<String> {
        let aspects = judged(policy, Values::default()).unwrap().aspects;
        aspects.into_iter().filter(|it| it.status == Status::Fail).map(|it| it.name).collect()
    }

    #[test]
    fn length_and_reuse_decide_by_default() {
        assert_eq!(verdict(strong()), Verdict::Pass);
        assert_eq!(verdict(PasswordPolicy { minimum_length: Some(13), ..strong() }), Verdict::Fail);
        assert_eq!(verdict(PasswordPolicy { reuse_prevention: Some(23), ..strong() }), Verdict::Fail);
        assert_eq!(verdict(PasswordPolicy { reuse_prevention: None, ..strong() }), Verdict::Fail);
        let long = PasswordPolicy { max_age_days: None, require_symbols: Some(false), ..strong() };
        assert_eq!(verdict(long), Verdict::Pass);
    }

    #[test]
    fn an_account_without_a_policy_fails_in_every_aspect() {
        assert_eq!(judged(None, Values::default()).unwrap().verdict, Verdict::Fail);
        assert_eq!(failing(None).len(), ASPECTS.len());
        assert_eq!(failing(Some(strong())), [""; 0]);
    }

    #[test]
    fn aspects_look_at_their_own_attributes() {
        let weak =
            PasswordPolicy { minimum_length: Some(12), max_age_days: None, require_symbols: Some(false), ..strong() };
        let sets = ["aws-config", "aws-config-pci-3.2.1", "security-hub-iam-7", "security-hub-iam-10"];
        assert_eq!(failing(Some(weak)), [&["length-14", "expiry-90", "symbols"][..], &sets].concat());
    }

    #[test]
    fn other_values_may_be_asked_for() {
        let short = PasswordPolicy { minimum_length: Some(12), max_age_days: None, ..strong() };
        let of = |name, value| judged(Some(short.clone()), Values::with(name, value)).unwrap().verdict;
        assert_eq!(of(MINIMUM_LENGTH.name, Value::Integer(12)), Verdict::Pass);
        assert_eq!(of(MAX_AGE_DAYS.name, Value::Integer(90)), Verdict::Fail);
        let plain = PasswordPolicy { require_numbers: Some(false), ..strong() };
        let classes = Values::with(REQUIRE_CLASSES.name, Value::Boolean(true));
        assert_eq!(judged(Some(plain), classes).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn a_named_set_asks_for_more_on_top() {
        let of = |names: &[&str], policy: PasswordPolicy| {
            let list = names.iter().map(|it| (*it).to_owned()).collect();
            judged(Some(policy), Values::with(PROFILES.name, Value::Strings(list))).unwrap()
        };
        let lasting = || PasswordPolicy { max_age_days: None, ..strong() };
        assert_eq!(of(&[], lasting()).verdict, Verdict::Pass);
        assert_eq!(of(&["cis-aws"], lasting()).verdict, Verdict::Pass);
        let judgement = of(&["cis-aws", "pci-dss-4.0.1"], lasting());
        let reason = "for pci-dss-4.0.1, passwords do not expire";
        assert_eq!((judgement.verdict, judgement.reason.as_ref()), (Verdict::Fail, reason));
        let caseless = PasswordPolicy { require_uppercase: Some(false), require_lowercase: Some(false), ..strong() };
        assert_eq!(of(&["pci-dss-3.2.1"], caseless.clone()).reason, "for pci-dss-3.2.1, no letter is required");
        let lower = PasswordPolicy { require_lowercase: Some(true), ..caseless };
        assert_eq!(of(&["pci-dss-3.2.1"], lower).verdict, Verdict::Pass);
        for name in PROFILE_NAMES {
            assert_eq!(of(&[name], strong()).verdict, Verdict::Pass, "{name}");
        }
    }

    #[test]
    fn to_ask_for_an_expiry_or_for_classes_loosens_nothing() {
        let mut parameters = Parameters::default();
        parameters.set(CHECK.id, MAX_AGE_DAYS.name, Value::Integer(90)).unwrap();
        parameters.set(CHECK.id, REQUIRE_CLASSES.name, Value::Boolean(true)).unwrap();
        parameters.set(CHECK.id, MINIMUM_LENGTH.name, Value::Integer(12)).unwrap();
        let loosened: Vec<_> = parameters.settings(&CHECK).into_iter().filter(|it| it.loosened).collect();
        assert_eq!(loosened.iter().map(|it| it.name).collect::<Vec<_>>(), [MINIMUM_LENGTH.name]);
    }

    #[test]
    fn without_the_policy_or_an_attribute_that_is_asked_for_nothing_is_said() {
        let mut world = World::new();
        world.account.iam.password_policy = Err(denied(POLICY));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(POLICY)));
        let unsaid = PasswordPolicy { minimum_length: None, ..strong() };
        assert!(judged(Some(unsaid), Values::default()).is_err());
        let unsaid = PasswordPolicy { require_symbols: None, ..strong() };
        let aspects = judged(Some(unsaid), Values::default()).unwrap().aspects;
        assert_eq!(aspects.iter().find(|it| it.name == "symbols").unwrap().status, Status::Error);
    }
}
