-- The tables of the change log, and the views that read it.

create schema noclobber;

-- Invariant: a committed change of a tracked row has exactly one row here or one place in a batch, written in the same
-- transaction; a change that was rolled back has none. Readers go by snapshot (xid), never by seq alone: a sequence is
-- taken before the commit. seq goes up by 1,000, so that a batch has a number for each of its changes.
create table noclobber.record_changes (
  xid            xid8 not null default pg_catalog.pg_current_xact_id(),
  seq            bigint generated always as identity (increment by 1000),
  table_name     text collate "C" not null,
  record_id      text collate "C" not null,
  version        bigint not null,
  event          text collate "C" not null,
  tenant_id      text,
  changed_fields text[] not null default '{}',
  scopes         jsonb,
  updated_at     timestamptz not null,
  updated_by     jsonb,
  tab_id         text,
  socket_id      text,
  import_id      text,
  old_row        jsonb,
  changed_values jsonb,
  moved_in       xid8,
  primary key (xid, seq)
);
create index record_changes_record on noclobber.record_changes (table_name, record_id, version);
-- A reader who is far behind takes page after page in the order of seq, without sorting the rest of the log for each. The
-- rows lie in about that order anyway, so a block range index is enough: it stays a few pages large. A write costs it as much
-- as a B-tree would, 15 thousand instructions.
create index record_changes_seq on noclobber.record_changes using brin (seq) with (autosummarize = on);

comment on table noclobber.record_changes is
  'One row for each committed change of a tracked record. old_row is kept for deletions alone.';
comment on column noclobber.record_changes.changed_values is
  'Of tables tracked with history: values. By column [before, after]; of a creation those that are not null.';
comment on column noclobber.record_changes.moved_in is 'The transaction that moved it here out of a batch.';

-- What one statement created in more than 50 records, or changed alike in more than 20, as arrays of at most 1,000, so that
-- the statement doesn't pay for a row and three index entries of the log for each. Nodes compact it afterwards.
-- Invariant: each change stands either in a batch or in record_changes, under the same transaction and number, and one
-- transaction moves it. A reader of noclobber.changes sees it once, before, after and meanwhile.
create table noclobber.change_batches (
  xid            xid8 not null default pg_catalog.pg_current_xact_id(),
  seq            bigint not null default nextval('noclobber.record_changes_seq_seq'),
  table_name     text collate "C" not null,
  event          text collate "C" not null,
  tenant_id      text,
  changed_fields text[] not null,
  scopes         jsonb,
  updated_by     jsonb,
  tab_id         text,
  socket_id      text,
  import_id      text,
  record_ids     text[] collate "C",
  record_numbers bigint[],
  versions       bigint[] not null,
  updated_ats    timestamptz[] not null,
  primary key (xid, seq)
);

alter table noclobber.change_batches
  alter column record_ids set storage external, alter column record_numbers set storage external,
  alter column versions set storage external, alter column updated_ats set storage external;

comment on table noclobber.change_batches is
  'Changes that are not in record_changes yet: of many records at once, in the order of their numbers.';

create view noclobber.batched_changes as
select b.xid, b.seq + u.at - 1 as seq, b.seq as batch_seq, b.table_name, u.record_id, u.version, b.event, b.tenant_id,
  b.changed_fields, b.scopes, u.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id,
  null::jsonb as old_row, null::jsonb as changed_values, b.xmin as written_in
from noclobber.change_batches b, unnest(coalesce(b.record_ids, b.record_numbers::text[]), b.versions, b.updated_ats)
  with ordinality u(record_id, version, updated_at, at);

create view noclobber.changes as
select c.xid, c.seq, c.seq as batch_seq, c.table_name, c.record_id, c.version, c.event, c.tenant_id, c.changed_fields,
  c.scopes, c.updated_at, c.updated_by, c.tab_id, c.socket_id, c.import_id, c.old_row, c.changed_values
from noclobber.record_changes c
union all
select b.xid, b.seq, b.batch_seq, b.table_name, b.record_id, b.version, b.event, b.tenant_id, b.changed_fields,
  b.scopes, b.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id, b.old_row, b.changed_values
