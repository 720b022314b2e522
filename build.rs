//! Turns the doc comments of the SQL functions into SQL COMMENTs: pgrx does not, and what a
//! function returns and raises should be one `\df+` away.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

const OUTPUT: &str = "sql/comments.sql";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed={OUTPUT}");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut comments = Vec::new();
    for file in rust_files(&root.join("src"))? {
        collect(&syn::parse_file(&fs::read_to_string(&file)?)?.items, &mut comments);
    }
    comments.sort();
    let output = root.join(OUTPUT);
    let sql = script(&comments)?;
    // Untouched when nothing changed, or cargo would build again and again.
    if fs::read_to_string(&output).ok().as_deref() != Some(&sql) {
        fs::write(&output, sql)?;
    }
    Ok(())
}

fn rust_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The name and the doc comment of every function that SQL sees.
fn collect(items: &[syn::Item], comments: &mut Vec<(String, String)>) {
    for item in items {
        let syn::Item::Fn(function) = item else {
            continue;
        };
        let is = |name: &str| {
            function.attrs.iter().any(|a| a.path().segments.last().is_some_and(|s| s.ident == name))
        };
        if !is("pg_extern") && !is("pg_trigger") {
            continue;
        }
        let lines: Vec<String> = function.attrs.iter().filter_map(doc_line).collect();
        comments.push((function.sig.ident.to_string(), lines.join("\n").trim().to_string()));
    }
}

fn doc_line(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else {
        return None;
    };
    meta.path.is_ident("doc").then(|| {
        let text = text.value();
        text.strip_prefix(' ').unwrap_or(&text).to_string()
    })
}

/// One statement for all: no function of the extension is overloaded, so a name is enough.
fn script(comments: &[(String, String)]) -> Result<String, std::fmt::Error> {
    let mut sql = String::from(
        "-- Made by build.rs from the doc comments in src/. Not for editing.\n\
         DO $script$\nDECLARE\n  f record;\nBEGIN\n  FOR f IN\n    SELECT p.oid::regprocedure AS signature, c.comment\n    FROM (VALUES\n",
    );
    for (position, (name, comment)) in comments.iter().enumerate() {
        let separator = if position == 0 { "" } else { ",\n" };
        write!(sql, "{separator}      ('{name}', $comment${comment}$comment$)")?;
    }
    sql.push_str(
        "\n    ) c(name, comment)\n    JOIN pg_catalog.pg_proc p ON p.proname = c.name\n    \
         WHERE p.pronamespace = 'tenant_guard'::regnamespace\n  LOOP\n    \
         EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', f.signature, f.comment);\n  \
         END LOOP;\nEND\n$script$;\n",
    );
    Ok(sql)
}
