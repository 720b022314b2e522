//! Settings: reading any of them by its exact bytes, writing the protected ones, and scoping
//! changes the way a function's SET clause does.

use super::backend;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// Hands the exact bytes of a setting to `f`: None when it was never set in this session.
pub fn with_setting<R>(name: &CStr, f: impl FnOnce(Option<&[u8]>) -> R) -> R {
    // SAFETY: the name is NUL-terminated; the value is owned by the GUC machinery and stays valid
    // until the setting changes, which nothing inside a read helper does.
    unsafe {
        let value = backend::unguarded_config_option(name.as_ptr(), true, false);
        if value.is_null() {
            f(None)
        } else {
            f(Some(CStr::from_ptr(value).to_bytes()))
        }
    }
}

/// As the name is written here: another spelling of it is not found, and nothing is lost by that.
#[cfg(feature = "pg15")]
unsafe fn is_named(entry: *const pg_sys::config_generic, name: &CStr) -> bool {
    // Both end with a zero byte, and neither is read past it.
    name.to_bytes_with_nul()
        .iter()
        .enumerate()
        .all(|(i, byte)| *(*entry).name.add(i) as u8 == *byte)
}

/// A setting that is read for every query: where PostgreSQL keeps it is remembered.
pub struct Frequent {
    name: &'static CStr,
    /// Its place among all settings, and what stands there.
    #[cfg(feature = "pg15")]
    found: std::cell::Cell<Option<(usize, *mut pg_sys::config_generic)>>,
}

impl Frequent {
    #[must_use]
    pub const fn new(name: &'static CStr) -> Self {
        Frequent {
            name,
            #[cfg(feature = "pg15")]
            found: std::cell::Cell::new(None),
        }
    }

    /// As `with_setting`. Version 15 compares the name with those of a dozen settings to find one by its name.
    #[cfg(feature = "pg15")]
    pub fn with<R>(&self, f: impl FnOnce(Option<&[u8]>) -> R) -> R {
        // SAFETY: what stands in the list of all settings is alive, and a placeholder for a name that no module
        // has defined holds a string. It may have moved, or something else may stand in its place: both are seen.
        unsafe {
            let all = backend::unguarded_settings();
            let count = backend::unguarded_settings_count() as usize;
            if let Some((place, entry)) = self.found.get() {
                if place < count
                    && *all.add(place) == entry
                    && (*entry).vartype == pg_sys::config_type::PGC_STRING
                    && is_named(entry, self.name)
                {
                    let value = *(*entry.cast::<pg_sys::config_string>()).variable;
                    return match value.is_null() {
                        true => f(None),
                        false => f(Some(CStr::from_ptr(value).to_bytes())),
                    };
                }
                self.found.set(None);
            }
            with_setting(self.name, |value| {
                if value.is_some() {
                    let place = (0..count).find(|i| is_named(*all.add(*i), self.name));
                    self.found.set(place.map(|i| (i, *all.add(i))));
                }
                f(value)
            })
        }
    }

    /// As `with_setting`.
    #[cfg(not(feature = "pg15"))]
    pub fn with<R>(&self, f: impl FnOnce(Option<&[u8]>) -> R) -> R {
        with_setting(self.name, f)
    }
}

/// The current value of a setting as text, for putting it back later.
#[must_use]
pub fn setting(name: &CStr) -> String {
    with_setting(name, |v| String::from_utf8_lossy(v.unwrap_or_default()).into_owned())
}

/// How long a value is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    Transaction,
    Session,
}

/// Writes a protected (PGC_SUSET) setting of this extension. The caller has checked that the value
/// is true: this is the only door past the protection.
pub fn set_protected(name: &CStr, value: &str, lasting: Lasting) {
    let action = match lasting {
        Lasting::Transaction => pg_sys::GucAction::GUC_ACTION_LOCAL,
        Lasting::Session => pg_sys::GucAction::GUC_ACTION_SET,
    };
    set(name, value, pg_sys::GucContext::PGC_SUSET, action);
}

/// Sets with the caller's own rights, to the end of the transaction, as SET LOCAL does.
pub fn set_local(name: &CStr, value: &str) {
    set(name, value, pg_sys::GucContext::PGC_USERSET, pg_sys::GucAction::GUC_ACTION_LOCAL);
}

/// Writes a protected setting for the rest of the session: no rollback takes it back.
pub fn set_for_good(name: &CStr, value: &str) {
    let (context, action) = (pg_sys::GucContext::PGC_SUSET, pg_sys::GucAction::GUC_ACTION_SET);
    // A value of this source becomes the one that RESET goes back to, and so is on no stack.
    set_from(pg_sys::GucSource::PGC_S_OVERRIDE, name, value, context, action);
}

