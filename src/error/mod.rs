//! Every failure the extension raises: one enum. `messages.rs` and the files beside it turn it into SQLSTATE,
//! message, DETAIL and HINT; the catalogue for users is docs/ERRORS.md.

mod audit;
mod context;
mod convert;
mod features;
mod fleet;
mod identity;
mod messages;
mod policies;
mod tenant;

use crate::identity::Refusal;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The regclass given names nothing (any more).
    NoSuchTable {
        oid: u32,
    },
    NoTableNamed {
        table: String,
    },
    NoSuchColumn {
        table: String,
        column: String,
        columns: Vec<String>,
    },
    WrongRelationKind {
        relation: String,
        kind: &'static str,
        wanted: &'static str,
        hint: String,
    },
    SystemTable {
        table: String,
    },
    WrongColumnType {
        table: String,
        column: String,
        found: String,
        wanted: &'static str,
    },
    NotOwner {
        object: String,
        owner: String,
        caller: String,
    },
    NotPermitted {
        what: String,
        detail: String,
        hint: String,
    },
    NullArgument {
        function: &'static str,
        argument: &'static str,
    },
    UnknownOption {
        option: &'static str,
        value: String,
        allowed: &'static [&'static str],
    },
    /// Options of one call that do not go together, or one that is not what it should be.
    WrongOption {
        option: &'static str,
        why: String,
        hint: String,
    },
    /// What PostgreSQL said about a condition that was given.
    BadCondition {
        option: &'static str,
        code: pgrx::PgSqlErrorCode,
        message: String,
    },
    /// Several ways of foreign keys to the tenant, none shorter than the others.
    AmbiguousPath {
        table: String,
        paths: Vec<String>,
        columns: Vec<String>,
    },
    NoPath {
        table: String,
        via: String,
        tenant_column: String,
    },
    /// A column of ids under a collation that takes different spellings for one.
    FuzzyColumn {
        table: String,
        column: String,
    },
    LockTimeout {
        table: String,
    },
    /// What the catalog has of it was gone before all of it was read.
    ChangedWhileRead {
        object: String,
    },
    TenantKept {
        table: String,
        column: String,
    },
    NotKeepTenantTrigger,
    Unprotected {
        object: String,
        why: String,
        schema: String,
        fix: String,
    },
    NoSuchRole {
        role: String,
    },
    ExistingPolicies {
        table: String,
        policies: Vec<String>,
    },
    OutsideTransaction {
        operation: String,
        sql: String,
    },
    NoIdentity {
        what: &'static str,
    },
    NoMembershipTable,
    /// What was registered, and is not there any more.
    MembershipTableGone {
        table: String,
    },
    ProjectTableGone,
    OrganizationTableGone,
    NoneClaimed,
    IdIsNoUuid {
        what: &'static str,
        id: String,
    },
    NotMember {
        organization: String,
        why: &'static str,
    },
    Suspended {
        organization: String,
    },
    NoOrganization {
        why: &'static str,
    },
    NoProject,
    NoProjectTable,
    NotItsProject {
        project: String,
        organization: String,
    },
    RoleMissing {
        wanted: Vec<String>,
        held: Vec<String>,
    },
    PermissionMissing {
        permission: String,
        roles: Vec<String>,
    },
    RoleCycle {
        way: Vec<String>,
    },
    BadPermission {
        role: String,
        name: String,
        why: &'static str,
    },
    BadRegistration {
        why: String,
    },
    IdsDiffer {
        table: String,
        column: String,
        found: String,
        other: String,
        other_column: String,
    },
    NoIndex {
        table: String,
        column: String,
        why: &'static str,
        create: String,
    },
    NotAnExpression {
        option: &'static str,
        text: String,
    },
    /// A token that was not accepted; which check it failed.
    Token(Refusal),
    SettingNotTaken {
        setting: String,
    },
    /// The library was loaded where no setting can be set.
    LoadedInParallel,
    NotVerifying,
    NoSessionIdentity,
    BadKey {
        kid: String,
        why: String,
    },
    DuplicateKey {
        kid: String,
    },
    NoSuchKey {
        kid: String,
    },
    NotAKeySet,
    EmptyList {
        function: &'static str,
        argument: &'static str,
    },
    BadClaimPath {
        name: String,
    },
    UserWritableClaim {
        name: String,
        key: String,
    },
    NoSuchChange {
        change: i64,
    },
    AlreadyUndone {
        change: i64,
        by: i64,
        last: i64,
        made_again: bool,
    },
    Irreversible {
        change: i64,
        step: i32,
        action: String,
    },
    AlteredSince {
        change: i64,
        object: String,
    },
    NotASlug {
        slug: String,
        why: String,
    },
    SchemaExists {
        schema: String,
    },
    NoSuchSchema {
        schema: String,
    },
    RoleExists {
        role: String,
    },
    NotATenantSchema {
        slug: String,
    },
    /// The template has given names to something that the tenant has for something else.
    NamesTaken {
        slug: String,
        objects: Vec<String>,
    },
    /// What sync_tenant_schema could not mend, against its plan.
    StillDrifts {
        slug: String,
        objects: Vec<String>,
    },
    Archived {
        slug: String,
    },
    NotArchived {
        slug: String,
    },
    /// use_tenant by somebody who does not belong, whether or not there is such a tenant.
    NotYourTenant {
        slug: String,
        why: &'static str,
    },
    SchemaMissing {
        slug: String,
    },
    NotConfirmed {
        slug: String,
    },
    SchemaInUse {
        schema: String,
        dependents: Vec<String>,
    },
    CannotClone {
        schema: String,
        objects: Vec<String>,
    },
    /// A run over tenants.
    NoSuchRun {
        run: i64,
    },
    RunUnfinished {
        run: i64,
    },
    RunCancelled {
        run: i64,
    },
    CanaryFailed {
        run: i64,
    },
    /// What is run for a tenant called what runs the next one.
    RunWithinRun {
        run: i64,
    },
    RunStopped {
        run: i64,
        slug: String,
        sqlstate: String,
        message: String,
        /// What the tenant's own error had to add.
        detail: Option<String>,
        done: i64,
        waiting: i64,
    },
    NoTenants,
    /// What needs it.
    NoDblink {
        what: &'static str,
    },
    NoSuchMove {
        slug: String,
    },
    /// What a move would leave behind.
    CannotMove {
        slug: String,
        why: Vec<String>,
    },
    DestinationLacks {
        slug: String,
        missing: Vec<String>,
    },
    MoveDiffers {
        slug: String,
        objects: Vec<String>,
    },
    MoveOver {
        slug: String,
        why: &'static str,
    },
    NotMoved {
        slug: String,
        why: String,
    },
    /// What was said where something was run that could fail.
    Told {
        told: crate::pg::attempt::Told,
    },
    NoSuchDatabase {
        slug: String,
    },
    DatabaseExists {
        slug: String,
    },
    DatabaseNotMade {
        slug: String,
        why: String,
    },
    NoSuchDestination {
        name: String,
    },
    DestinationInUse {
        name: String,
        tenants: i64,
    },
    DestinationFull {
        name: String,
        capacity: i32,
    },
    TransactionControl,
    InTransactionBlock {
        function: &'static str,
    },
    PointsBack {
        schema: String,
        template: String,
        objects: Vec<String>,
    },
    /// A clone is not what its template is.
    Unlike {
        schema: String,
        template: String,
        objects: Vec<String>,
    },
    /// A template that holds nothing, or is the server's own.
    NotATemplate {
        schema: String,
        why: &'static str,
    },
    /// Somebody tried to alter what was logged.
    AppendOnly {
        log: &'static str,
    },
    /// The column that says whose trail an event belongs to was renamed or dropped.
    TenantColumnGone {
        table: String,
        column: String,
    },
    /// An audit trigger function attached by hand where it cannot work.
    NotAfterTrigger {
        function: &'static str,
    },
    /// The triggers carry an argument that enable_audit did not write.
    BadAuditTrigger {
        table: String,
        argument: String,
    },
    /// A column whose policy does not go with what it is for.
    AuditPolicy {
        table: String,
        column: String,
        why: &'static str,
    },
    /// A TRUNCATE was logged without the rows that it removed.
    RowsNotLogged {
        table: String,
    },
    /// The row is not as the event that is to be undone left it.
    ChangedSince {
        table: String,
        key: String,
        event: i64,
    },
    /// The log does not have what it takes to undo an event.
    CannotUndo {
        event: i64,
        why: String,
    },
    NothingToUndo {
        what: String,
    },
    /// The audit log does not know the table, or the row.
    NotAudited {
        table: String,
    },
    NoSuchEvent {
        id: i64,
    },
    NotSealed {
        id: i64,
    },
    /// What is in the log is not what was sealed.
    LogAltered {
        block: i64,
    },
    BadOrder {
        order: String,
        why: String,
    },
    NoPageKey {
        table: String,
        why: &'static str,
    },
    /// The last row seen does not say where the next page begins.
    BadCursor {
        column: String,
        why: String,
    },
    NoRowObject,
    /// What stands alone where a row is asked for.
    NotARow {
        function: &'static str,
        found: String,
    },
    JsonTooLarge,
    OutOfRange {
        argument: &'static str,
        value: String,
        range: &'static str,
    },
    /// What was given for a summary is no name or no query that can be one.
    BadSummary {
        argument: &'static str,
        why: String,
    },
    TableExists {
        table: String,
    },
    SummaryNameTaken {
        table: String,
    },
    NotASummary {
        table: String,
        why: &'static str,
    },
    SummaryDiffers {
        table: String,
        what: &'static str,
    },
    NotAnId {
        id: String,
        column: String,
        r#type: String,
    },
    NotTracked {
        table: String,
        missing: Vec<String>,
    },
    ReadOnly {
        function: &'static str,
    },
    ReservedKind {
        kind: String,
    },
    UnknownFeature {
        given: String,
        known: &'static [&'static str],
    },
    BadFeatureOption {
        feature: String,
        why: String,
        takes: &'static str,
    },
    /// A table that a feature cannot be given to as it stands.
    FeatureUnfit {
        feature: &'static str,
        table: String,
        why: String,
        hint: String,
    },
    NotSoftDeleted {
        table: String,
    },
    NotTheKey {
        table: String,
        given: String,
        columns: Vec<String>,
    },
    NegativeInterval {
        function: &'static str,
    },
    BadTableName {
        name: String,
    },
    BadColumns {
        why: String,
    },
    /// One statement updated and deleted a row of a partition, or moved it after all.
    UnclearMove {
        table: String,
    },
    /// Somebody else changed the row since it was read.
    StaleVersion {
        table: String,
        given: Option<i32>,
        current: i32,
    },
    ForbiddenTransition {
        table: String,
        from: String,
        to: String,
        allowed: Vec<String>,
    },
    /// A column that a trigger keeps was renamed, dropped or altered.
    ConventionBroken {
        table: String,
        column: String,
        trigger: &'static str,
    },
    /// A trigger function of the conventions attached by hand where it cannot work.
    NotOurTrigger {
        function: &'static str,
        why: String,
    },
    /// A broken invariant of the extension itself.
    Internal {
        what: String,
    },
}
