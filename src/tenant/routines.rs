//! Routines, operators, casts, collations and text search as CREATE statements. Pure.

use crate::catalog::{
    path_elements, Aggregate, Cast, Collation, Configuration, Dictionary, Named, Names, Operator,
    Range, Routine,
};
use crate::pg::ident::{literal, quote};

/// Where the names of the template's own objects go.
pub struct Place<'a> {
    pub template: &'a str,
    pub slug: &'a str,
    /// What a path that named the template has to name in its place.
    pub path: &'a str,
    pub names: &'a Names<'a>,
}

impl Place<'_> {
    pub fn qualified(&self, schema: &str, name: &str) -> String {
        let schema = if schema == self.template { self.slug } else { schema };
        format!("{}.{}", quote(schema), quote(name))
    }

    pub fn named(&self, named: &Named) -> String {
        self.qualified(&named.schema, &named.name)
    }

    fn operator(&self, named: &Named) -> String {
        let schema = if named.schema == self.template { self.slug } else { &named.schema };
        format!("OPERATOR({}.{})", quote(schema), named.name)
    }
}

/// CREATE FUNCTION or PROCEDURE. With `stub`, one that has the same face and no body yet.
#[must_use]
pub fn create_routine(routine: &Routine, place: &Place, stub: bool, replace: bool) -> String {
    let word = if routine.kind == "p" { "PROCEDURE" } else { "FUNCTION" };
    let or_replace = if replace { "OR REPLACE " } else { "" };
    let mut sql = format!(
        "CREATE {or_replace}{word} {}.{}({})",
        quote(place.slug),
        quote(&routine.name),
        routine.arguments
    );
    if let (Some(result), "FUNCTION") = (&routine.result, word) {
        sql += &format!("\nRETURNS {result}");
    }
    sql += &format!("\nLANGUAGE {}", quote(&routine.language));
    if !routine.transforms.is_empty() {
        let types: Vec<String> =
            routine.transforms.iter().map(|t| format!("FOR TYPE {t}")).collect();
        sql += &format!(" TRANSFORM {}", types.join(", "));
    }
    if word == "FUNCTION" {
        if routine.kind == "w" {
            sql += " WINDOW";
        }
        sql += match routine.volatility.as_str() {
            "i" => " IMMUTABLE",
            "s" => " STABLE",
            _ => " VOLATILE",
        };
        sql += match routine.parallel.as_str() {
            "s" => " PARALLEL SAFE",
            "r" => " PARALLEL RESTRICTED",
            _ => "",
        };
        for (on, clause) in [(routine.strict, " STRICT"), (routine.leakproof, " LEAKPROOF")] {
            sql += if on { clause } else { "" };
        }
        sql += &format!(" COST {}", routine.cost);
        if let Some(rows) = &routine.rows {
            sql += &format!(" ROWS {rows}");
        }
        if let Some(support) = &routine.support {
            sql += &format!(" SUPPORT {}", place.named(support));
        }
    }
    if routine.definer {
        sql += " SECURITY DEFINER";
    }
    for setting in &routine.config {
        sql += &format!("\nSET {}", config(setting, place));
    }
    sql += &body(routine, place, stub);
    sql
}

fn body(routine: &Routine, place: &Place, stub: bool) -> String {
    if stub {
        return "\nAS 'SELECT NULL'".into();
    }
    if let Some(atomic) = &routine.atomic {
        return format!("\n{}", place.names.rewrite_deparsed(atomic, place.slug));
    }
    if let Some(library) = &routine.library {
        return format!("\nAS {}, {}", literal(library), literal(&routine.body));
    }
    if matches!(routine.language.as_str(), "internal" | "c") {
        return format!("\nAS {}", literal(&routine.body));
    }
    if matches!(routine.language.as_str(), "sql" | "plpgsql") {
        return format!("\nAS {}", dollars(&place.names.rewrite(&routine.body, place.slug)));
    }
    format!("\nAS {}", dollars(&routine.body))
}

/// A body between dollar signs that it does not hold.
fn dollars(body: &str) -> String {
    let mut tag = "$function$".to_string();
    let mut number = 0;
    while body.contains(tag.trim_end_matches('$')) {
        number += 1;
        tag = format!("$function{number}$");
    }
    format!("{tag}{body}{tag}")
}

