//! What the README and the pages of docs/ show is what happens. Every ```sql block of a page runs, in
//! order, in one session of a superuser in an empty database of a server that has no other roles.
//!
//! - A plain ``` fence right after a block is what psql prints: messages and results, blanks at the
//!   ends of lines aside.
//! - A block that starts with `-- refused: 42501` must fail with that SQLSTATE, in its last statement.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock};

use tenant_guard_tests::sql::{execute, rows};
use tenant_guard_tests::{Cluster, Database};

macro_rules! pages {
    ($($name:ident: $path:literal;)*) => {
        const PAGES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../", $path)))),*];
        $(#[test] fn $name() { tells_the_truth($path); })*
    };
}

pages! {
    the_readme: "README.md";
    identity: "docs/identity.md";
    keys: "docs/keys.md";
    vendors: "docs/vendors.md";
    context: "docs/context.md";
    policies: "docs/policies.md";
    conventions: "docs/conventions.md";
    pagination: "docs/pagination.md";
    tenant_summaries: "docs/tenant-summaries.md";
    access: "docs/access.md";
    security_events: "docs/security-events.md";
    audit: "docs/audit.md";
    audit_integrity: "docs/audit-integrity.md";
    classification: "docs/classification.md";
    tenant_schemas: "docs/tenant-schemas.md";
    fleet: "docs/fleet.md";
    destinations: "docs/destinations.md";
    tenant_life: "docs/tenant-life.md";
    changes_and_undo: "docs/changes-and-undo.md";
}

#[derive(Debug, PartialEq)]
struct Block {
    line: usize,
    sql: String,
    refused: Option<String>,
    /// What psql is said to print; None where the page does not say.
    shown: Option<String>,
}

#[track_caller]
fn tells_the_truth(path: &str) {
    let (_, page) = PAGES.iter().find(|(p, _)| *p == path).expect("a page");
    let blocks = blocks(page);
    assert!(blocks.len() > 5, "{path}: are these all of its blocks?");
    let lies = lies(&blocks);
    assert!(lies.is_empty(), "{path}\n{}", lies.join("\n"));
}

/// Runs the blocks and tells where something else happened.
fn lies(blocks: &[Block]) -> Vec<String> {
    let cluster = empty_server();
    let output = run(&Database::empty_in(&cluster), &script(blocks));
    let stdout = by_block(&output.stdout, blocks.len());
    let stderr = by_block(&output.stderr, blocks.len());
    let mut lies = Vec::new();
    for ((block, stdout), stderr) in blocks.iter().zip(&stdout).zip(&stderr) {
        let (stdout, sqlstate) = stdout.rsplit_once(STATE).unwrap_or((stdout, "none"));
        let printed = if block.refused.is_some() {
            format!("{stdout}{stderr}")
        } else {
            format!("{stderr}{stdout}")
        };
        let mut lie = |what: String| lies.push(format!("line {}: {what}", block.line));
        match &block.refused {
            Some(state) if sqlstate.trim() != state || stderr.matches("ERROR:").count() != 1 => {
                lie(format!("not refused with {state}:\n{printed}"));
            }
            None if stderr.contains("ERROR:") => {
                lie(format!("an error:\n{printed}"));
                break; // psql stopped there
            }
            _ => {
                let (printed, shown) = (tidy(&printed), block.shown.as_deref().map(tidy));
                if let Some(shown) = shown.filter(|shown| *shown != printed) {
                    lie(format!("says\n{shown}\nbut psql prints\n{printed}"));
                }
            }
        }
    }
    lies
}

/// The server that the pages take turns in, as it was when it was new: roles belong to a whole server.
fn empty_server() -> MutexGuard<'static, Cluster> {
    static SERVER: OnceLock<Mutex<Cluster>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Mutex::new(Cluster::start()));
    // A page that failed leaves nothing that matters.
    let cluster = server.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut admin = cluster.admin();
    for drop in [
        "SELECT format('DROP DATABASE %I', datname) FROM pg_database
          WHERE datname LIKE 'test%'",
        "SELECT format('DROP ROLE %I', rolname) FROM pg_roles
          WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%'
            AND rolname NOT IN ('app_owner', 'other_owner', 'visitor')",
    ] {
        for row in rows(&mut admin, drop) {
            execute(&mut admin, row[0].as_deref().expect("a statement"));
        }
    }
    cluster
}

const BLOCK: &str = "@@block ";
const STATE: &str = "@@state ";

