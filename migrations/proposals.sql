-- Changes of a record that somebody proposes, and somebody else accepts or rejects.
-- Invariant: a proposal is decided once. An accepted one is in the same transaction as the save of its changes.
create table noclobber.proposals (
  id               uuid not null default pg_catalog.gen_random_uuid(),
  table_name       text collate "C" not null,
  record_id        text collate "C" not null,
  tenant_id        text,
  client_version   bigint not null,
  changes          jsonb not null,
  note             text,
  proposed_by      jsonb not null,
  proposed_at      timestamptz not null default pg_catalog.clock_timestamp(),
  state            text not null default 'open',
  decided_by       jsonb,
  decided_at       timestamptz,
  accepted_fields  text[],
  accepted_version bigint,
  primary key (id)
);
create index proposals_record on noclobber.proposals (table_name, record_id, proposed_at);
create index proposals_proposed_at on noclobber.proposals (proposed_at);

comment on table noclobber.proposals is
  'Proposed changes of records, kept as long as the log. Those of a record that was deleted since are not shown.';
