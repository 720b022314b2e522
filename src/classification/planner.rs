//! From the catalog to the plan of `classify`. Pure.

use super::class::Class;
use crate::catalog::Table;
use crate::error::Result;
use crate::pg::ident::literal;
use crate::plan::{Kind, Object, Plan, Step};

/// The one step there is, where the column is not of that class already.
pub fn classify(
    table: &Table,
    column: &str,
    wanted: Option<Class>,
    current: Option<Class>,
) -> Result<Plan> {
    table.require_column(column)?;
    let mut plan = Plan::new("classify", table.qualified());
    if wanted == current {
        return Ok(plan);
    }
    let (action, why) = match wanted {
        Some(class) => (format!("classify column {column} as {}", class.word()), why(class)),
        None => (
            format!("remove the class of column {column}"),
            "what the tables above say counts, and where they say nothing it is shown in no JSON",
        ),
    };
    plan.push(Step::new(
        Object::in_table(Kind::ColumnClass, &table.schema, &table.name, column),
        action,
        why,
        call(table, column, wanted),
        call(table, column, current),
    ));
    Ok(plan)
}

fn why(class: Class) -> &'static str {
    match class {
        Class::Public => "safe_json gives it to clients, log_json to logs",
        Class::Internal => "log_json gives it to logs, and nothing to clients",
        Class::Pii => "log_json masks it, and clients do not get it",
        Class::Secret => "neither clients nor logs get it",
    }
}

fn call(table: &Table, column: &str, class: Option<Class>) -> String {
    let class = class.map_or("NULL".into(), |class| literal(class.word()));
    let (table, column) = (literal(&table.qualified()), literal(column));
    format!("SELECT tenant_guard.register_column_class({table}, {column}, {class})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;
    use crate::error::Error;

    fn table() -> Table {
        let column = |name: &str| Column { name: name.into(), ..Column::default() };
        Table {
            schema: "crm".into(),
            name: "Lead s".into(),
            columns: vec![column("name"), column("it's \\")],
            ..Table::default()
        }
    }

    #[test]
    fn a_step_says_what_it_does_and_how_it_is_taken_back() {
        for (column, wanted, current, sql, undo) in [
            (
                "name",
                Some(Class::Pii),
                None,
                r#"('crm."Lead s"', 'name', 'pii')"#,
                r#"('crm."Lead s"', 'name', NULL)"#,
            ),
            (
                "it's \\",
                None,
                Some(Class::Secret),
                r#"('crm."Lead s"', E'it''s \\', NULL)"#,
                r#"('crm."Lead s"', E'it''s \\', 'secret')"#,
            ),
        ] {
            let plan = classify(&table(), column, wanted, current).unwrap();
            let step = &plan.steps[0];
            let call = |arguments| format!("SELECT tenant_guard.register_column_class{arguments}");
            assert_eq!((&step.sql, step.undo.as_ref()), (&call(sql), Some(&call(undo))));
        }
    }

    #[test]
    fn a_column_that_is_of_the_class_needs_no_step() {
        for class in [None, Some(Class::Public)] {
            assert!(classify(&table(), "name", class, class).unwrap().steps.is_empty());
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_refused() {
        let refused = classify(&table(), "nme", Some(Class::Public), None);
        assert!(matches!(refused, Err(Error::NoSuchColumn { .. })));
    }
}
