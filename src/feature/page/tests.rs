//! Orders, pages and their indexes, without a server.

use super::cursor::{index, query};
use super::order::{total, Column, Index, IndexColumn, Paged};
use crate::error::{Error, Result};
use serde_json::json;

fn table() -> Paged {
    let column = |name: &str, not_null| Column {
        name: name.into(),
        r#type: "integer".into(),
        type_oid: if name == "unsorted" { 0 } else { 23 },
        not_null,
    };
    Paged {
        schema: "s".into(),
        name: "t".into(),
        kind: "r".into(),
        readable: true,
        has_heirs: false,
        tenant_columns: vec![],
        columns: vec![
            column("id", true),
            column("a", true),
            column("n", false),
            column("unsorted", false),
        ],
        indexes: vec![btree("t_pkey", true, &["id"])],
    }
}

fn btree(name: &str, unique: bool, columns: &[&str]) -> Index {
    let column = |name: &&str| {
        let (name, descending) =
            name.strip_prefix('-').map_or((*name, false), |reversed| (reversed, true));
        Some(IndexColumn { name: name.into(), descending, nulls_first: descending })
    };
    Index { name: name.into(), unique, columns: columns.iter().map(column).collect() }
}

fn page(table: &Paged, order: &str, after: Option<serde_json::Value>) -> Result<String> {
    let order = total(table, order, |oid| oid != 0)?;
    query(table, &order, after.as_ref().and_then(|a| a.as_object()), 5)
}

fn needed(table: &Paged, order: &str) -> Option<String> {
    index(table, &total(table, order, |_| true).expect("an order"))
}

#[test]
fn an_order_is_made_total_in_the_direction_of_its_last_column() {
    for (order, sorted) in [
        ("a", "a, id"),
        ("a desc", "a DESC, id DESC"),
        ("id, a desc", "id, a DESC"),
        ("n, a desc nulls last", "n, a DESC, id DESC"),
        ("n DESC NULLS LAST", "n DESC NULLS LAST, id DESC"),
        ("N Asc nulls FIRST", "n NULLS FIRST, id"),
    ] {
        let sql = page(&table(), order, None).expect("an order");
        assert_eq!(sql, format!("SELECT * FROM s.t\nORDER BY {sorted}\nLIMIT 5"), "{order}");
    }
    assert!(matches!(page(&table(), "unsorted", None), Err(Error::BadOrder { .. })));
    assert!(matches!(page(&table(), "b", None), Err(Error::NoSuchColumn { .. })));
}

#[test]
fn a_key_is_unique_and_never_null() {
    let keyless = |indexes| Paged { indexes, ..table() };
    let error = |table: Paged| page(&table, "a", None).err();
    assert!(matches!(error(keyless(vec![])), Some(Error::NoPageKey { .. })));
    let nullable = keyless(vec![btree("u", true, &["a", "n"])]);
    assert!(matches!(error(nullable), Some(Error::NoPageKey { .. })));
    let expression = Index { columns: vec![None], ..btree("u", true, &[]) };
    assert!(matches!(error(keyless(vec![expression])), Some(Error::NoPageKey { .. })));
    assert!(error(keyless(vec![btree("u", true, &["a"])])).is_none());
    let heirs = Paged { has_heirs: true, ..table() };
    assert!(matches!(error(heirs), Some(Error::NoPageKey { .. })));
}

#[test]
fn the_next_page_begins_after_the_row() {
    for (order, after, condition) in [
        ("id", json!({"id": 7}), "id > '7'::integer"),
        ("a", json!({"a": 1, "id": 7}), "(a, id) > ('1'::integer, '7'::integer)"),
        ("a desc", json!({"a": 1, "id": 7}), "(a, id) < ('1'::integer, '7'::integer)"),
        (
            "a, id desc",
            json!({"a": 1, "id": 7}),
            "a >= '1'::integer\n  AND (a > '1'::integer\n   OR a = '1'::integer AND id < '7'::integer)",
        ),
        (
            "n",
            json!({"n": 1, "id": 7}),
            "((n > '1'::integer OR n IS NULL)\n   OR n = '1'::integer AND id > '7'::integer)",
        ),
        ("n", json!({"n": null, "id": 7}), "n IS NULL\n  AND (n IS NULL AND id > '7'::integer)"),
        (
            "n nulls first",
            json!({"n": null, "id": 7}),
            "(n IS NOT NULL\n   OR n IS NULL AND id > '7'::integer)",
        ),
        (
            "n desc",
            json!({"n": 1, "id": 7}),
            "n <= '1'::integer\n  AND (n < '1'::integer\n   OR n = '1'::integer AND id < '7'::integer)",
        ),
    ] {
        let sql = page(&table(), order, Some(after)).expect("a page");
        let found = sql.split("WHERE ").nth(1).and_then(|s| s.split("\nORDER").next());
        assert_eq!(found, Some(condition), "{order}");
    }
    for after in [json!({"id": 7}), json!({"a": null, "id": 7}), json!({"a": {}, "id": 7})] {
        assert!(matches!(page(&table(), "a", Some(after)), Err(Error::BadCursor { .. })));
    }
}

#[test]
fn an_index_is_asked_for_unless_one_serves() {
    let with = |columns: &[&str]| {
        let mut table = table();
        table.indexes.push(btree("i", false, columns));
        table
    };
    assert_eq!(needed(&table(), "id"), None);
    let statement = "CREATE INDEX idx_t_a_id ON s.t (a, id)";
    for order in ["a", "a desc"] {
        assert_eq!(needed(&table(), order).as_deref(), Some(statement), "{order}");
        assert_eq!(needed(&with(&["a", "id"]), order), None);
        assert_eq!(needed(&with(&["-a", "-id", "n"]), order), None);
        assert!(needed(&with(&["a", "-id"]), order).is_some());
        assert!(needed(&with(&["a"]), order).is_some());
    }
    let tenant = Paged { tenant_columns: vec!["n".into()], ..with(&["a", "id"]) };
    let leading = Some("CREATE INDEX idx_t_n_a_id ON s.t (n, a, id)".to_string());
    assert_eq!(needed(&tenant, "a"), leading);
    assert_eq!(needed(&tenant, "a, n"), leading);
}
