// How far the log has been pruned. Invariant: no change is deleted without the horizon passing it in the same
// transaction, so a cursor that would have needed it is recognized, and answered by a reset instead of by silence.
import type { Knex } from 'knex'

const HORIZON = `
create table noclobber.log_horizon (
  xid       xid8 not null default '0',
  seq       bigint not null default 0,
  pruned_at timestamptz
);
create unique index log_horizon_is_one_row on noclobber.log_horizon ((true));
insert into noclobber.log_horizon default values;

comment on table noclobber.log_horizon is
  'The highest transaction and number of all changes that were pruned, and when the log was last pruned. Whoever drops a partition of record_changes raises both.';
`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(HORIZON)
}

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop table noclobber.log_horizon')
}
