//! UUIDs of OSCAL and OCSF: version 5, made from what they name, so that the same thing has the same one in every pack.

use std::sync::LazyLock;

use serde_json::json;
use uuid::Uuid;

/// What all names of ours begin with: an address that belongs to nobody, so that no other tool means something else by it.
pub(super) const NAMESPACE: &str = "https://keyproof.example/ns";

/// The UUID of a thing of a kind; `of` names it among its kind.
pub(super) fn uuid(kind: &str, of: &[&str]) -> String {
    static SPACE: LazyLock<Uuid> = LazyLock::new(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes()));
    // The other way prints the same and cannot fail, but takes longer.
    let name = serde_json::to_string(&(kind, of)).unwrap_or_else(|_| json!([kind, of]).to_string());
    Uuid::new_v5(&SPACE, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_depends_on_kind_and_name_and_on_nothing_else() {
        let one = uuid("resource", &["arn:aws:iam::111122223333:user/a"]);
        assert_eq!(one, uuid("resource", &["arn:aws:iam::111122223333:user/a"]));
        assert_eq!(one.as_bytes()[14], b'5', "{one}");
        let others = [uuid("risk", &["arn:aws:iam::111122223333:user/a"]), uuid("resource", &["a", "b"])];
        assert!(!others.contains(&one));
        assert_ne!(uuid("resource", &["a", "b"]), uuid("resource", &["a\",\"b"]));
    }
}
