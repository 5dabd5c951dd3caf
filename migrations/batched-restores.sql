-- Which versions a batch of rows brought back: in the order of its records.
alter table noclobber.change_batches add column restored_from bigint[];
alter table noclobber.change_batches alter column restored_from set storage external;

create or replace view noclobber.batched_changes as
select b.xid, b.seq + u.at - 1 as seq, b.seq as batch_seq, b.table_name, u.record_id, u.version, b.event, b.tenant_id,
  b.changed_fields, b.scopes, u.updated_at, b.updated_by, b.tab_id, b.socket_id, b.import_id,
  null::jsonb as old_row, null::jsonb as changed_values, b.xmin as written_in, b.restored_from[u.at::integer] as restored_from
from noclobber.change_batches b, unnest(coalesce(b.record_ids, b.record_numbers::text[]), b.versions, b.updated_ats)
  with ordinality u(record_id, version, updated_at, at);
