//! What Account Management says: enabled Regions and alternate contacts.

use aws_sdk_account::types::{AlternateContactType, Region};

use super::Error;
use super::call::{Ask, Lacks, Next, Page, Recorder, extend};
use super::client::Access;
use super::scope::is_region;
use crate::snapshot::{Outcome, v1};

/// The kinds of contact beside the account's owner.
const CONTACTS: [AlternateContactType; 3] =
    [AlternateContactType::Billing, AlternateContactType::Operations, AlternateContactType::Security];

/// The Regions that the account has enabled. `None` means that they could not be read; the call says why.
pub(super) async fn regions(access: &Access, recorder: &mut Recorder) -> Result<Option<Vec<String>>, Error> {
    let client = access.account();
    let ask = Ask::new("account:ListRegions").with("MaxResults", 50);
    let request = |token| client.list_regions().max_results(50).set_next_token(token).send();
    let listed = recorder
        .list(ask, request, |answer, list: &mut v1::EnabledRegions| {
            let regions = answer.regions.ok_or(Lacks("Regions"))?;
            // They become names of files.
            if !regions.iter().all(|region| region.region_name.as_deref().is_some_and(is_region)) {
                return Err(Lacks("RegionName"));
            }
            let region = |it: Region| v1::RegionStatus {
                region_name: it.region_name,
                region_opt_status: it.region_opt_status.map(|it| it.as_str().to_owned()),
            };
            let items = extend(&mut list.regions, "Regions", Some(regions), region)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    let enabled = |it: v1::RegionStatus| {
        let enabled = matches!(it.region_opt_status.as_deref(), None | Some("ENABLED" | "ENABLED_BY_DEFAULT"));
        it.region_name.filter(|_| enabled)
    };
    Ok(listed.map(|listed| listed.regions.into_iter().flatten().filter_map(enabled).collect()))
}

/// The alternate contacts, of which each may be absent.
pub(super) async fn alternate_contacts(access: &Access, recorder: &mut Recorder) -> Result<(), Error> {
    let client = access.account();
    recorder.begin("GetAlternateContact");
    for contact in CONTACTS {
        let ask = Ask::new("account:GetAlternateContact")
            .about(&[contact.as_str()])
            .meaning(&[("ResourceNotFoundException", Outcome::Empty)]);
        let request = || client.get_alternate_contact().alternate_contact_type(contact.clone()).send();
        let shape = |answer: aws_sdk_account::operation::get_alternate_contact::GetAlternateContactOutput| {
            let it = answer.alternate_contact.ok_or(Lacks("AlternateContact"))?;
            let detail = v1::AlternateContactDetail {
                name: it.name,
                title: it.title,
                email_address: it.email_address,
                phone_number: it.phone_number,
                alternate_contact_type: it.alternate_contact_type.map(|it| it.as_str().to_owned()),
            };
            Ok(v1::AlternateContact { alternate_contact: Some(detail) })
        };
        recorder.one(ask, request, shape).await?;
    }
    Ok(())
}
