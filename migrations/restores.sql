-- What a restored version is taken from. A node puts it into the log's row of its own save, in that save's transaction.
alter table noclobber.record_changes add column restored_from bigint;

comment on column noclobber.record_changes.restored_from is 'The version whose values a save brought back.';

create or replace view noclobber.batched_changes as
select b.xid, b.seq + u.at - 1 as seq, b.seq as batch_seq, b.table_name, u.record_id, u.version, b.event, b.tenant_id,
  b.changed_fields, b.scopes, u.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id,
  null::jsonb as old_row, null::jsonb as changed_values, b.xmin as written_in, null::bigint as restored_from
from noclobber.change_batches b, unnest(coalesce(b.record_ids, b.record_numbers::text[]), b.versions, b.updated_ats)
  with ordinality u(record_id, version, updated_at, at);

create or replace view noclobber.changes as
select c.xid, c.seq, c.seq as batch_seq, c.table_name, c.record_id, c.version, c.event, c.tenant_id, c.changed_fields,
  c.scopes, c.updated_at, c.updated_by, c.tab_id, c.socket_id, c.import_id, c.old_row, c.changed_values, c.restored_from
from noclobber.record_changes c
union all
select b.xid, b.seq, b.batch_seq, b.table_name, b.record_id, b.version, b.event, b.tenant_id, b.changed_fields,
  b.scopes, b.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id, b.old_row, b.changed_values, b.restored_from
from noclobber.batched_changes b;
