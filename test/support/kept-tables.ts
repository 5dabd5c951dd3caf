// A database's history that goes back, played in SQL: tables as they were when they were kept, with no trigger to see it, as a
// restore or a volume of before leaves them.
import type { Knex } from 'knex'

export interface KeptTables {
  keep(): Promise<void>
  /** `also`: SQL of the same transaction. */
  putBack(also?: string): Promise<void>
}

export const NEW_EPOCH = 'update noclobber.log_epoch set epoch = gen_random_uuid()'

/** `names`: tables, as SQL writes them; they have no foreign keys among each other that an order would matter to. */
export const keptTables = (knex: Knex, names: readonly string[]): KeptTables => ({
  async keep() {
    for (const [at, name] of names.entries())
      await knex.raw(`drop table if exists kept_${at}; create table kept_${at} as table ${name}`)
  },
  putBack: (also = '') =>
    knex.transaction(async (transaction) => {
      await transaction.raw('set local session_replication_role = replica')
      for (const [at, name] of names.entries()) {
        const { rows } = await transaction.raw(
          `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
           where attrelid = ?::regclass and attnum > 0 and not attisdropped`,
          [name],
        )
        const { columns } = rows[0]
        await transaction.raw(
          `delete from ${name}; insert into ${name} (${columns}) overriding system value select ${columns} from kept_${at}`,
        )
      }
      if (also !== '') await transaction.raw(also)
    }),
})
