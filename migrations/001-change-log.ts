// The change log: its tables, and the migration that makes them together with the
// functions of `functions/`.
// Invariant: a committed change of a tracked row has exactly one row here, written in the same transaction, and a
// rolled-back change has none. Readers go by snapshot (`xid`), never by `seq`: a sequence is taken before the commit.
import type { Knex } from 'knex'
import { LOG_FUNCTIONS } from './functions/log.ts'
import { PLAN_FUNCTIONS } from './functions/log-update.ts'
import { MADE_FUNCTIONS } from './functions/made-functions.ts'
import { STAMP_FUNCTIONS } from './functions/stamp.ts'
import { TYPE_FUNCTIONS } from './functions/types.ts'

const TABLES = `
create schema noclobber;

create table noclobber.record_changes (
  xid            xid8 not null default pg_catalog.pg_current_xact_id(),
  seq            bigint generated always as identity,
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
  primary key (xid, seq)
);
create index record_changes_record on noclobber.record_changes (table_name, record_id, version);

comment on table noclobber.record_changes is
  'One row for each committed change of a tracked record. old_row is kept for deletions alone.';

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
  'First answers of writes that carried a mutation id: a replay gets the same answer and writes nothing.';

create table noclobber.log_epoch (epoch uuid not null default pg_catalog.gen_random_uuid());
create unique index log_epoch_is_one_row on noclobber.log_epoch ((true));
insert into noclobber.log_epoch default values;
`

// A cursor is meaningful within one history of transaction ids. Another cluster, another database, a restore and a
// promoted replica each begin a new history, and so a new epoch.
const EPOCH = `
create function noclobber.epoch() returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select left(md5(concat_ws('-', c.system_identifier, d.oid, e.epoch,
    case when pg_is_in_recovery() then lpad(to_hex(k.timeline_id), 8, '0')
         else lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) end)), 16)
  from pg_control_system() c, pg_control_checkpoint() k, noclobber.log_epoch e, pg_database d
  where d.datname = current_database()
$$;
`

/** In the order in which they need each other. */
export const LOG_TRIGGER_FUNCTIONS = [
  TYPE_FUNCTIONS,
  STAMP_FUNCTIONS,
  LOG_FUNCTIONS,
  PLAN_FUNCTIONS,
  MADE_FUNCTIONS,
].join('\n')

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(TABLES)
  await knex.raw(EPOCH)
  await knex.raw(LOG_TRIGGER_FUNCTIONS)
}

/** Drops the log and, with its functions, the triggers of every tracked table; the tables keep their columns. */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop schema noclobber cascade')
}