fn set(
    name: &CStr,
    value: &str,
    context: pg_sys::GucContext::Type,
    action: pg_sys::GucAction::Type,
) {
    set_from(pg_sys::GucSource::PGC_S_SESSION, name, value, context, action);
}

fn set_from(
    source: pg_sys::GucSource::Type,
    name: &CStr,
    value: &str,
    context: pg_sys::GucContext::Type,
    action: pg_sys::GucAction::Type,
) {
    // A value with a NUL cannot come from SQL text; cutting it there is what PostgreSQL would do.
    let value = CString::new(value.split('\0').next().unwrap_or_default()).unwrap_or_default();
    // SAFETY: both strings are NUL-terminated and live through the call, which copies them.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            context,
            source,
            action,
            true,
            0,
            false,
        );
    }
}

/// Values that settings were given before the extension was there to define them. When it does,
/// PostgreSQL takes over what whoever gave it may set, and drops the rest: what an ordinary client gave as
/// it connected, which until then hid the administrator's, and what is no value of the setting. Then the
/// built-in default is left, which is weaker than what was meant.
pub struct Given(Vec<&'static CStr>);

impl Given {
    /// Those of the settings that have a value that RESET would go back to. Asked before defining them.
    #[must_use]
    pub fn to(names: &[&'static CStr]) -> Self {
        Given(names.iter().copied().filter(|name| has_reset_value(name)).collect())
    }

    /// The first whose value was dropped. Asked after defining them.
    #[must_use]
    pub fn not_taken(self) -> Option<&'static CStr> {
        self.0.into_iter().find(|name| !has_reset_value(name))
    }
}

fn has_reset_value(name: &CStr) -> bool {
    // SAFETY: the entry, if there is one, lives until the setting is defined, which nothing does here.
    unsafe { find(name) }
        .is_some_and(|entry| unsafe { (*entry).reset_source } != pg_sys::GucSource::PGC_S_DEFAULT)
}

#[cfg(not(feature = "pg15"))]
unsafe fn find(name: &CStr) -> Option<*mut pg_sys::config_generic> {
    let entry = pg_sys::find_option(name.as_ptr(), false, true, pg_sys::DEBUG5 as i32);
    (!entry.is_null()).then_some(entry)
}

#[cfg(feature = "pg15")]
unsafe fn find(name: &CStr) -> Option<*mut pg_sys::config_generic> {
    let all = pg_sys::get_guc_variables();
    (0..pg_sys::GetNumConfigOptions() as usize).map(|i| *all.add(i)).find(|entry| {
        let found = CStr::from_ptr((**entry).name);
        found.to_bytes().eq_ignore_ascii_case(name.to_bytes())
    })
}

/// Drops what was set under the extension's prefix before it was loaded and is no setting of its.
pub fn reserve_prefix(prefix: &'static CStr) {
    // SAFETY: a NUL-terminated string; called once, after the settings are defined.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) }
}

/// Settings changed through this scope return to what they were when it ends.
pub struct Scope {
    nest_level: i32,
}

impl Scope {
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: only counts up; the matching AtEOXact_GUC is in Drop, or in the transaction's abort.
        Scope { nest_level: unsafe { pg_sys::NewGUCNestLevel() } }
    }

    /// Sets with the caller's own rights, as a function's SET clause does.
    pub fn set(&self, name: &CStr, value: &str) {
        set(name, value, pg_sys::GucContext::PGC_USERSET, pg_sys::GucAction::GUC_ACTION_SAVE);
    }

    /// Pins the schemas that unqualified names resolve to.
    pub fn search_path(&self, path: &str) {
        self.set(c"search_path", path);
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // While an error unwinds, the (sub)transaction's abort restores the settings itself.
        if !std::thread::panicking() {
            // SAFETY: the level was opened by `new`, and nested scopes end before their parent.
            // "Not a commit" restores whatever changed inside, by whichever statement.
            unsafe { pg_sys::AtEOXact_GUC(false, self.nest_level) }
        }
    }
}

/// The bytes of one of the extension's own string settings, without the copy that `get` makes.
pub fn with_own_string<R>(
    setting: &pgrx::GucSetting<Option<CString>>,
    f: impl FnOnce(&[u8]) -> R,
) -> R {
    // SAFETY: the GUC machinery keeps the pointed-to string valid until the setting changes.
    unsafe {
        let value = *setting.as_ptr();
        f(if value.is_null() { b"" } else { CStr::from_ptr(value).to_bytes() })
    }
}
