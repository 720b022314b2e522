//! The settings of security events.

use super::{Text, ADMINISTRATORS};
use crate::pg::guc;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

/// An application sets it, with SET LOCAL, to the id that its own logs have for the request; a gateway's
/// header x-request-id comes before it.
static REQUEST_ID: Text = Text::new(None);

/// An administrator switches it on where attempts are to stay in the table although their transaction is
/// rolled back, and background workers can be spared for that.
static DURABLE_SECURITY_EVENTS: GucSetting<bool> = GucSetting::<bool>::new(false);

/// An administrator lowers it where many sessions attack at once.
static MAX_REFUSALS_PER_SECOND: GucSetting<i32> = GucSetting::<i32>::new(100);

/// An administrator raises it for an application that notes more.
static MAX_EVENTS_PER_SECOND: GucSetting<i32> = GucSetting::<i32>::new(1_000);

/// In MB. An administrator sets it to what the disk can spare for events that any role may note.
static MAX_SECURITY_EVENT_SIZE: GucSetting<i32> = GucSetting::<i32>::new(1_024);

#[must_use]
pub fn request_id() -> Option<String> {
    let id = guc::with_own_string(&REQUEST_ID, |raw| String::from_utf8_lossy(raw).into_owned());
    (!id.is_empty()).then_some(id)
}

#[must_use]
pub fn durable_security_events() -> bool {
    DURABLE_SECURITY_EVENTS.get()
}

#[must_use]
pub fn max_refusals_per_second() -> u32 {
    MAX_REFUSALS_PER_SECOND.get().unsigned_abs()
}

#[must_use]
pub fn max_events_per_second() -> u32 {
    MAX_EVENTS_PER_SECOND.get().unsigned_abs()
}

#[must_use]
pub fn max_security_event_bytes() -> u64 {
    u64::from(MAX_SECURITY_EVENT_SIZE.get().unsigned_abs()) << 20
}

pub fn define() {
    GucRegistry::define_bool_guc(
        c"tenant_guard.durable_security_events",
        c"Whether refused attempts stay in tenant_guard.security_event although their transaction is rolled back.",
        ADMINISTRATORS,
        &DURABLE_SECURITY_EVENTS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"tenant_guard.request_id",
        c"The request's id, for security events; the header x-request-id comes before it.",
        c"Set by users, with SET LOCAL.",
        &REQUEST_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
    for (name, about, setting, most, flags) in [
        (
            c"tenant_guard.max_refusals_per_second",
            c"How many refused attempts of a session are recorded in a second; the rest is counted.",
            &MAX_REFUSALS_PER_SECOND,
            100_000,
            GucFlags::default(),
        ),
        (
            c"tenant_guard.max_events_per_second",
            c"How many events of log_event a session notes in a second; the rest is counted.",
            &MAX_EVENTS_PER_SECOND,
            1_000_000,
            GucFlags::default(),
        ),
        (
            c"tenant_guard.max_security_event_size",
            c"The size of tenant_guard.security_event from which on log_event notes nothing more of little severity.",
            &MAX_SECURITY_EVENT_SIZE,
            i32::MAX,
            GucFlags::UNIT_MB,
        ),
    ] {
        let context = GucContext::Suset;
        GucRegistry::define_int_guc(
            name, about, ADMINISTRATORS, setting, 0, most, context, flags,
        );
    }
}