/// The settings whose value is a list of names, each quoted by itself.
const LISTS: &[&str] = &[
    "search_path",
    "temp_tablespaces",
    "session_preload_libraries",
    "local_preload_libraries",
    "shared_preload_libraries",
    "createrole_self_grant",
];

fn config(setting: &str, place: &Place) -> String {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let quoted: Vec<String> = name.split('.').map(quote).collect();
    let quoted = quoted.join(".");
    if !LISTS.contains(&name.to_ascii_lowercase().as_str()) {
        return format!("{quoted} TO {}", literal(value));
    }
    if value.is_empty() {
        return format!("{quoted} TO ''");
    }
    let elements: Vec<String> = path_elements(value)
        .into_iter()
        .map(|e| match name {
            "search_path" if e == place.template => place.path.to_string(),
            _ => literal(&e),
        })
        .collect();
    format!("{quoted} TO {}", elements.join(", "))
}

/// CREATE AGGREGATE.
#[must_use]
pub fn create_aggregate(routine: &Routine, aggregate: &Aggregate, place: &Place) -> String {
    let function = |word: &str| {
        aggregate
            .options
            .iter()
            .find(|o| o.word == word)
            .map(|o| format!("{word} = {}", place.qualified(&o.schema, &o.name)))
    };
    let modify = |word: &str, how: &str, usual: &str| {
        (how != usual).then(|| {
            let how = match how {
                "r" => "READ_ONLY",
                "s" => "SHAREABLE",
                _ => "READ_WRITE",
            };
            format!("{word} = {how}")
        })
    };
    let text = |word: &str, value: &Option<String>| {
        value.as_ref().map(|v| format!("{word} = {}", literal(v)))
    };
    let number = |word: &str, value: i32| (value != 0).then(|| format!("{word} = {value}"));
    let flag = |on: bool, word: &str| on.then(|| word.to_string());
    let usual = if aggregate.kind == "n" { "r" } else { "w" };
    let moving = aggregate.moving_state.is_some();
    let options: Vec<String> = [
        function("SFUNC"),
        Some(format!("STYPE = {}", aggregate.state)),
        number("SSPACE", aggregate.space),
        function("FINALFUNC"),
        flag(aggregate.extra, "FINALFUNC_EXTRA"),
        modify("FINALFUNC_MODIFY", &aggregate.modify, usual),
        function("COMBINEFUNC"),
        function("SERIALFUNC"),
        function("DESERIALFUNC"),
        text("INITCOND", &aggregate.initial),
        function("MSFUNC"),
        function("MINVFUNC"),
        aggregate.moving_state.as_ref().map(|t| format!("MSTYPE = {t}")),
        number("MSSPACE", aggregate.moving_space),
        function("MFINALFUNC"),
        flag(aggregate.moving_extra, "MFINALFUNC_EXTRA"),
        modify("MFINALFUNC_MODIFY", &aggregate.moving_modify, usual).filter(|_| moving),
        text("MINITCOND", &aggregate.moving_initial),
        aggregate.sort.as_ref().map(|o| format!("SORTOP = {}", place.operator(o))),
        match routine.parallel.as_str() {
            "s" => Some("PARALLEL = SAFE".into()),
            "r" => Some("PARALLEL = RESTRICTED".into()),
            _ => None,
        },
        flag(aggregate.kind == "h", "HYPOTHETICAL"),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "CREATE AGGREGATE {}.{}({}) ({})",
        quote(place.slug),
        quote(&routine.name),
        routine.arguments,
        options.join(", ")
    )
}

