//! Who owns what of the new schema and who may do what with it: as in the template. Pure.

use super::clone::Clone;
use crate::catalog::{split_names, ItsPrivilege, Owner, Published, Table, Type};
use crate::pg::ident::{qualified, quote};
use crate::plan::{Finding, Kind, Object, Severity, Step};
use std::collections::BTreeSet;

impl Clone<'_> {
    /// An object as a statement names it; the words are those of objects.sql.
    pub(super) fn names(&self, word: &str, object: &str) -> String {
        match word {
            "SCHEMA" => quote(self.slug()),
            // Named through what they belong to, which the path shows.
            "CAST" | "RULE" | "CONSTRAINT" | "TRIGGER" => object.to_string(),
            _ => format!("{}.{object}", quote(self.slug())),
        }
    }

    pub(super) fn owners(&mut self) {
        let mut lost = BTreeSet::new();
        let given = self.let_owners_in();
        // The schema first: whoever has it needs nobody's leave in it.
        let (schema, others): (Vec<&Owner>, Vec<&Owner>) =
            self.template.objects.owners.iter().partition(|o| o.on == "SCHEMA");
        for owned in schema.into_iter().chain(others) {
            let owner = self.target.owner.as_ref().unwrap_or(&owned.owner);
            if *owner == self.target.caller {
                continue;
            }
            let what =
                format!("{} {}", owned.on.to_lowercase(), self.names(&owned.on, &owned.object));
            if self.target.owner.is_none() && !owned.may {
                lost.insert(format!("{what} of {}", quote(owner)));
                continue;
            }
            let sql = format!(
                "ALTER {} {} OWNER TO {}",
                owned.on,
                self.names(&owned.on, &owned.object),
                quote(owner)
            );
            let object = Object::schema(Kind::Privileges, self.slug());
            self.part(
                object,
                format!("give {what} to {owner}"),
                "who owns it in the template, or is to",
                sql,
            );
        }
        if let Some(roles) = given {
            let sql = format!("REVOKE CREATE ON SCHEMA {} FROM {roles}", quote(self.slug()));
            let why = "they own what they are to own; who may create in the template is below";
            let object = Object::schema(Kind::Privileges, self.slug());
            self.part(object, "close the schema to its owners again".into(), why, sql);
        }
        for what in &lost {
            self.not_carried(
                &format!("the owner of {what}"),
                "the caller has not that role's rights, and owns it",
            );
        }
        if !lost.is_empty() {
            let (template, caller) = (quote(&self.template.name), quote(&self.target.caller));
            self.plan.findings.push(Finding {
                severity: Severity::Notice,
                message: format!("owners in schema {template} are not carried over"),
                detail: format!("{caller} will own {}.", few(&lost)),
                hint: "Call it as a member of those roles, or name one: owner => '...'.".into(),
                fix: None,
            });
        }
    }

    /// Who is no superuser gives things only to roles that may create in the schema.
    fn let_owners_in(&mut self) -> Option<String> {
        let target = self.target;
        if target.superuser {
            return None;
        }
        let becomes = |o: &Owner| match &target.owner {
            Some(owner) => owner.clone(),
            None if o.may => o.owner.clone(),
            None => target.caller.clone(),
        };
        let owners = &self.template.objects.owners;
        let schemas = owners.iter().find(|o| o.on == "SCHEMA").map(becomes);
        let roles: BTreeSet<String> = owners
            .iter()
            .map(becomes)
            .filter(|role| *role != target.caller && Some(role) != schemas.as_ref())
            .map(|role| quote(&role))
            .collect();
        if roles.is_empty() {
            return None;
        }
        let roles = Vec::from_iter(roles).join(", ");
        let sql = format!("GRANT CREATE ON SCHEMA {} TO {roles}", quote(self.slug()));
        let object = Object::schema(Kind::Privileges, self.slug());
        let why = "PostgreSQL gives objects only to whoever may create them there";
        self.part(object, "open the schema to its owners".into(), why, sql);
        Some(roles)
    }

    /// The role that a grant is to in the new schema; None where it is to nobody.
    fn grantee(&self, privilege: &ItsPrivilege) -> Option<String> {
        if privilege.to_owner {
            let owners = &self.template.objects.owners;
            let relation = split_names(&privilege.object).map_or("", |(relation, _)| relation);
            let of = owners.iter().find(|o| {
                o.object == privilege.object && (o.on == privilege.on || privilege.on == "COLUMN")
                    || privilege.on == "COLUMN" && o.object == relation
            });
            let owner = match (&self.target.owner, of) {
                (Some(owner), _) => owner.clone(),
                (None, Some(of)) if of.may => of.owner.clone(),
                _ => self.target.caller.clone(),
            };
            return Some(quote(&owner));
        }
        match &privilege.grantee {
            None => Some("PUBLIC".into()),
            // Another tenant's role has no business here; this one's has its place.
            Some(role) if Some(role) == self.target.templates_role.as_ref() => {
                self.target.role.as_ref().map(|r| quote(r))
            }
            Some(role) => Some(quote(role)),
        }
    }

    pub(super) fn privileges(&mut self) {
        self.closed_first();
        let all = &self.template.objects.privileges;
        let mut rest = &all[..];
        while let Some(first) = rest.first() {
            let same = |p: &ItsPrivilege| {
                (&p.on, &p.object, &p.grantee, p.granted, p.grantable, p.to_owner)
                    == (
                        &first.on,
                        &first.object,
                        &first.grantee,
                        first.granted,
                        first.grantable,
                        first.to_owner,
                    )
            };
            let run = rest.iter().take_while(|p| same(p)).count();
            let (these, others) = rest.split_at(run);
            rest = others;
            self.privilege(these);
        }
        let indirect: BTreeSet<String> = all
            .iter()
            .filter(|p| p.granted && !p.by_owner)
            .map(|p| format!("{} on {}", p.privilege, p.object))
            .collect();
        for what in indirect {
            self.not_carried(
                &format!("who granted {what}"),
                "in the new schema its owner grants it",
            );
        }
    }

    pub(super) fn privilege(&mut self, these: &[ItsPrivilege]) {
        let Some(first) = these.first() else { return };
        let Some(grantee) = self.grantee(first) else { return };
        let mut words: Vec<&str> = these.iter().map(|p| p.privilege.as_str()).collect();
        words.dedup();
        let (kind, object, list) = if first.on == "COLUMN" {
            let Some((table, column)) = split_names(&first.object) else { return };
            let list: Vec<String> = words.iter().map(|w| format!("{w} ({column})")).collect();
            ("TABLE", self.names("TABLE", table), list.join(", "))
        } else {
            let kind = match first.on.as_str() {
                "VIEW" | "MATERIALIZED VIEW" => "TABLE",
                "AGGREGATE" => "FUNCTION",
                "DOMAIN" => "TYPE",
                other => other,
            };
            (kind, self.names(&first.on, &first.object), words.join(", "))
        };
        let sql = if first.granted {
            let option = if first.grantable { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {list} ON {kind} {object} TO {grantee}{option}")
        } else {
            format!("REVOKE {list} ON {kind} {object} FROM {grantee}")
        };
        let verb = if first.granted { "grant" } else { "revoke" };
        let step = Object::schema(Kind::Privileges, self.slug());
        self.part(step, format!("{verb} {list} on {object}"), "as in the template", sql);
    }

    /// What the database's default privileges have opened and the template has not.
    fn closed_first(&mut self) {
        let schema = quote(self.slug());
        for given in &self.template.objects.default_grantees {
            let role = given.grantee.as_ref().map_or("PUBLIC".into(), |r| quote(r));
            let sql = match given.kind.as_str() {
                "r" => format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"),
                "S" => format!("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}"),
                "f" if given.grantee.is_some() => {
                    format!("REVOKE ALL ON ALL ROUTINES IN SCHEMA {schema} FROM {role}")
                }
                "n" => format!("REVOKE ALL ON SCHEMA {schema} FROM {role}"),
                "T" if given.grantee.is_some() && !self.template.types.is_empty() => {
                    let named = |t: &Type| qualified(self.slug(), &t.name);
                    let types: Vec<String> = self.template.types.iter().map(named).collect();
                    format!("REVOKE ALL ON TYPE {} FROM {role}", types.join(", "))
                }
                _ => continue,
            };
            let object = Object::schema(Kind::Privileges, self.slug());
            let why = "default privileges opened it, the template's are below";
            self.part(object, format!("revoke what {role} got by default"), why, sql);
        }
    }

    pub(super) fn default_privileges(&mut self) {
        for default in &self.template.objects.default_privileges {
            let kind = match default.kind.as_str() {
                "r" => "TABLES",
                "S" => "SEQUENCES",
                "f" => "FUNCTIONS",
                "T" => "TYPES",
                _ => continue,
            };
            let what = format!(
                "default {} on {} by {}",
                default.privilege,
                kind.to_lowercase(),
                default.role
            );
            let maker = match &self.target.owner {
                Some(owner) if default.role == self.template.owner => owner.clone(),
                _ => default.role.clone(),
            };
            if !default.may && self.target.owner.is_none() {
                self.not_carried(&what, "the caller has not that role's rights");
                continue;
            }
            let grantee = match &default.grantee {
                None => "PUBLIC".into(),
                Some(role) if Some(role) == self.target.templates_role.as_ref() => {
                    match &self.target.role {
                        Some(role) => quote(role),
                        None => continue,
                    }
                }
                Some(role) => quote(role),
            };
            let option = if default.grantable { " WITH GRANT OPTION" } else { "" };
            let sql = format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT {} ON {kind} TO {grantee}{option}",
                quote(&maker),
                quote(self.slug()),
                default.privilege
            );
            let object = Object::schema(Kind::Privileges, self.slug());
            self.part(object, format!("grant {what}"), "as in the template", sql);
        }
    }

    pub(super) fn publications(&mut self) {
        for published in &self.template.objects.publications {
            let publication = quote(&published.publication);
            let what =
                published.table.as_ref().map_or("the schema".into(), |t| format!("table {t}"));
            if !published.may {
                let why = "the caller has not the rights of the publication's owner";
                self.not_carried(&format!("{what} in publication {publication}"), why);
                continue;
            }
            let member = self.member(published);
            let alone = match &published.table {
                Some(table) => format!("TABLE ONLY {}", qualified(self.slug(), table)),
                None => member.clone(),
            };
            self.made(
                Object::schema(Kind::Privileges, self.slug()),
                format!("add {what} to publication {}", published.publication),
                format!("ALTER PUBLICATION {publication} ADD {member}"),
                format!("ALTER PUBLICATION {publication} DROP {alone}"),
            );
        }
    }

    fn member(&self, published: &Published) -> String {
        let Some(table) = &published.table else {
            return format!("TABLES IN SCHEMA {}", quote(self.slug()));
        };
        let mut member = format!("TABLE ONLY {}", qualified(self.slug(), table));
        if let Some(columns) = &published.columns {
            let columns: Vec<String> = columns.iter().map(|c| quote(c)).collect();
            member += &format!(" ({})", columns.join(", "));
        }
        if let Some(filter) = &published.filter {
            member += &format!(" WHERE ({filter})");
        }
        member
    }

    /// What the tenant's role may do, unless the template's has its own grants.
    pub(super) fn grants(&mut self, tables: &[&Table]) {
        let Some(role) = self.target.role.clone() else { return };
        if self.target.templates_role.is_some()
            || role == self.target.caller
            || Some(&role) == self.target.owner.as_ref()
        {
            return; // its grants are carried, or it owns them: to revoke what owners have would lock it out
        }
        let role = quote(&role);
        let schema = quote(self.slug());
        self.plan.push(Step::new(
            Object::schema(Kind::SchemaGrants, self.slug()),
            "grant the schema to the tenant's role",
            "without USAGE a role cannot name anything in a schema",
            format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
            format!("REVOKE USAGE ON SCHEMA {schema} FROM {role}"),
        ));
        let works = "the tenant works with its own rows, and cannot change the tables";
        for table in tables {
            self.grant(&table.name, "table", "SELECT, INSERT, UPDATE, DELETE", works, &role);
        }
        // A view without security_invoker shows what its owner sees, policies or not.
        let filtered = tables.iter().any(|t| t.row_security);
        for view in &self.template.views {
            let as_caller = view.options.iter().any(|o| {
                matches!(
                    o.as_str(),
                    "security_invoker=true" | "security_invoker=on" | "security_invoker=1"
                )
            });
            match (view.kind.as_str(), as_caller || !filtered) {
                ("v", true) => {
                    self.grant(&view.name, "table", "SELECT, INSERT, UPDATE, DELETE", works, &role);
                }
                ("m", true) => self.grant(&view.name, "table", "SELECT", works, &role),
                _ => self.not_carried(
                    &format!("view {} to the tenant's role", quote(&view.name)),
                    "it would show rows past the policies of its tables: it has no security_invoker",
                ),
            }
        }
        for sequence in &self.template.sequences {
            let why = "column defaults draw from it";
            self.grant(&sequence.name, "sequence", "USAGE, SELECT", why, &role);
        }
    }

    fn grant(&mut self, name: &str, word: &str, privileges: &str, why: &str, role: &str) {
        let object = qualified(self.slug(), name);
        let on = word.to_uppercase();
        self.plan.push(Step::new(
            Object::table(Kind::TableGrants, &self.target.slug, name),
            format!("grant {word} {name} to the tenant's role"),
            why,
            format!("GRANT {privileges} ON {on} {object} TO {role}"),
            format!("REVOKE {privileges} ON {on} {object} FROM {role}"),
        ));
    }
}

/// The first few of many, and how many more there are.
pub(super) fn few(all: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = all.iter().take(8).map(String::as_str).collect();
    match all.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