from noclobber.batched_changes b;

comment on view noclobber.changes is 'Every change of the log, whether it stands in record_changes or still in a batch.';

-- Invariant: no change is deleted without the horizon passing it in the same transaction, so a cursor that would have
-- needed it is recognized, and answered by a reset instead of by silence.
create table noclobber.log_horizon (
  xid       xid8 not null default '0',
  seq       bigint not null default 0,
  pruned_at timestamptz
);
create unique index log_horizon_is_one_row on noclobber.log_horizon ((true));
insert into noclobber.log_horizon default values;

comment on table noclobber.log_horizon is
  'The highest transaction and number of all changes that were pruned, and when the log was last pruned. To drop a partition of record_changes, raise both.';

-- What versions count from after the history may have gone back, see functions/history.sql.
-- Invariant: one row. The greatest versions of tables as they were when they were tracked, by the column's type; when the
-- log was installed; and the floor of the last history, in milliseconds since.
create table noclobber.version_base (
  installed_at timestamptz not null default pg_catalog.clock_timestamp(),
  floor_ms     bigint not null default 0,
  bigints      bigint not null default 0,
  integers     bigint not null default 0
);
create unique index version_base_is_one_row on noclobber.version_base ((true));
insert into noclobber.version_base default values;

-- Floors, in milliseconds, that writes have made before any node asked for their history's epoch. Invariant: each is committed
-- with the versions that go on from it.
create table noclobber.noted_floors (ms bigint not null);

-- By tracked relation the lowest version that a change may get now; relation 0 stands for the history itself. PostgreSQL
-- empties an unlogged table in crash recovery, on promotion of a standby, in point-in-time and snapshot recovery.
-- Invariant: a row counts only in the start, database, epoch and log that it was made in, and where it was made, not loaded.
create unlogged table noclobber.version_floors (
  relation   oid not null,
  floor      bigint not null,
  history    uuid,
  announced  boolean not null default false,
  started    timestamptz not null default pg_catalog.pg_postmaster_start_time(),
  database   oid not null,
  epoch      uuid not null,
  log        oid not null,
  made_in    xid
);

create table noclobber.log_epoch (epoch uuid not null default pg_catalog.gen_random_uuid());
create unique index log_epoch_is_one_row on noclobber.log_epoch ((true));
insert into noclobber.log_epoch default values;

-- A cursor holds transaction numbers, which would reveal how much is written in the whole database, so it is sealed.
-- Invariant: one row, the same for all nodes and after every restart; a restored database brings it along. Only the
-- server's role reads it.
create table noclobber.cursor_key (
  secret bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);
create unique index cursor_key_is_one_row on noclobber.cursor_key ((true));
insert into noclobber.cursor_key default values;

-- A publication refuses updates of tables that have no key, so the tables of one row name their rows whole.
alter table noclobber.log_horizon replica identity full;
alter table noclobber.version_base replica identity full;
alter table noclobber.noted_floors replica identity full;
alter table noclobber.log_epoch replica identity full;
alter table noclobber.cursor_key replica identity full;

comment on table noclobber.cursor_key is
  'The secret that cursors are sealed with. After "update noclobber.cursor_key set secret = default" and a new start of all nodes every cursor begins anew.';

create table noclobber.mutations (
  tenant_id    text not null,
  actor_id     text not null,
  mutation_id  text not null,
  request_hash text not null,
  answer       jsonb not null,
  created_at   timestamptz not null default pg_catalog.clock_timestamp(),
  primary key (tenant_id, actor_id, mutation_id)
);
create index mutations_created_at on noclobber.mutations (created_at);

comment on table noclobber.mutations is
  'First responses of writes that carried a mutation id: a replay gets the same response and writes nothing.';

create table noclobber.import_locks (
  table_name text not null,
  tenant_id  text not null,
  primary key (table_name, tenant_id)
);

comment on table noclobber.import_locks is
  'Imports into the same records take turns: each adds its row and removes it before its transaction ends.';
