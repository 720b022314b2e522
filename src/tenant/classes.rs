//! Operator families and classes, and conversions, as statements in the target schema. Pure.

use super::clone::Clone;
use super::routines::Place;
use crate::catalog::{Class, ClassFunction, ClassOperator, Conversion, Family};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object};

#[must_use]
pub fn create_family(family: &Family, slug: &str) -> String {
    format!(
        "CREATE OPERATOR FAMILY {} USING {}",
        qualified(slug, &family.name),
        quote(&family.method)
    )
}

#[must_use]
pub fn create_class(class: &Class, place: &Place) -> String {
    let mut items = items(&class.operators, &class.functions, place);
    // A class has to have something: its own type, where it stores no other.
    let storage = class.storage.as_ref().or(items.is_empty().then_some(&class.r#type));
    items.extend(storage.map(|t| format!("STORAGE {t}")));
    format!(
        "CREATE OPERATOR CLASS {} {}FOR TYPE {} USING {} FAMILY {} AS\n  {}",
        qualified(place.slug, &class.name),
        if class.default { "DEFAULT " } else { "" },
        class.r#type,
        quote(&class.method),
        qualified(place.slug, &class.family),
        items.join(",\n  ")
    )
}

fn items(operators: &[ClassOperator], functions: &[ClassFunction], place: &Place) -> Vec<String> {
    let operator = |o: &ClassOperator| {
        let schema = if o.name.schema == place.template { place.slug } else { &o.name.schema };
        let sort = o.sort.as_ref().map(|f| format!(" FOR ORDER BY {}", place.named(f)));
        format!(
            "OPERATOR {} {}.{}({}, {}){}",
            o.number,
            quote(schema),
            o.name.name,
            o.left,
            o.right,
            sort.unwrap_or_default()
        )
    };
    let function = |f: &ClassFunction| {
        format!(
            "FUNCTION {} ({}, {}) {}({})",
            f.number,
            f.left,
            f.right,
            place.named(&f.name),
            f.arguments.join(", ")
        )
    };
    operators.iter().map(operator).chain(functions.iter().map(function)).collect()
}

#[must_use]
pub fn create_conversion(conversion: &Conversion, place: &Place) -> String {
    format!(
        "CREATE {}CONVERSION {} FOR {} TO {} FROM {}",
        if conversion.default { "DEFAULT " } else { "" },
        qualified(place.slug, &conversion.name),
        literal(&conversion.from),
        literal(&conversion.to),
        place.named(&conversion.function)
    )
}

impl Clone<'_> {
    /// What is of a family and of no class in it, when all operators and functions are there.
    pub(super) fn family_members(&mut self) {
        for family in &self.template.classes.families {
            let items = items(&family.operators, &family.functions, &self.place);
            if items.is_empty() {
                continue;
            }
            let sql = format!(
                "ALTER OPERATOR FAMILY {} USING {} ADD\n  {}",
                qualified(self.slug(), &family.name),
                quote(&family.method),
                items.join(",\n  ")
            );
            let object = Object::in_schema(Kind::SchemaObject, self.slug(), &family.name);
            let action = format!("complete operator family {}", family.name);
            self.part(object, action, "what is of no class in it", sql);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Named, Schema};

    fn named(schema: &str, name: &str) -> Named {
        Named { schema: schema.into(), name: name.into() }
    }

    #[test]
    fn a_class_names_the_schemas_own_in_the_new_one_and_all_else_where_it_is() {
        let template = Schema { name: "tpl".into(), ..Schema::default() };
        let names = template.names();
        let place = Place { template: "tpl", slug: "acme", path: "acme", names: &names };
        let mut class = Class {
            oid: 1,
            name: "By é".into(),
            method: "btree".into(),
            family: "fam".into(),
            default: true,
            r#type: "mood".into(),
            storage: None,
            operators: vec![],
            functions: vec![],
        };
        let head = "CREATE OPERATOR CLASS acme.\"By é\" DEFAULT FOR TYPE mood USING btree FAMILY acme.fam AS\n  ";
        assert_eq!(create_class(&class, &place), format!("{head}STORAGE mood"));
        class.operators = vec![ClassOperator {
            number: 1,
            name: named("tpl", "<<<"),
            left: "mood".into(),
            right: "mood".into(),
            sort: Some(named("pg_catalog", "integer_ops")),
        }];
        class.functions = vec![ClassFunction {
            number: 1,
            name: named("shared", "compare"),
            arguments: vec!["mood".into(), "mood".into()],
            left: "mood".into(),
            right: "mood".into(),
        }];
        assert_eq!(
            create_class(&class, &place),
            format!(
                "{head}OPERATOR 1 acme.<<<(mood, mood) FOR ORDER BY pg_catalog.integer_ops,\n  FUNCTION 1 (mood, mood) shared.compare(mood, mood)"
            )
        );
    }
}
