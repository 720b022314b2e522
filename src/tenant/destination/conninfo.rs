//! Connection strings, as libpq reads them, looked at for what must not be in one. Pure.

/// What libpq would take for a secret.
const SECRETS: &[&str] =
    &["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];

/// What is wrong with it; None where nothing is.
#[must_use]
pub fn fault(conninfo: &str) -> Option<String> {
    let found = if conninfo.starts_with("postgresql://") || conninfo.starts_with("postgres://") {
        in_uri(conninfo)
    } else {
        in_pairs(conninfo).map(|pairs| pairs.into_iter().map(|(keyword, _)| keyword).collect())
    };
    match found {
        Ok(keywords) if keywords.is_empty() => Some("It says nothing".into()),
        Ok(keywords) => keywords
            .iter()
            .find(|k| SECRETS.contains(&k.as_str()))
            .map(|k| format!("It holds a secret, {k}, which everybody would read who may read this table, its dumps and the journal")),
        Err(why) => Some(why.into()),
    }
}

/// What stands in `host=... dbname='...'`; None for a URI.
#[must_use]
pub fn pairs(conninfo: &str) -> Option<Vec<(String, String)>> {
    in_pairs(conninfo).ok()
}

fn in_pairs(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (keyword, value) =
            rest.split_once('=').ok_or("It has a word without a value: write keyword=value")?;
        let keyword = keyword.trim();
        if keyword.is_empty() || !keyword.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err("It has a keyword that is none");
        }
        let (value, behind) = take_value(value.trim_start())?;
        pairs.push((keyword.to_ascii_lowercase(), value));
        rest = behind.trim_start();
    }
    Ok(pairs)
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
            c if !quoted && c.is_ascii_whitespace() => return Ok((value, &text[i..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err("A quoted value in it has no end");
    }
    Ok((value, ""))
}

fn in_uri(text: &str) -> Result<Vec<String>, &'static str> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let mut keywords = vec!["host".to_string()];
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        keywords.push("password".into());
    }
    for parameter in query.split('&').filter(|p| !p.is_empty()) {
        let (keyword, _) = parameter.split_once('=').ok_or("It has a parameter without a value")?;
        keywords.push(decoded(keyword)?.to_ascii_lowercase());
    }
    Ok(keywords)
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
    let Some(pairs) = pairs(conninfo) else {
        return format!("; {name} is to be written by hand: its conninfo is a URI");
    };
    let mut line = format!("{name} =");
    for (keyword, given) in &pairs {
        match keyword.as_str() {
            "host" | "hostaddr" => line += &format!(" host={}", value(given)),
            "port" => line += &format!(" port={}", value(given)),
            "dbname" if database.is_none() => line += &format!(" dbname={}", value(given)),
            _ => {}
        }
    }
    if let Some(database) = database {
        line += &format!(" dbname={}", value(database));
    }
    line
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
        ] {
            assert!(fault(bad).is_some_and(|why| why.contains("secret")), "{bad}");
        }
    }

    #[test]
    fn what_libpq_would_not_read_is_refused() {
        for bad in ["", "  ", "db1", "host='db1", "host=db1 x", "=x", "postgresql://db1/a?%7=x"] {
            assert!(fault(bad).is_some(), "{bad}");
        }
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
        assert!(pool_line("eu1", "postgresql://db1/app", None).starts_with("; "));
    }
}
