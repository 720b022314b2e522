use super::*;

fn column(number: i16, name: &str) -> Column {
    Column { number, name: name.into(), is_uuid: name == PUBLIC_ID }
}

fn key_column(name: &str, alone: bool, refers: bool) -> KeyColumn {
    KeyColumn { name: name.into(), is_id: name != "created_at", refers, alone }
}

/// `pairs`: the column, the one there, and whether that is an id.
fn foreign_key(table: u32, public_id: Option<i16>, pairs: &[(&str, &str, bool)]) -> ForeignKey {
    let pair = |(column, referenced, is_key): &(&str, &str, bool)| Pair {
        column: (*column).into(),
        referenced: (*referenced).into(),
        number: 1,
        operator: ("pg_catalog".into(), "=".into()),
        is_key: *is_key,
    };
    ForeignKey {
        table,
        schema: "crm".into(),
        name: "Other s".into(),
        public_id,
        pairs: pairs.iter().map(pair).collect(),
    }
}

/// A lead: id, public_id, name, owner_id, organization_id, email.
fn leads(foreign_keys: Vec<ForeignKey>) -> About {
    let names = ["id", "public_id", "name", "owner_id", "organization_id", "email"];
    About {
        columns: names.iter().zip(1..).map(|(name, number)| column(number, name)).collect(),
        key: vec![key_column("id", true, false)],
        foreign_keys,
    }
}

fn all(class: Class) -> Vec<(i16, Class)> {
    (1..=6).map(|number| (number, class)).collect()
}

fn shown(fields: &[Field]) -> Vec<String> {
    let how = |field: &Field| match &field.how {
        How::Given => String::new(),
        How::Masked => " masked".into(),
        How::Replaced(reference) => format!(" by {:?}", reference.columns),
    };
    fields.iter().map(|f| format!("{}={}{}", f.key, f.attribute, how(f))).collect()
}

fn clients(about: &About, classes: &[(i16, Class)]) -> Vec<String> {
    shown(&for_clients(about, classes, &HashSet::new()))
}

#[test]
fn clients_get_what_is_public_and_the_public_id_for_an_id() {
    let about = leads(vec![]);
    assert_eq!(clients(&about, &[(3, Class::Public), (6, Class::Pii)]), ["id=2", "name=3"]);
    let everything = ["id=2", "name=3", "owner_id=4", "organization_id=5", "email=6"];
    assert_eq!(clients(&about, &all(Class::Public)), everything);
    for class in [Class::Internal, Class::Pii, Class::Secret] {
        assert_eq!(clients(&about, &[(2, class), (3, Class::Public)]), ["name=3"]);
    }
}

#[test]
fn without_a_public_id_the_key_is_a_column_like_others() {
    let mut about = leads(vec![]);
    about.columns.remove(1);
    assert_eq!(clients(&about, &[(1, Class::Public), (3, Class::Public)]), ["id=1", "name=3"]);
    // Nor is it one of another type.
    about.columns.insert(1, Column { is_uuid: false, ..column(2, PUBLIC_ID) });
    assert_eq!(clients(&about, &all(Class::Public))[..2], ["id=1", "public_id=2"]);
}

#[test]
fn a_key_of_another_name_stays_inside_and_a_time_in_it_does_not() {
    let mut about = leads(vec![]);
    about.columns[2].name = "lead_no".into();
    about.columns[5].name = "created_at".into();
    about.key = vec![key_column("lead_no", false, false), key_column("created_at", false, false)];
    let given = ["id=2", "owner_id=4", "organization_id=5", "created_at=6"];
    assert_eq!(clients(&about, &all(Class::Public)), given);
}

#[test]
fn a_foreign_key_is_the_public_id_of_what_it_refers_to() {
    let owner = foreign_key(9, Some(2), &[("owner_id", "id", true)]);
    let about = leads(vec![owner.clone()]);
    let fields = for_clients(&about, &[(4, Class::Public)], &HashSet::new());
    assert_eq!(shown(&fields), ["id=2", "owner_id=4 by [4]"]);
    let How::Replaced(reference) = &fields[1].how else { panic!("not replaced") };
    let sql = "SELECT r.public_id::pg_catalog.uuid FROM crm.\"Other s\" r WHERE r.id OPERATOR(pg_catalog.=) $1";
    assert_eq!((reference.sql.as_str(), &reference.reads), (sql, &vec![1, 2]));
    // Nobody but the table that it refers to says that its public id is none.
    let withheld = HashSet::from([9]);
    assert_eq!(shown(&for_clients(&about, &[(4, Class::Public)], &withheld)), ["id=2"]);
    // What refers to the public id is one.
    let about = leads(vec![foreign_key(9, Some(2), &[("owner_id", "public_id", false)])]);
    assert_eq!(clients(&about, &[(4, Class::Public)]), ["id=2", "owner_id=4"]);
    let about = leads(vec![foreign_key(9, None, &[("owner_id", "id", true)])]);
    assert_eq!(clients(&about, &[(4, Class::Public)]), ["id=2", "owner_id=4"]);
}

#[test]
fn of_a_foreign_key_with_the_tenant_in_it_the_id_is_replaced_and_the_tenant_is_not() {
    for tenant_is_key in [true, false] {
        let about = leads(vec![foreign_key(
            9,
            Some(2),
            &[("organization_id", "organization_id", tenant_is_key), ("owner_id", "id", true)],
        )]);
        let given = ["id=2", "owner_id=4 by [5, 4]", "organization_id=5"];
        assert_eq!(clients(&about, &[(4, Class::Public), (5, Class::Public)]), given);
    }
    // Where both columns have the names that they have there, neither is given.
    let about = leads(vec![foreign_key(
        9,
        Some(2),
        &[("organization_id", "organization_id", true), ("owner_id", "owner_id", true)],
    )]);
    let given = ["id=2", "owner_id=4 by [5, 4]", "organization_id=5 by [5, 4]"];
    assert_eq!(clients(&about, &[(4, Class::Public), (5, Class::Public)]), given);
}

#[test]
fn a_key_that_is_a_foreign_key_is_replaced_or_else_stays_inside() {
    let mut about = leads(vec![foreign_key(9, Some(2), &[("owner_id", "id", true)])]);
    about.key = vec![key_column("owner_id", true, true)];
    assert_eq!(clients(&about, &[(4, Class::Public)]), ["id=2", "owner_id=4 by [4]"]);
    about.foreign_keys[0].public_id = None;
    assert_eq!(clients(&about, &[(4, Class::Public)]), ["id=2"]);
    // One of several, such as the tenant, is no id of the row.
    about.key = vec![key_column("organization_id", false, true), key_column("id", false, false)];
    assert_eq!(clients(&about, &[(5, Class::Public)]), ["id=2", "organization_id=5"]);
}

#[test]
fn logs_get_pii_masked_and_no_secret_and_nothing_that_is_not_classified() {
    let classes = [(1, Class::Internal), (3, Class::Public), (4, Class::Secret), (6, Class::Pii)];
    let given = ["id=1", "name=3", "email=6 masked"];
    assert_eq!(shown(&for_logs(&leads(vec![]), &classes)), given);
    assert!(for_logs(&leads(vec![]), &[]).is_empty());
}
