//! Every setting the extension defines: what it holds, who would set it and why, and its getter.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::{CStr, CString};

/// The organization chosen with `set_org`, with the user it was checked for. Nobody sets it by
/// hand: ordinary roles get "permission denied", and `set_org` writes it after asking the
/// membership table. It ends with the transaction.
static ORG: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub const ORG_NAME: &CStr = c"tenant_guard.org";

/// Larger claims count as none: parsing takes many times their size, and any role may set them. An
/// administrator raises it where tokens are larger.
static MAX_CLAIMS_SIZE: GucSetting<i32> = GucSetting::<i32>::new(65_536);

#[must_use]
pub fn max_claims_size() -> usize {
    usize::try_from(MAX_CLAIMS_SIZE.get()).unwrap_or_default()
}

pub fn define() {
    GucRegistry::define_int_guc(
        c"tenant_guard.max_claims_size",
        c"The size in bytes up to which claims are read; larger ones count as none.",
        c"Set by administrators.",
        &MAX_CLAIMS_SIZE,
        256,
        16 * 1024 * 1024,
        GucContext::Suset,
        GucFlags::UNIT_BYTE,
    );
    GucRegistry::define_string_guc(
        ORG_NAME,
        c"The active organization of the transaction.",
        c"Written by tenant_guard.set_org() after checking the membership; ordinary roles cannot set it.",
        &ORG,
        GucContext::Suset,
        GucFlags::NO_SHOW_ALL | GucFlags::DISALLOW_IN_FILE,
    );
}

/// Hands the stored context to `f` without copying it; empty when none is active.
pub fn with_org<R>(f: impl FnOnce(&[u8]) -> R) -> R {
    crate::pg::guc::with_own_string(&ORG, f)
}