/// CREATE OPERATOR.
#[must_use]
pub fn create_operator(operator: &Operator, place: &Place) -> String {
    let function =
        |word: &str, f: &Option<Named>| f.as_ref().map(|f| format!("{word} = {}", place.named(f)));
    let other = |word: &str, o: &Option<Named>| {
        o.as_ref().map(|o| format!("{word} = {}", place.operator(o)))
    };
    let flag = |on: bool, word: &str| on.then(|| word.to_string());
    let options: Vec<String> = [
        Some(format!("FUNCTION = {}", place.named(&operator.function))),
        operator.left.as_ref().map(|t| format!("LEFTARG = {t}")),
        Some(format!("RIGHTARG = {}", operator.right)),
        other("COMMUTATOR", &operator.commutator),
        other("NEGATOR", &operator.negator),
        function("RESTRICT", &operator.restrict),
        function("JOIN", &operator.join),
        flag(operator.hashes, "HASHES"),
        flag(operator.merges, "MERGES"),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("CREATE OPERATOR {}.{} ({})", quote(place.slug), operator.name, options.join(", "))
}

/// CREATE CAST.
#[must_use]
pub fn create_cast(cast: &Cast, place: &Place) -> String {
    let how = match (cast.method.as_str(), &cast.function) {
        ("f", Some(function)) => format!(
            "WITH FUNCTION {}({})",
            place.named(function),
            cast.arguments.as_deref().unwrap_or_default()
        ),
        ("i", _) => "WITH INOUT".into(),
        _ => "WITHOUT FUNCTION".into(),
    };
    let when = match cast.context.as_str() {
        "i" => " AS IMPLICIT",
        "a" => " AS ASSIGNMENT",
        _ => "",
    };
    format!("CREATE CAST {} {how}{when}", cast.identity)
}

/// CREATE COLLATION.
#[must_use]
pub fn create_collation(collation: &Collation, slug: &str) -> String {
    let provider = match collation.provider.as_str() {
        "c" => "libc",
        "b" => "builtin",
        "d" => "default",
        _ => "icu",
    };
    let text = |word: &str, value: &Option<String>| {
        value.as_ref().map(|v| format!("{word} = {}", literal(v)))
    };
    let mut options = vec![format!("provider = {provider}")];
    if !collation.deterministic {
        options.push("deterministic = false".into());
    }
    options.extend(text("lc_collate", &collation.collate).filter(|_| provider == "libc"));
    options.extend(text("lc_ctype", &collation.ctype).filter(|_| provider == "libc"));
    options.extend(text("locale", &collation.locale));
    options.extend(text("rules", &collation.rules));
    format!("CREATE COLLATION {}.{} ({})", quote(slug), quote(&collation.name), options.join(", "))
}

/// CREATE TEXT SEARCH DICTIONARY.
#[must_use]
pub fn create_dictionary(dictionary: &Dictionary, place: &Place) -> String {
    let options = dictionary.options.as_ref().map(|o| format!(", {o}")).unwrap_or_default();
    format!(
        "CREATE TEXT SEARCH DICTIONARY {}.{} (TEMPLATE = {}{options})",
        quote(place.slug),
        quote(&dictionary.name),
        place.named(&dictionary.template)
    )
}

/// CREATE TEXT SEARCH CONFIGURATION, and which dictionaries it asks for what.
#[must_use]
pub fn create_configuration(configuration: &Configuration, place: &Place) -> Vec<String> {
    let name = format!("{}.{}", quote(place.slug), quote(&configuration.name));
    let mut statements = vec![format!(
        "CREATE TEXT SEARCH CONFIGURATION {name} (PARSER = {})",
        place.named(&configuration.parser)
    )];
    statements.extend(configuration.mappings.iter().map(|m| {
        let dictionaries: Vec<String> = m.dictionaries.iter().map(|d| place.named(d)).collect();
        format!(
            "ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {} WITH {}",
            quote(&m.token),
            dictionaries.join(", ")
        )
    }));
    statements
}

/// CREATE TYPE ... AS RANGE.
#[must_use]
pub fn create_range(name: &str, range: &Range, place: &Place) -> String {
    let named =
        |word: &str, n: &Option<Named>| n.as_ref().map(|n| format!("{word} = {}", place.named(n)));
    let options: Vec<String> = [
        Some(format!("SUBTYPE = {}", range.subtype)),
        named("SUBTYPE_OPCLASS", &range.class),
        named("COLLATION", &range.collation),
        named("CANONICAL", &range.canonical),
        named("SUBTYPE_DIFF", &range.difference),
        Some(format!("MULTIRANGE_TYPE_NAME = {}.{}", quote(place.slug), quote(&range.multirange))),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("CREATE TYPE {}.{} AS RANGE ({})", quote(place.slug), quote(name), options.join(", "))
}