fn script(blocks: &[Block]) -> String {
    let mut script = String::new();
    for (number, block) in blocks.iter().enumerate() {
        let stop = if block.refused.is_some() { "off" } else { "on" };
        let sql = &block.sql;
        write!(
            script,
            "\\echo {BLOCK}{number}\n\\warn {BLOCK}{number}\n\\set ON_ERROR_STOP {stop}\n{sql}\n\\echo {STATE}:SQLSTATE\n"
        )
        .expect("a string takes all");
    }
    script
}

/// As `Database::paste`, but with messages that do not tell a line of the script.
fn run(database: &Database, script: &str) -> Output {
    let mut psql = database
        .cluster
        .tool("psql", &database.name, "postgres")
        .args(["-X", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql can be started");
    let mut stdin = psql.stdin.take().expect("a pipe");
    let script = script.to_owned();
    let writer = std::thread::spawn(move || {
        // psql closes the pipe at the first error.
        let _ = stdin.write_all(script.as_bytes());
    });
    let output = psql.wait_with_output().expect("psql ends");
    writer.join().expect("the writer ends");
    output
}

/// What was printed in each block; nothing for those that psql did not come to.
fn by_block(printed: &[u8], blocks: usize) -> Vec<String> {
    let printed = String::from_utf8_lossy(printed);
    let mut parts: Vec<String> = printed
        .split(BLOCK)
        .skip(1)
        .map(|part| part.split_once('\n').unwrap_or_default().1.to_owned())
        .collect();
    parts.resize(blocks, String::new());
    parts
}

fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut follows_sql = false;
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            follows_sql &= line.trim().is_empty();
            continue;
        };
        let text: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let text = text.join("\n");
        if language == "sql" {
            let state = text.lines().next().and_then(|l| l.strip_prefix("-- refused: "));
            blocks.push(Block {
                line: number + 1,
                refused: state.map(|s| s.trim().to_owned()),
                sql: text,
                shown: None,
            });
        } else if let Some(block) = blocks.last_mut().filter(|_| follows_sql && language.is_empty())
        {
            block.shown = Some(text);
        }
        follows_sql = language == "sql";
    }
    blocks
}

#[test]
fn a_page_that_lies_is_found_out() {
    for (page, lie) in [
        ("```sql\nSELECT 1 AS n;\n```\n```\n n\n---\n 2\n(1 row)\n```\n", "but psql prints"),
        ("```sql\nSELECT 1/0;\n```\n", "an error"),
        ("```sql\n-- refused: 22012\nSELECT 1;\n```\n", "not refused"),
        ("```sql\n-- refused: 42501\nSELECT 1/0;\n```\n", "not refused"),
        ("```sql\n-- refused: 22012\nSELECT x;\nSELECT 1/0;\n```\n", "not refused"),
        (
            "```sql\n-- refused: 22012\nSELECT 1/0;\n```\n\n```\nERROR:  no\n```\n",
            "but psql prints",
        ),
        ("```sql\nDO $$ BEGIN RAISE NOTICE 'x'; END $$;\n```\n```\n\n```\n", "but psql prints"),
    ] {
        let lies = lies(&blocks(page));
        assert!(lies.len() == 1 && lies[0].contains(lie), "{page}\n{lies:?}");
    }
    let truth = "```sql\n-- refused: 22012\nSELECT 1/0;\n```\n\n```\nERROR:  division by zero\n```\n\
                 ```sql\nDO $$ BEGIN RAISE NOTICE 'x'; END $$;\nSELECT 1 AS n;\n```\n```\nNOTICE:  x\n n\n---\n 1\n(1 row)\n```\n";
    assert_eq!(lies(&blocks(truth)), Vec::<String>::new());
}

#[test]
fn only_a_plain_fence_right_after_the_block_is_its_output() {
    let page = "```sql\nA;\n```\n\n```\na\n```\n```\nnot a\n```\n```sql\nB;\n```\nWords.\n```\nnot b\n```\n```sh\nls\n```\n";
    let shown: Vec<_> = blocks(page).into_iter().map(|b| (b.line, b.sql, b.shown)).collect();
    assert_eq!(shown, [(1, "A;".to_owned(), Some("a".to_owned())), (11, "B;".to_owned(), None)]);
}

