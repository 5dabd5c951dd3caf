-- What a list or a program reads of the log: its tenant's changes after a position, however many others there are. The number
-- is of the tenant, of a table without tenants that of the table: so wide that two hardly ever share one, and a third cheaper
-- to keep than the texts. Readers compare the texts besides.
create index record_changes_tenant on noclobber.record_changes (hashtextextended(coalesce(tenant_id, table_name), 0), xid);
