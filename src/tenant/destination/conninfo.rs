//! Connection strings, as libpq reads them, looked at for what must not be in one. Pure.

use std::collections::BTreeSet;

/// What libpq would take for a secret.
const SECRETS: &[&str] =
    &["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];

/// What else libpq knows, as of PostgreSQL 18. Whatever it does not know may be a secret misspelled.
const KNOWN: &[&str] = &[
    "application_name",
    "authtype",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "ssl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "tty",
    "user",
];

/// What is wrong with it; None where nothing is.
#[must_use]
pub fn fault(conninfo: &str) -> Option<String> {
    let found = if conninfo.starts_with("postgresql://") || conninfo.starts_with("postgres://") {
        in_uri(conninfo)
    } else {
        in_pairs(conninfo)
    };
    let pairs = match found {
        Ok(pairs) => pairs,
        Err(why) => return Some(why.into()),
    };
    let keyword = |among: &[&str]| pairs.iter().find(|(k, _)| among.contains(&k.as_str()));
    if let Some((secret, _)) = keyword(SECRETS) {
        return Some(format!("It holds a secret, {secret}, which everybody would read who may read this table, its dumps and the journal"));
    }
    if pairs.is_empty() {
        return Some("It says nothing".into());
    }
    if let Some((unknown, _)) = pairs.iter().find(|(k, _)| !KNOWN.contains(&k.as_str())) {
        return Some(format!("libpq knows no {unknown}"));
    }
    let broken = |(_, value): &&(String, String)| value.chars().any(char::is_control);
    pairs.iter().find(broken).map(|(keyword, _)| {
        format!(
            "The value of {keyword} has control characters, which no file of a pooler could hold"
        )
    })
}

/// What stands in `host=... dbname='...'`; None for a URI.
#[must_use]
pub fn pairs(conninfo: &str) -> Option<Vec<(String, String)>> {
    in_pairs(conninfo).ok()
}

fn in_pairs(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let (keyword, value) =
            rest.split_once('=').ok_or("It has a word without a value: write keyword=value")?;
        let keyword = keyword.trim_matches(is_space);
        if keyword.is_empty() || !keyword.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err("It has a keyword that is none");
        }
        let (value, behind) = take_value(value.trim_start_matches(is_space))?;
        pairs.push((keyword.to_ascii_lowercase(), value));
        rest = behind.trim_start_matches(is_space);
    }
    Ok(pairs)
}

/// As C's isspace, which libpq asks.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// A value without its quotes and backslashes, and what is behind it.
fn take_value(text: &str) -> Result<(String, &str), &'static str> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(usize::from(quoted)) {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' if quoted => return Ok((value, &text[i + 1..])),
            c if !quoted && is_space(c) => return Ok((value, &text[i..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err("A quoted value in it has no end");
    }
    if escaped {
        return Err("It ends with a backslash, which would take whatever is put behind it");
    }
    Ok((value, ""))
}

fn in_uri(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let mut pairs = Vec::new();
    // Of a user is what comes first of @ and /; in a password may be anything else, also a ?.
    let mut place = rest;
    if let Some(at) = rest.find(['@', '/']).filter(|i| rest[*i..].starts_with('@')) {
        let user = &rest[..at];
        place = &rest[at + 1..];
        let (user, password) = user.split_once(':').map_or((user, None), |(u, p)| (u, Some(p)));
        pairs.push(("user".to_string(), decoded(user)?));
        pairs.extend(password.map(|_| ("password".to_string(), String::new())));
    }
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let (host, database) = place.split_once('/').unwrap_or((place, ""));
    pairs.push(("host".to_string(), decoded(host)?));
    pairs.push(("dbname".to_string(), decoded(database)?));
    for parameter in query.split('&').filter(|p| !p.is_empty()) {
        let (keyword, value) =
            parameter.split_once('=').ok_or("It has a parameter without a value")?;
        pairs.push((decoded(keyword)?.to_ascii_lowercase(), decoded(value)?));
    }
    Ok(pairs)
}

/// `%70assword` is a password too.
fn decoded(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "It has a % that no two hexadecimal digits follow";
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or(BAD)?, rest.next().ok_or(BAD)?];
        let digits = std::str::from_utf8(&digits).map_err(|_| BAD)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| BAD)?);
    }
    String::from_utf8(bytes).map_err(|_| BAD)
}