/// docs/ERRORS.md spells each message as src/error/ does, placeholders included.
#[test]
fn the_error_catalogue_has_every_message_of_the_extension() {
    let catalogue = include_str!("../../docs/ERRORS.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/error");
    let sources: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let source = sources.replace("\\\"", "'").replace(":?}", "}");
    // The message is the first literal after the code.
    let messages: Vec<&str> =
        source.split("ERRCODE_").skip(1).filter_map(|s| s.split('"').nth(1)).collect();
    assert!(messages.len() > 30, "{messages:?}");
    for message in messages {
        assert!(catalogue.replace('"', "'").contains(&format!("`{message}`")), "{message}");
    }
}

/// `file::test` and `pg_regress/name`, as docs/THREAT_MODEL.md names them.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = include_str!("../../docs/THREAT_MODEL.md");
    let names = page.split('`').skip(1).step_by(2);
    let mut found = 0;
    for name in names.filter(|name| *name != "file::test" && *name != "pg_regress/name") {
        if let Some((file, test)) = name.split_once("::") {
            let sources = ["concurrency", "clients", "identity", "policies", "audit"]
                .map(|folder| tests.join(folder).join(file).with_extension("rs"));
            let source: String =
                sources.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
            let defined = [format!("fn {test}("), format!("    {test}:")];
            assert!(defined.iter().any(|text| source.contains(text)), "{name}");
        } else if let Some(file) = name.strip_prefix("pg_regress/") {
            assert!(
                tests.join("pg_regress/sql").join(file).with_extension("sql").exists(),
                "{name}"
            );
        } else {
            continue;
        }
        found += 1;
    }
    assert!(found > 30, "found only {found} tests");
}

#[test]
fn the_threat_model_names_every_test_of_the_identity() {
    let page = include_str!("../../docs/THREAT_MODEL.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("identity");
    let mut missing = Vec::new();
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).expect("the source can be read");
        for after in source.split("#[test]\n").skip(1) {
            let test = after.split_once("fn ").and_then(|(_, rest)| rest.split('(').next());
            let name = format!("{file}::{}", test.expect("a function"));
            if !page.contains(&format!("`{name}`")) {
                missing.push(name);
            }
            found += 1;
        }
    }
    assert!(found > 80, "found only {found} tests");
    missing.sort();
    assert!(missing.is_empty(), "not in docs/THREAT_MODEL.md:\n{}", missing.join("\n"));
}

/// Those of the workspace, with their versions.
fn dependencies() -> Vec<(&'static str, &'static str)> {
    let manifests = [include_str!("../../Cargo.toml"), include_str!("../Cargo.toml")];
    let mut found = Vec::new();
    for manifest in manifests {
        let mut inside = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                inside = line.trim_end_matches(']').ends_with("dependencies");
            } else if let Some((name, value)) = line.split_once(" = ").filter(|_| inside) {
                let version = value.split('"').nth(1).expect("a version");
                found.push((name.trim(), version));
            }
        }
    }
    found
}

#[test]
fn every_dependency_is_pinned_and_has_its_reason() {
    let page = include_str!("../../CONTRIBUTING.md");
    let table = page.split("\n## Dependencies\n").nth(1).expect("a section");
    let table = table.split("\n## ").next().expect("a section");
    // The first column.
    let rows: Vec<&str> = table.lines().filter_map(|line| line.split('|').nth(1)).collect();
    let dependencies = dependencies();
    assert!(dependencies.len() > 10, "{dependencies:?}");
    for (name, version) in dependencies {
        assert!(version.starts_with('='), "{name} {version}");
        let named = format!("`{name}`");
        let row = rows.iter().find(|row| row.contains(&named));
        let row = row.unwrap_or_else(|| panic!("CONTRIBUTING.md does not name {name}"));
        let after = row.split(&named).nth(1).unwrap_or_default().trim_start();
        if after.starts_with('=') {
            let told = after.split([',', ' ', '|']).next().unwrap_or_default();
            assert_eq!(told, version, "{name}");
        }
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let others = ["CONTRIBUTING.md", "CHANGELOG.md", "docs/ERRORS.md", "docs/THREAT_MODEL.md"];
    for path in PAGES.iter().map(|(path, _)| *path).chain(others) {
        let page = std::fs::read_to_string(root.join(path)).expect(path);
        let folder = root.join(path);
        let folder = folder.parent().expect("a folder");
        for link in page.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            let outside = target.contains("://");
            assert!(outside || folder.join(target).exists(), "{path}: {target}");
        }
    }
}
