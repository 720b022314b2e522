//! Writing what is another's, and what is one's own.

use tenant_guard_tests::sql::execute;

use crate::case::Side;
use crate::stage::Asker;
use crate::zoo::Cage;

/// What is refused when a row may not be written, or when a key of another tenant is hit.
const REFUSALS: &[&str] = &["42501", "23505", "23P01", "428C9", "23514", "23502", "23503", "0A000"];

/// Everything that would write another organization's rows. All of it is committed if it gets that far.
#[track_caller]
pub fn others(cage: &Cage, side: Side) {
    let case = cage.case;
    let (table, theirs) = (case.table, side.other());
    let mut asker = cage.asker(side);
    let before = cage.others(side);
    let unchanged =
        |sql: &str| assert_eq!(cage.others(side), before, "{sql}\nchanged what is not its own");

    let insert = case.insert(theirs, theirs.next());
    let over = case.hand_over(theirs);
    for sql in [
        insert.clone(),
        format!("{insert} RETURNING *"),
        format!("{insert} ON CONFLICT DO NOTHING"),
        format!("WITH w AS ({insert} RETURNING 1) SELECT * FROM w"),
    ] {
        asker.refused(&sql, REFUSALS);
    }
    asker.refused(&format!("COPY {table} FROM STDIN"), &["0A000", "42501", "42809"]);
    for sql in [
        format!("UPDATE {table} SET {over}"),
        format!("UPDATE {table} SET {over} RETURNING 1"),
        format!("UPDATE {table} SET {over} WHERE {}", case.row(side.rows()[0])),
        format!("UPDATE {table} AS zoo_row SET {over} FROM (VALUES (1)) v(x) WHERE true RETURNING zoo_row::text"),
    ] {
        match asker.try_commit(&sql) {
            Ok(done) => assert_eq!(done.touched, 0, "{sql}\n{done:?}"),
            Err((code, message)) => assert!(REFUSALS.contains(&code.as_str()), "{sql}\n{code} {message}"),
        }
        unchanged(&sql);
    }
    for n in theirs.rows() {
        let row = case.row(n);
        for sql in [
            format!("UPDATE {table} SET {} WHERE {row}", case.set),
            format!("UPDATE {table} SET {} WHERE {row} RETURNING *", case.set),
            format!("UPDATE {table} SET {} WHERE {row}", case.hand_over(side)),
            format!("DELETE FROM {table} WHERE {row}"),
            format!("DELETE FROM {table} WHERE {row} RETURNING *"),
            format!("WITH w AS (DELETE FROM {table} WHERE {row} RETURNING *) SELECT * FROM w"),
        ] {
            match asker.try_commit(&sql) {
                Ok(done) => assert_eq!((done.touched, done.rows.len()), (0, 0), "{sql}"),
                Err((code, message)) => {
                    assert!(REFUSALS.contains(&code.as_str()), "{sql}\n{code} {message}")
                }
            }
        }
    }
    unchanged("by key");
    upserts(cage, &mut asker, side);
    unchanged("upserts");
    if case.merge {
        merges(cage, &mut asker, side);
        unchanged("merges");
    }
    // A child or partition by itself, and everything at once without a condition.
    let hidden = cage.texts(table, &format!("({}) IS NOT TRUE", case.whose(side)));
    for member in &cage.family {
        for sql in [
            format!("UPDATE {member} AS zoo_row SET {} RETURNING zoo_row::text", case.set),
            format!("DELETE FROM {member} AS zoo_row RETURNING zoo_row::text"),
        ] {
            let Ok(done) = asker.try_out(&sql) else { continue };
            assert!(done.rows.iter().all(|row| !hidden.contains(row)), "{sql}\n{done:?}");
        }
        for sql in [
            format!("UPDATE {member} SET {}", case.set),
            format!("DELETE FROM {member}"),
            format!("UPDATE {member} SET {}", case.hand_over(side)),
        ] {
            let mine = cage.texts(member, &case.whose(side)).len() as u64;
            let Ok(done) = asker.try_out(&sql) else { continue };
            assert!(done.touched <= mine, "{sql}: touched {} of {mine}", done.touched);
        }
    }
    unchanged("children");
}

fn upserts(cage: &Cage, asker: &mut Asker, side: Side) {
    let case = cage.case;
    if case.conflict.is_empty() {
        return;
    }
    let [taken, ..] = side.other().rows();
    let hidden = cage.texts(case.table, &format!("({}) IS NOT TRUE", case.whose(side)));
    for insert in [case.insert(side, taken), case.insert(side.other(), taken)] {
        for tail in [
            format!("ON CONFLICT {} DO UPDATE SET {}", case.conflict, case.set),
            format!("ON CONFLICT {} DO UPDATE SET {} RETURNING *", case.conflict, case.set),
            format!("ON CONFLICT {} DO UPDATE SET {}", case.conflict, case.hand_over(side)),
            "ON CONFLICT DO NOTHING RETURNING *".to_string(),
        ] {
            let sql = format!("{insert} {tail}");
            match asker.try_out(&sql) {
                // With the tenant in the key it is a new row of one's own.
                Ok(done) => assert!(
                    done.rows
                        .iter()
                        .all(|row| !hidden.contains(&format!("({})", row.replace('|', ",")))),
                    "{sql}\n{done:?}"
                ),
                Err((code, message)) => {
                    assert!(REFUSALS.contains(&code.as_str()), "{sql}\n{code} {message}")
                }
            }
            let before = cage.others(side);
            if asker.try_commit(&sql).is_ok() {
                assert_eq!(cage.others(side), before, "{sql}");
                let new = format!(
                    "DELETE FROM {} WHERE {} AND {}",
                    case.table,
                    case.row(taken),
                    case.whose(side)
                );
                execute(&mut cage.database.admin(), &new);
            }
        }
    }
}

