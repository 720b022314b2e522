//! use_tenant: who belongs to a tenant, and the path.
//!
//! The path gives nobody a right: what a role may reach, its privileges say, by whatever name. So nobody is made
//! another role here, which RESET ROLE would take back in any case. What is refused is a mistake: to work in the
//! schema of a tenant that one has rights in, but does not act for.

use crate::context;
use crate::error::{Error, Result};
use crate::pg::transaction::Moment;
use crate::pg::{guc, ident, query};
use crate::tenant::registry;
use serde::Deserialize;

#[derive(Deserialize)]
struct Standing {
    usage: bool,
    owner: bool,
    member: bool,
}

pub fn enter(slug: &str) -> Result<()> {
    let refuse = |why| Error::NotYourTenant { slug: slug.into(), why };
    // One answer for what is not there and what is somebody else's: nobody learns who the tenants are.
    let stranger = "You are no member of its role, or there is no such tenant.";
    let entry = registry::find(slug)?.ok_or_else(|| refuse(stranger))?;
    let standing: Option<Standing> = query::model(
        include_str!("standing.sql"),
        &[slug.into(), entry.tenant_role.as_deref().into()],
    )?;
    let standing = standing.ok_or_else(|| refuse(stranger))?;
    let organization = entry.organization.as_deref().and_then(crate::id::parse_uuid);
    let acting = context::standing(Moment::Now)?.filter(|s| s.user.is_some());
    let of_organization = match (organization, &acting) {
        (Some(organization), Some(_)) => {
            let active = context::organization_now()?.and_then(|id| id.uuid);
            Some(active == Some(organization))
        }
        _ => None,
    };
    if !(standing.member || standing.owner || (of_organization == Some(true) && standing.usage)) {
        return Err(refuse(stranger));
    }
    if entry.state == "archived" {
        return Err(Error::Archived { slug: slug.into() });
    }
    if of_organization == Some(false) {
        return Err(refuse("The tenant's organization is not the one that is active."));
    }
    // PostgreSQL leaves out what a role may not use, and names would be looked up without it.
    if !standing.usage {
        return Err(refuse("You have no USAGE on the schema."));
    }
    // Temporary tables are looked up first unless the path says otherwise.
    guc::set_local(c"search_path", &format!("{}, pg_temp", ident::quote(slug)));
    Ok(())
}
