//! Who may do what, by command: the option `permissions`.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Any member of the organization.
const MEMBER: &str = "member";
/// Whoever `owner_column` names.
const OWN: &str = "own";
const COMMANDS: &[&str] = &["select", "insert", "update", "delete"];

/// For each command the words that permit it, one of which is enough; none: nobody may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    #[serde(default)]
    select: Vec<String>,
    #[serde(default)]
    insert: Vec<String>,
    #[serde(default)]
    update: Vec<String>,
    #[serde(default)]
    delete: Vec<String>,
}

/// What permits a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    Nobody,
    /// Any member.
    Members,
    Only {
        /// The row's owner.
        own: bool,
        /// Members who have one of these.
        roles: Vec<String>,
        permissions: Vec<String>,
    },
}

impl Permissions {
    /// From what the user gave: an object of commands, each with a word or an array of words.
    pub fn parse(json: &Value) -> Result<Self> {
        let refuse = |why: String, hint: &str| {
            Err(Error::WrongOption { option: "permissions", why, hint: hint.into() })
        };
        let example = r#"For example {"select": "member", "update": ["owner", "admin"], "delete": "leads:delete"}."#;
        let Value::Object(commands) = json else {
            return refuse("it is no JSON object".into(), example);
        };
        let mut permissions = Permissions::default();
        for (command, words) in commands {
            let place = match command.as_str() {
                "select" => &mut permissions.select,
                "insert" => &mut permissions.insert,
                "update" => &mut permissions.update,
                "delete" => &mut permissions.delete,
                _ => {
                    return refuse(
                        format!("\"{command}\" is no command"),
                        &format!("The commands are {}, in lower case.", COMMANDS.join(", ")),
                    )
                }
            };
            let words = match words {
                Value::String(word) => vec![word.clone()],
                Value::Array(words) if words.iter().all(Value::is_string) => {
                    words.iter().filter_map(Value::as_str).map(str::to_string).collect()
                }
                Value::Null => vec![],
                _ => {
                    return refuse(
                        format!("what \"{command}\" has is neither a word nor an array of words"),
                        example,
                    )
                }
            };
            if words.iter().any(|word| word.trim().is_empty()) {
                return refuse(format!("\"{command}\" has an empty word"), example);
            }
            *place = words;
        }
        Ok(permissions)
    }

    /// Whether some command is for the row's owner.
    #[must_use]
    pub fn need_an_owner(&self) -> bool {
        [&self.select, &self.insert, &self.update, &self.delete]
            .iter()
            .any(|words| words.iter().any(|w| w == OWN) && !words.iter().any(|w| w == MEMBER))
    }

    #[must_use]
    pub fn who(&self, command: &str) -> Who {
        let words = match command {
            "SELECT" => &self.select,
            "INSERT" => &self.insert,
            "UPDATE" => &self.update,
            _ => &self.delete,
        };
        if words.is_empty() {
            return Who::Nobody;
        }
        if words.iter().any(|w| w == MEMBER) {
            return Who::Members;
        }
        let others = || words.iter().filter(|w| *w != OWN).cloned();
        Who::Only {
            own: words.iter().any(|w| w == OWN),
            roles: others().filter(|w| !is_permission(w)).collect(),
            permissions: others().filter(|w| is_permission(w)).collect(),
        }
    }
}

/// `leads:write` and `*` are permissions, `admin` is a role.
fn is_permission(word: &str) -> bool {
    word.contains(':') || word.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_command_has_its_words_and_one_that_is_not_named_is_nobodys() {
        let p = Permissions::parse(&json!({"select": "member", "insert": null,
            "update": ["own", "admin", "leads:write"]}))
        .unwrap();
        assert_eq!(p.who("SELECT"), Who::Members);
        assert_eq!(p.who("INSERT"), Who::Nobody);
        assert_eq!(p.who("DELETE"), Who::Nobody);
        let only = Who::Only {
            own: true,
            roles: vec!["admin".into()],
            permissions: vec!["leads:write".into()],
        };
        assert_eq!(p.who("UPDATE"), only);
        assert!(p.need_an_owner());
    }

    #[test]
    fn what_is_no_permissions_object_is_refused() {
        for wrong in [
            json!("member"),
            json!(["select"]),
            json!({"selct": "member"}),
            json!({"SELECT": "member"}),
            json!({"select": 1}),
            json!({"select": [1]}),
            json!({"select": ""}),
            json!({"select": {"role": "x"}}),
        ] {
            let refused = Permissions::parse(&wrong);
            assert!(
                matches!(refused, Err(Error::WrongOption { option: "permissions", .. })),
                "{wrong}"
            );
        }
    }
}
