-- How long the log keeps what of which table, where that is not as long as the server says; and where imports stand in the log.
create table noclobber.retentions (
  table_name text collate "C" not null,
  kept_values interval,
  kept_names interval,
  primary key (table_name)
);

comment on table noclobber.retentions is
  'By table how long values of its changes are kept (changed_values, old_row), and how long the changes themselves. Null: as long as the log.';

-- Invariant: an import is here if it is committed. Its changes have numbers between both, and its id.
create table noclobber.imports (
  import_id text collate "C" not null,
  table_name text collate "C" not null,
  tenant_id text,
  first_seq bigint not null,
  last_seq bigint not null,
  changes integer not null,
  made_at timestamptz not null default pg_catalog.clock_timestamp(),
  primary key (import_id)
);
create index imports_made_at on noclobber.imports (made_at);

comment on table noclobber.imports is 'Where an import stands in the log, for undoing it. Kept as long as the log.';

-- The deletions of a table and tenant, newest first. Other writes don't pay for it.
create index record_changes_deleted on noclobber.record_changes (table_name, coalesce(tenant_id, ''), xid, seq) where event = 'deleted' and old_row is not null;
