-- What waits for a decision is listed by type and tenant, the oldest first.
create index proposals_open on noclobber.proposals (table_name, coalesce(tenant_id, ''), proposed_at, id) where state = 'open';
