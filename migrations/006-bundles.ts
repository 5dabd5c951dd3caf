// Bundles: what one statement created in more than 50 records, or changed alike in more than 20, as arrays of at most
// 1,000, so that the statement doesn't pay for a row and three index entries of the log for each. Nodes put it into the
// log's own rows afterwards.
// Invariant: each change stands either in a bundle or in `record_changes`, under the same transaction and number, and
// one transaction takes it from there to here. Whoever reads `noclobber.changes` sees it once, before, after and
// meanwhile. Numbers of the log go up by 1,000, so that a bundle has one for each of its changes.
import type { Knex } from 'knex'
import { LOCK_TRACKED } from './tracked-tables.ts'

const TABLES = `
alter table noclobber.record_changes alter column seq set increment by 1000;
alter table noclobber.record_changes add column moved_in xid8;

comment on column noclobber.record_changes.moved_in is 'The transaction that took it out of a bundle.';

create table noclobber.change_bundles (
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

alter table noclobber.change_bundles
  alter column record_ids set storage external, alter column record_numbers set storage external,
  alter column versions set storage external, alter column updated_ats set storage external;

comment on table noclobber.change_bundles is
  'Changes that are not in record_changes yet: of many records at once, in the order of their numbers.';

create view noclobber.bundled_changes as
select b.xid, b.seq + u.at - 1 as seq, b.seq as bundle_seq, b.table_name, u.record_id, u.version, b.event, b.tenant_id,
  b.changed_fields, b.scopes, u.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id,
  null::jsonb as old_row, null::jsonb as changed_values, b.xmin as written_in
from noclobber.change_bundles b, unnest(coalesce(b.record_ids, b.record_numbers::text[]), b.versions, b.updated_ats)
  with ordinality u(record_id, version, updated_at, at);

create view noclobber.changes as
select c.xid, c.seq, c.seq as bundle_seq, c.table_name, c.record_id, c.version, c.event, c.tenant_id, c.changed_fields,
  c.scopes, c.updated_at, c.updated_by, c.tab_id, c.socket_id, c.import_id, c.old_row, c.changed_values
from noclobber.record_changes c
union all
select b.xid, b.seq, b.bundle_seq, b.table_name, b.record_id, b.version, b.event, b.tenant_id, b.changed_fields,
  b.scopes, b.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id, b.old_row, b.changed_values
from noclobber.bundled_changes b;

comment on view noclobber.changes is 'Every change of the log, whether it stands in record_changes or still in a bundle.';
`

// Oldest first, whole bundles, until that many changes were moved; they may be a few more. `unbundle`, for nodes, takes
// those that are committed, one node at a time: the second moves nothing, nor does a replica. Nodes take turns by a lock on a
// table that nobody writes, and that only the log's owner may lock so; everybody may take an advisory lock. What a transaction must find as rows before its end it moves at once.
export const COMPACT = `
create function noclobber.move_bundles(most integer, own xid8) returns integer language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  moved integer;
begin
  with oldest as (
    select b.xid, b.seq, cardinality(b.versions) as count from noclobber.change_bundles b
    where own is null or b.xid = own order by b.xid, b.seq limit most
  ), next as (
    select s.xid, s.seq from (
      select o.xid, o.seq, sum(o.count) over (order by o.xid, o.seq) - o.count as before from oldest o) s
    where most is null or s.before < most
  ), taken as (
    delete from noclobber.change_bundles b using next n where b.xid = n.xid and b.seq = n.seq
    returning b.*, b.xmin = b.xid::xid as is_own
  )
  insert into noclobber.record_changes (xid, seq, table_name, record_id, version, event, tenant_id, changed_fields, scopes,
    updated_at, updated_by, tab_id, socket_id, import_id, moved_in)
  overriding system value
  select t.xid, t.seq + u.at - 1, t.table_name, u.record_id, u.version, t.event, t.tenant_id, t.changed_fields, t.scopes,
    u.updated_at, t.updated_by, t.tab_id, t.socket_id, t.import_id, case when t.is_own then pg_current_xact_id() end
  from taken t, unnest(coalesce(t.record_ids, t.record_numbers::text[]), t.versions, t.updated_ats)
    with ordinality u(record_id, version, updated_at, at)
  order by t.xid, t.seq, u.at;
  get diagnostics moved = row_count;
  return moved;
end $$;

create function noclobber.unbundle(most integer) returns integer language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_is_in_recovery() then
    return 0;
  end if;
  begin
    lock table noclobber.log_epoch in share update exclusive mode nowait;
  exception when lock_not_available then
    return 0;
  end;
  return noclobber.move_bundles(most, null);
end $$;

create function noclobber.unbundle_at_once(relation oid) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('noclobber.part', true) <> '' or exists (select from pg_trigger t
      where t.tgrelid = relation and t.tgname in ('zz_noclobber_values_insert', 'zz_noclobber_values_update')) then
    perform noclobber.move_bundles(null, pg_current_xact_id());
  end if;
end $$;
`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LOCK_TRACKED)
  await knex.raw(TABLES)
  await knex.raw(COMPACT)
}

/**
 * What is in bundles is put into the log first. The triggers' functions stay those of this version, and fail: have an
 * earlier version put its own back, by `migrate(knex, { repair: true })`, before anybody writes.
 */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    lock table noclobber.change_bundles in access exclusive mode;
    select noclobber.move_bundles(null, null);
    drop function noclobber.unbundle_at_once(oid), noclobber.unbundle(integer), noclobber.move_bundles(integer, xid8);
    drop view noclobber.changes, noclobber.bundled_changes;
    drop table noclobber.change_bundles;
    alter table noclobber.record_changes drop column moved_in;`)
}
