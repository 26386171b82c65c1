//! The shapes of `GetAccountAuthorizationDetails`: principals, policies and what joins them.

use aws_sdk_iam::types;

use super::shape::{document, time};
use crate::snapshot::v1;

/// A user.
pub(super) fn user(it: types::UserDetail) -> v1::UserDetail {
    v1::UserDetail {
        path: it.path,
        user_name: it.user_name,
        user_id: it.user_id,
        arn: it.arn,
        create_date: it.create_date.and_then(time),
        user_policy_list: it.user_policy_list.map(inline),
        group_list: it.group_list,
        attached_managed_policies: it.attached_managed_policies.map(attached),
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: it.tags.map(tags),
    }
}

/// A group.
pub(super) fn group(it: types::GroupDetail) -> v1::GroupDetail {
    v1::GroupDetail {
        path: it.path,
        group_name: it.group_name,
        group_id: it.group_id,
        arn: it.arn,
        create_date: it.create_date.and_then(time),
        group_policy_list: it.group_policy_list.map(inline),
        attached_managed_policies: it.attached_managed_policies.map(attached),
    }
}

/// A role.
pub(super) fn role(it: types::RoleDetail) -> v1::RoleDetail {
    let profile = |it: types::InstanceProfile| v1::InstanceProfile {
        path: Some(it.path),
        instance_profile_name: Some(it.instance_profile_name),
        instance_profile_id: Some(it.instance_profile_id),
        arn: Some(it.arn),
        create_date: time(it.create_date),
    };
    let last_used = |it: types::RoleLastUsed| v1::RoleLastUsed {
        last_used_date: it.last_used_date.and_then(time),
        region: it.region,
    };
    v1::RoleDetail {
        path: it.path,
        role_name: it.role_name,
        role_id: it.role_id,
        arn: it.arn,
        create_date: it.create_date.and_then(time),
        assume_role_policy_document: it.assume_role_policy_document.as_deref().and_then(document),
        instance_profile_list: it.instance_profile_list.map(|list| list.into_iter().map(profile).collect()),
        role_policy_list: it.role_policy_list.map(inline),
        attached_managed_policies: it.attached_managed_policies.map(attached),
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: it.tags.map(tags),
        role_last_used: it.role_last_used.map(last_used),
    }
}

/// A managed policy with its versions.
pub(super) fn policy(it: types::ManagedPolicyDetail) -> v1::PolicyDetail {
    let version = |it: types::PolicyVersion| v1::PolicyVersion {
        document: it.document.as_deref().and_then(document),
        version_id: it.version_id,
        is_default_version: Some(it.is_default_version),
        create_date: it.create_date.and_then(time),
    };
    v1::PolicyDetail {
        policy_name: it.policy_name,
        policy_id: it.policy_id,
        arn: it.arn,
        path: it.path,
        default_version_id: it.default_version_id,
        attachment_count: it.attachment_count.map(i64::from),
        permissions_boundary_usage_count: it.permissions_boundary_usage_count.map(i64::from),
        is_attachable: Some(it.is_attachable),
        description: it.description,
        create_date: it.create_date.and_then(time),
        update_date: it.update_date.and_then(time),
        policy_version_list: it.policy_version_list.map(|list| list.into_iter().map(version).collect()),
    }
}

/// Tags of anything in IAM.
pub(super) fn tags(tags: Vec<types::Tag>) -> Vec<v1::Tag> {
    tags.into_iter().map(|it| v1::Tag { key: Some(it.key), value: Some(it.value) }).collect()
}

fn inline(policies: Vec<types::PolicyDetail>) -> Vec<v1::InlinePolicy> {
    let policy = |it: types::PolicyDetail| v1::InlinePolicy {
        policy_name: it.policy_name,
        policy_document: it.policy_document.as_deref().and_then(document),
    };
    policies.into_iter().map(policy).collect()
}

fn attached(policies: Vec<types::AttachedPolicy>) -> Vec<v1::AttachedPolicy> {
    let policy =
        |it: types::AttachedPolicy| v1::AttachedPolicy { policy_name: it.policy_name, policy_arn: it.policy_arn };
    policies.into_iter().map(policy).collect()
}

fn boundary(it: types::AttachedPermissionsBoundary) -> v1::PermissionsBoundary {
    v1::PermissionsBoundary {
        permissions_boundary_type: it.permissions_boundary_type.map(|it| it.as_str().to_owned()),
        permissions_boundary_arn: it.permissions_boundary_arn,
    }
}
