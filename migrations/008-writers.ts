// What the setting `noclobber.actor` claims is normalized, and what a node of ours says in it is signed, see
// writer-setting.ts. Values are compared version by version. Tombstones are those of one tenant, so they are looked for where a record goes to another tenant too.
import type { Knex } from 'knex'
import { VALUES_FUNCTION } from './005-history-values.ts'
import { forEachTracked, LOCK, REPLACE } from './006-bundles.ts'
import { KEY_TRIGGER } from './track-table.ts'
import { KEEP_KEY } from './writer-setting.ts'

const TRACK_AGAIN = forEachTracked(`
      perform noclobber.log_update_of(t.key, t.tenant);
      execute format('create or replace trigger ${KEY_TRIGGER} before update of %2$s on %1$s for each row when (%3$s)
          execute function noclobber.stamp_key(%4$s)', t.name,
        (select string_agg(format('%I', c.name), ', ') from unnest(array[t.key, nullif(t.tenant, '')]) c(name) where c.name <> ''),
        (select string_agg(format('old.%1$I is distinct from new.%1$I', c.name), ' or ')
          from unnest(array[t.key, nullif(t.tenant, '')]) c(name) where c.name <> ''), t.args);`)

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LOCK)
  await knex.raw(REPLACE.replaceAll('?', '\\?'))
  await knex.raw(VALUES_FUNCTION.replace('create function', 'create or replace function'))
  await knex.raw(KEEP_KEY)
  await knex.raw('drop function if exists noclobber.is_ours(text)')
  await knex.raw(TRACK_AGAIN)
}

/** The functions stay those of this version; an earlier one puts its own back by `migrate(knex, { repair: true })`. */
export const down = async (): Promise<void> => {}
