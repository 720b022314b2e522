//! Every function of the extension, found in the catalog, with arguments that aim at another owner's objects.

use postgres::Client;
use tenant_guard_tests::fixtures::ORG_B;
use tenant_guard_tests::sql::rows;

/// A function's name, kind and parameters as (name, type).
pub struct Function {
    pub name: String,
    is_procedure: bool,
    pub parameters: Vec<(String, String)>,
    defaults: usize,
    variadic: bool,
}

pub fn functions(admin: &mut Client) -> Vec<Function> {
    let found = rows(
        admin,
        "SELECT format('%I.%I', p.pronamespace::regnamespace, p.proname), p.prokind = 'p', p.pronargdefaults, p.provariadic <> 0,
                (SELECT string_agg(coalesce(nullif(p.proargnames[n], ''), '-') || '=' || format_type(t, NULL), '|' ORDER BY n)
                   FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n))
           FROM pg_proc p
           JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          WHERE e.extname = 'tenant_guard' AND p.prokind IN ('f', 'p')
            AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
          ORDER BY 1",
    );
    let function = |row: Vec<Option<String>>| Function {
        name: row[0].clone().expect("a name"),
        is_procedure: row[1].as_deref() == Some("t"),
        defaults: row[2].as_deref().expect("a count").parse().expect("a number"),
        variadic: row[3].as_deref() == Some("t"),
        parameters: row[4]
            .as_deref()
            .unwrap_or_default()
            .split_terminator('|')
            .filter_map(|parameter| parameter.split_once('='))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect(),
    };
    found.into_iter().map(function).collect()
}

/// The most harmful argument for a parameter.
fn aim(name: &str, kind: &str, change: i64, slug: &str) -> String {
    let literal = match (name, kind) {
        ("dry_run", _) => "false",
        ("force", _) => "true",
        ("slug" | "confirm", _) => slug,
        ("template" | "schema", _) => "crm",
        ("membership", _) => "crm.members",
        ("user_column", _) => "user_id",
        ("tenant_role", _) => "app_owner",
        ("role_column" | "permissions" | "owner", _) | ("roles", "name[]") => {
            return format!("NULL::{kind}")
        }
        ("scope", _) => "active",
        ("existing", _) => "replace",
        ("index", _) => "skip",
        (_, "regclass") => "crm.contacts",
        (_, "name") => "organization_id",
        (_, "boolean") => "true",
        (_, "uuid") => ORG_B,
        (_, "text") => ORG_B,
        (_, "text[]") => "{sub}",
        (_, "uuid[]") => return format!("ARRAY['{ORG_B}']::uuid[]"),
        (_, "json" | "jsonb") => "{}",
        (_, "bigint" | "integer" | "smallint" | "numeric" | "oid") => {
            return format!("{change}::{kind}")
        }
        _ => return format!("NULL::{kind}"),
    };
    format!("'{literal}'::{kind}")
}

/// With all arguments, and with the defaults left to the function.
pub fn calls(function: &Function, change: i64, slug: &str) -> Vec<String> {
    let all: Vec<String> =
        function.parameters.iter().map(|(name, kind)| aim(name, kind, change, slug)).collect();
    let mut lists = vec![all.clone()];
    if function.defaults > 0 {
        lists.push(all[..all.len() - function.defaults].to_vec());
    }
    let render = |mut list: Vec<String>| {
        if let (true, Some(last)) = (function.variadic, list.last_mut()) {
            *last = format!("VARIADIC {last}");
        }
        let verb = if function.is_procedure { "CALL" } else { "SELECT * FROM" };
        format!("{verb} {}({})", function.name, list.join(", "))
    };
    lists.into_iter().map(render).collect()
}
