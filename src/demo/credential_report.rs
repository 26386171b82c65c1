//! The credential report of one account of the demo, as IAM writes it: CSV in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::account::Account;
use super::details::{password_last_used, user_arn};
use super::ids::time_on;
use super::principals::{AccessKey, User};
use crate::snapshot::v1::{CredentialReport, Time};

/// The columns, in AWS's order.
const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// What IAM writes where something does not apply.
const NOT_APPLICABLE: &str = "N/A";

/// The report of an account, generated at `time`.
pub(super) fn of(account: &Account, time: Timestamp) -> CredentialReport {
    let mut rows = vec![COLUMNS.to_owned(), root_row(account)];
    rows.extend(account.users.iter().map(|user| user_row(account, user)));
    CredentialReport {
        content: Some(STANDARD.encode(rows.join("\n"))),
        report_format: Some("text/csv".to_owned()),
        generated_time: Some(Time(time)),
    }
}

fn root_row(account: &Account) -> String {
    let used = account.root.used.as_ref().map(|day| iso(time_on(day, &[&account.id, "root"])));
    let mut row = vec![
        "<root_account>".to_owned(),
        format!("arn:aws:iam::{}:root", account.id),
        iso(time_on(&account.created, &[&account.id])),
        "not_supported".to_owned(),
        used.unwrap_or_else(|| "no_information".to_owned()),
        "not_supported".to_owned(),
        "not_supported".to_owned(),
        account.root.mfa.is_some().to_string(),
    ];
    let key = AccessKey::active(account.created.clone());
    for place in 0..2 {
        row.extend(key_columns((place < account.root.access_keys).then_some(&key), "root"));
    }
    row.extend(certificates(None));
    row.join(",")
}

fn user_row(account: &Account, user: &User) -> String {
    let mut row = vec![
        csv_field(&user.name),
        csv_field(&user_arn(&account.id, user)),
        iso(time_on(&user.created, &[&user.name])),
        user.console.is_some().to_string(),
    ];
    match &user.console {
        Some(console) => {
            row.push(password_last_used(user).map_or_else(|| "no_information".to_owned(), iso));
            row.push(iso(time_on(&console.changed, &[&user.name, "password"])));
        }
        None => row.extend([NOT_APPLICABLE.to_owned(), NOT_APPLICABLE.to_owned()]),
    }
    // The demo's password policies do not expire passwords at a date, so that there is no next rotation.
    row.push(NOT_APPLICABLE.to_owned());
    row.push(user.mfa.is_some().to_string());
    for place in 0..2 {
        row.extend(key_columns(user.keys.get(place), &user.name));
    }
    let uploaded = user.signing_certificate.as_ref().map(|day| iso(time_on(day, &[&user.name, "certificate"])));
    row.extend(certificates(uploaded));
    row.join(",")
}

fn key_columns(key: Option<&AccessKey>, user: &str) -> [String; 5] {
    let Some(key) = key else {
        return ["false", NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE].map(str::to_owned);
    };
    let rotated = iso(time_on(&key.created, &[user, "key"]));
    let (day, region, service) = match &key.used {
        Some((day, service, region)) => (iso(time_on(day, &[user, &key.created])), region.clone(), service.clone()),
        None => (NOT_APPLICABLE.to_owned(), NOT_APPLICABLE.to_owned(), NOT_APPLICABLE.to_owned()),
    };
    [key.active.to_string(), rotated, day, region, service]
}

fn certificates(uploaded: Option<String>) -> [String; 4] {
    let none = || NOT_APPLICABLE.to_owned();
    [uploaded.is_some().to_string(), uploaded.unwrap_or_else(none), "false".to_owned(), none()]
}

/// ISO 8601 as the report writes it: `2026-05-01T09:14:05+00:00`.
fn iso(time: Time) -> String {
    time.0.to_string().replace('Z', "+00:00")
}

/// IAM names hold no quote and no line break, but may hold a comma.
fn csv_field(text: &str) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
}