/// A line of PgBouncer's [databases]: a pool's name, and where it leads.
#[must_use]
pub fn pool_line(name: &str, conninfo: &str, database: Option<&str>) -> String {
    let name = format!("\"{}\"", name.replace('"', "\"\""));
    let value = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let by_hand = |why| format!("; {name} is to be written by hand: {why}");
    let Some(pairs) = pairs(conninfo) else { return by_hand("its conninfo is a URI") };
    // Of two values for a keyword libpq takes the last.
    let given =
        |keyword: &str| pairs.iter().rev().find(|(k, _)| k == keyword).map(|(_, v)| v.as_str());
    if given("service").is_some() || given("servicefile").is_some() {
        return by_hand("its conninfo is a service, which PgBouncer does not look up");
    }
    let parts = [
        ("host", given("hostaddr").or(given("host"))),
        ("port", given("port")),
        // Without one libpq takes the user's name, and PgBouncer the pool's.
        ("dbname", database.or(given("dbname")).or(given("user"))),
    ];
    parts.iter().fold(format!("{name} ="), |line, (keyword, given)| match given {
        Some(given) => format!("{line} {keyword}={}", value(given)),
        None => line,
    })
}

/// Of two pools of one name PgBouncer would take the second, and of its own name none: these are no lines of its file.
#[must_use]
pub fn pool_lines(pools: &[(String, String, Option<String>)]) -> Vec<String> {
    let mut taken = BTreeSet::from(["pgbouncer"]);
    let line = |(name, conninfo, database): &'_ (String, String, Option<String>), free: bool| {
        let line = pool_line(name, conninfo, database.as_deref());
        match free || line.starts_with(';') {
            true => line,
            false => format!("; give it another name, which is taken: {line}"),
        }
    };
    let mut lines = Vec::new();
    for pool in pools {
        lines.push(line(pool, taken.insert(pool.0.as_str())));
    }
    lines
}

/// A value as it stands in a keyword=value string.
#[must_use]
pub fn value(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_place_is_taken() {
        for good in [
            "host=db1.example.com port=5432 dbname=app user=router",
            "service=eu1",
            "host = db1 dbname = 'a b'",
            r"host=db1 dbname='it\'s password=x'",
            r"host=db1 dbname=password\ =x",
            "postgresql://router@db1:5432/app?sslmode=verify-full",
            "postgres://db1,db2:6432/app",
            "host=db1 passfile=/etc/router.pgpass",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        for bad in [
            "host=db1 password=x",
            "password = 'x' host=db1",
            "host=db1 PASSWORD=x",
            "host='a' sslpassword=x",
            r"host='a\\' password=x",
            "host=a\tpassword=x",
            "postgresql://router:secret@db1/app",
            "postgres://router:@db1/app",
            "postgresql://db1/app?sslmode=require&password=x",
            "postgresql://db1/app?%70assword=x",
            "host=a\u{b}password=x",
            "postgres://router:a?b=c@db1/app",
            "postgres://router:a@b@db1/app",
            "postgres://:x@/app",
        ] {
            assert!(fault(bad).is_some_and(|why| why.contains("secret")), "{bad}");
        }
    }

    #[test]
    fn what_libpq_would_not_read_is_refused() {
        for bad in [
            "",
            "  ",
            "db1",
            "host='db1",
            "host=db1 x",
            "=x",
            "postgresql://db1/a?%7=x",
            "host=db1 passwd=x",
            "host=db1 user=x\\",
            "postgresql://db1/a?pasword=x",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_value_is_one_line() {
        for bad in
            ["host='a\nb = host=evil' port=1", "host=db1 dbname=a\\\nb", "postgres://db1/a%0Ab"]
        {
            assert!(fault(bad).is_some_and(|why| why.contains("control")), "{bad}");
        }
        assert_eq!(fault("host=db1\n\tport=1"), None);
    }

    #[test]
    fn a_pool_leads_where_the_connection_string_does() {
        assert_eq!(
            pool_line("eu1", r"host=db1 port=5433 dbname='a\'b' user=x", None),
            "\"eu1\" = host='db1' port='5433' dbname='a''b'"
        );
        assert_eq!(
            pool_line("a\"b", "host=db1 dbname=postgres", Some("it's")),
            "\"a\"\"b\" = host='db1' dbname='it''s'"
        );
        assert_eq!(
            pool_line("eu1", "hostaddr=10.0.0.1 host=db1 user=app", None),
            "\"eu1\" = host='10.0.0.1' dbname='app'"
        );
        for by_hand in ["postgresql://db1/app", "service=eu1 dbname=app"] {
            assert!(pool_line("eu1", by_hand, None).starts_with("; "), "{by_hand}");
        }
    }

    #[test]
    fn a_pools_name_is_given_once() {
        let pool = |name: &str, host: &str| (name.to_string(), format!("host={host}"), None);
        let lines = pool_lines(&[pool("acme", "a"), pool("acme", "b"), pool("pgbouncer", "c")]);
        assert_eq!(lines[0], "\"acme\" = host='a'");
        assert!(lines[1..].iter().all(|line| line.starts_with("; ")), "{lines:?}");
    }
}
