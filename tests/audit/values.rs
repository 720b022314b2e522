//! Types of columns, and values of them that tell a careful log from a careless one.

pub struct Kind {
    /// As SQL writes the type.
    pub name: &'static str,
    /// Expressions; NULL goes without saying.
    pub values: &'static [&'static str],
}

/// What the types below need.
pub const TYPES: &str = r#"
CREATE SCHEMA "My App";
CREATE TYPE "My App"."Mood" AS ENUM ('so so', 'it''s "fine"', 'bad,ly', '', 'NULL');
CREATE DOMAIN "My App".positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN "My App".moods AS "My App"."Mood"[];
CREATE TYPE "My App"."Address" AS (street text, "House No" integer, mood "My App"."Mood", tags text[]);
CREATE TYPE "My App".span AS RANGE (subtype = float8);
"#;

const fn kind(name: &'static str, values: &'static [&'static str]) -> Kind {
    Kind { name, values }
}

pub const KINDS: &[Kind] = &[
    kind(
        "numeric",
        &[
            "1.10",
            "1.1",
            "1.100",
            "'NaN'",
            "'Infinity'",
            "1e40",
            "-0.00",
            "0.000000000000000000001",
        ],
    ),
    kind("numeric(12,4)", &["1.1", "99999999.9999", "-3", "0"]),
    kind(
        "double precision",
        &[
            "'NaN'",
            "'-0'",
            "0",
            "'Infinity'",
            "'-Infinity'",
            "0.1",
            "1e-300",
            "5e-324",
            "1.0000000000000002",
        ],
    ),
    kind("real", &["0.1", "'-0'", "'NaN'", "3.4e38"]),
    kind("smallint", &["-32768", "0", "7"]),
    kind("bigint", &["-9223372036854775808", "9223372036854775807", "0"]),
    kind(
        "text",
        &[
            "''",
            "'a'",
            "E'tab\\tnew\\nline \\\\ \"quoted\" ''single'''",
            "'Żółć 🦀'",
            "'NULL'",
            "repeat('x', 20000)",
        ],
    ),
    // Of the hashes of numbers, which do not compress, so that it goes to the TOAST table.
    kind(
        "text",
        &[
            "(SELECT string_agg(md5(g::text), '') FROM generate_series(1, 300) g)",
            "(SELECT string_agg(md5(g::text), '') FROM generate_series(2, 400) g)",
            "'short'",
        ],
    ),
    kind("varchar(40)", &["'v'", "''", "'trailing  '"]),
    kind("char(6)", &["'c'", "''", "'123456'"]),
    kind("\"char\"", &["'c'", "''", "'\\377'"]),
    kind("name", &["'n'", "'pg_class'"]),
    kind("bytea", &["'\\x'", "'\\x00ff0a'", "decode(repeat('ab', 6000), 'hex')"]),
    kind(
        "jsonb",
        &[
            "'{}'",
            "'null'",
            "'{\"a\": 1.10, \"b\": [null, \"\\\\u00e9\"]}'",
            "'\"x\"'",
            "'1e2'",
            "(SELECT jsonb_object_agg(g, md5(g::text)) FROM generate_series(1, 200) g)",
        ],
    ),
    kind("json", &["'{\"a\":1, \"a\" : 2}'", "' [ 1 , 2 ] '", "'null'"]),
    kind("\"My App\".\"Mood\"", &["'so so'", "'it''s \"fine\"'", "'bad,ly'", "''", "'NULL'"]),
    kind("\"My App\".positive", &["1", "2147483647"]),
    kind(
        "\"My App\".\"Address\"",
        &[
            "ROW('a \"b\" (c), \\d', 1, 'bad,ly', ARRAY['x', NULL, '{}'])",
            "ROW(NULL, NULL, NULL, NULL)",
            "ROW('', 0, '', '{}')",
        ],
    ),
    kind(
        "\"My App\".\"Address\"[]",
        &["ARRAY[ROW('a', 1, 'NULL', '{}'), NULL]::\"My App\".\"Address\"[]", "'{}'"],
    ),
    kind("\"My App\".span", &["'[1,2)'", "'empty'", "'(,0.1]'"]),
    kind("integer[]", &["'{}'", "'{1,NULL,3}'", "'[2:3]={1,2}'", "'{{1,2},{3,4}}'"]),
    kind("text[]", &["'{}'", "ARRAY['NULL', NULL, '', 'a,b', '\"', '\\', '{}']", "'[0:0]={x}'"]),
    kind(
        "\"My App\".\"Mood\"[]",
        &[
            "'{}'",
            "ARRAY['so so', NULL, 'it''s \"fine\"']::\"My App\".\"Mood\"[]",
            "'[-1:0]={bad\\,ly,\"NULL\"}'",
            "'{{\"\",NULL}}'",
        ],
    ),
    kind("\"My App\".moods", &["'{}'", "'{\"so so\"}'"]),
    kind("int4range", &["'[1,5)'", "'empty'", "'(,)'"]),
    kind("tstzmultirange", &["'{}'", "'{[2024-01-01 00:00+02,2024-02-01), [2025-01-01,)}'"]),
    kind(
        "timestamptz",
        &["'infinity'", "'-infinity'", "'2024-03-31 01:30:00.123456+01'", "'4713-01-01 BC'"],
    ),
    kind("timestamp", &["'2024-02-29 23:59:59.999999'", "'infinity'"]),
    kind("date", &["'2024-02-29'", "'infinity'"]),
    kind("timetz", &["'12:00:00+02'", "'24:00:00-15:59'"]),
    kind("interval", &["'1 day'", "'24 hours'", "'-1 mon +3 days -04:05:06.789'", "'1 year'"]),
    kind("boolean", &["true", "false"]),
    kind(
        "uuid",
        &["'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    ),
    kind("inet", &["'10.0.0.1/8'", "'::1'"]),
    kind("macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    kind("bit varying(40)", &["B''", "B'1010101010101'"]),
    kind("point", &["'(1.5,-0)'", "'(NaN,Infinity)'"]),
    kind("polygon", &["'((0,0),(1,1),(1,0))'"]),
    kind("tsvector", &["'fat:1A cat:2'", "''"]),
    kind("tsquery", &["'fat & !cat'"]),
    kind("money", &["'12.34'"]),
    kind("regclass", &["'pg_class'", "'pg_proc'"]),
    kind("pg_lsn", &["'16/B374D848'"]),
];

/// A value of a kind by its number; NULL for the last one.
pub fn value(kind: &Kind, which: usize) -> String {
    match kind.values.get(which % (kind.values.len() + 1)) {
        Some(value) => format!("({value})::{}", kind.name),
        None => format!("NULL::{}", kind.name),
    }
}
