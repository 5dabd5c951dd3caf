// The secret that cursors are sealed with: a cursor holds numbers of transactions, which would tell its holder how much
// is written in the whole database. Invariant: one row, the same for all nodes and after every restart; a restored
// database brings it along. Only the server's role reads it.
import type { Knex } from 'knex'

const KEY = `
create table noclobber.cursor_key (
  secret bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);
create unique index cursor_key_is_one_row on noclobber.cursor_key ((true));
insert into noclobber.cursor_key default values;

comment on table noclobber.cursor_key is
  'The secret that cursors are sealed with. After "update noclobber.cursor_key set secret = default" and a new start of all nodes every cursor begins anew.';
`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(KEY)
}

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop table noclobber.cursor_key')
}