fn merges(cage: &Cage, asker: &mut Asker, side: Side) {
    let case = cage.case;
    let (table, theirs) = (case.table, side.other());
    let [taken, ..] = theirs.rows();
    let row = case.row(taken);
    let values = case.fill(case.values, theirs, theirs.next());
    let (columns, values) = match case.tenant.is_empty() || case.generated {
        true => (case.columns.to_string(), values),
        false => (
            format!("{}, {}", case.tenant, case.columns),
            case.fill(&format!("{{t}}, {values}"), theirs, 0),
        ),
    };
    for (matched, action) in [
        (row.clone(), "MATCHED THEN DELETE".to_string()),
        (row.clone(), format!("MATCHED THEN UPDATE SET {}", case.set)),
        ("true".into(), format!("MATCHED THEN UPDATE SET {}", case.hand_over(theirs))),
        ("false".into(), format!("NOT MATCHED THEN INSERT ({columns}) VALUES ({values})")),
    ] {
        let sql =
            format!("MERGE INTO {table} USING (SELECT 1 AS one) s ON {matched} WHEN {action}");
        match asker.try_commit(&sql) {
            Ok(done) => assert_eq!(done.touched, 0, "{sql}"),
            Err((code, message)) => {
                assert!(REFUSALS.contains(&code.as_str()), "{sql}\n{code} {message}")
            }
        }
    }
    let mine = cage.count(&case.whose(side)) as u64;
    for action in [format!("UPDATE SET {}", case.set), "DELETE".to_string()] {
        let sql = format!(
            "MERGE INTO {table} USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN {action}"
        );
        match asker.try_out(&sql) {
            Ok(done) => assert!(done.touched <= mine, "{sql}: touched {} of {mine}", done.touched),
            Err((code, message)) => {
                assert!(REFUSALS.contains(&code.as_str()), "{sql}\n{code} {message}")
            }
        }
    }
}

/// What a member may do with the rows of their own organization, and what not.
#[track_caller]
pub fn own(cage: &Cage, side: Side) {
    let case = cage.case;
    let table = case.table;
    let mut asker = cage.asker(side);
    let before = cage.others(side);
    let mine = cage.count(&case.whose(side)) as u64;
    let next = side.next();

    let mut inserts = vec![case.insert(side, next)];
    if case.has_default() {
        inserts.push(case.insert_unnamed(side, next));
    }
    for insert in &inserts {
        if !case.may('i') {
            asker.refused(insert, &["42501"]);
            continue;
        }
        asker.out(insert);
        if case.may('s') {
            let mut found = asker.out(&format!(
                "{insert}; SELECT zoo_row::text FROM {table} AS zoo_row WHERE {}",
                case.row(next)
            ));
            assert_eq!(found.rows.len(), 1, "{insert}: the new row is not seen");
            found.rows.clear();
        }
        asker.try_commit(insert).unwrap_or_else(|error| panic!("{insert}\n{error:?}"));
        assert_eq!(cage.others(side), before, "{insert}: is somebody else's");
        let gone = format!("DELETE FROM {table} WHERE {} AND {}", case.row(next), case.whose(side));
        execute(&mut cage.database.admin(), &gone);
        assert_eq!(cage.count(&case.row(next)), 0, "{insert}");
    }
    let update = format!("UPDATE {table} SET {}", case.set);
    let delete = format!("DELETE FROM {table}");
    for (letter, sql) in [('u', update.clone()), ('d', delete.clone())] {
        let expected = if case.may(letter) { mine } else { 0 };
        let done = asker.try_out(&sql);
        match done {
            Ok(done) => assert_eq!(done.touched, expected, "{sql}"),
            Err(error) => panic!("{sql}\n{error:?}"),
        }
    }
    if case.may('u') && case.may('s') {
        let returning = format!("{update} RETURNING 1");
        assert_eq!(asker.out(&returning).rows.len() as u64, mine, "{returning}");
    }
    // With everything committed the others' rows are still what they were.
    asker.try_commit(&update).unwrap_or_else(|error| panic!("{update}\n{error:?}"));
    assert_eq!(cage.others(side), before, "{update}");
    asker.try_commit(&delete).unwrap_or_else(|error| panic!("{delete}\n{error:?}"));
    assert_eq!(cage.others(side), before, "{delete}");
    put_back(cage, side);
}

/// The rows that the side had at the start.
fn put_back(cage: &Cage, side: Side) {
    let case = cage.case;
    let mut admin = cage.database.admin();
    execute(&mut admin, &format!("DELETE FROM {} WHERE {}", case.table, case.whose(side)));
    for n in side.rows() {
        execute(&mut admin, &case.rows_of(side, n));
    }
}
