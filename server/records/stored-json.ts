// JSON that a save replaces, where it has numbers which JavaScript can't hold: the wire shows their digits as texts. Where these
// come back at their places, they are the numbers again.
// Invariant: most saves send no such digits, and nothing is read for them.
import { hasDigits } from '../db/json-text.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { columnSql } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import type { Target } from './read.ts'

/** Texts of JSON by field. */
export type StoredJson = Map<string, string>

const isJson = ({ columns }: KnownType, name: string): boolean => {
  const type = columns.get(name)?.type
  return type === 'jsonb' || type === 'json'
}

/** Fields of JSON whose new values have digits of such numbers. */
const fieldsWithDigits = (known: KnownType, values: Record<string, unknown>): string[] =>
  Object.keys(values).filter((name) => isJson(known, name) && hasDigits(values[name]))

/** The records' JSON in these fields, by id and field. */
const readJson = async (
  database: Database,
  { known, transaction }: Omit<Target, 'actor' | 'id'>,
  ids: string[],
  fields: string[],
): Promise<Map<string, StoredJson>> => {
  const id = idSql(known)
  const texts = fields.map((name) => `t.${columnSql(known, name)}::text`).join(', ')
  const text = `select ${id.text} as "noclobber_id", array[${texts}] as texts from ${known.table} t
    where ${id.isAnyText('$1')}`
  const rows = await database.send({ name: '', text }, [ids], transaction)
  return new Map(
    rows.map((row) => [
      row.noclobber_id as string,
      new Map(
        fields.flatMap((name, at): [string, string][] =>
          row.texts[at] === null ? [] : [[name, row.texts[at]]],
        ),
      ),
    ]),
  )
}

/** The JSON that new values replace in all of these records, where they have the same; without digits nothing is read. */
export const commonJson = (
  database: Database,
  source: Omit<Target, 'actor' | 'id'>,
  ids: string[],
  values: Record<string, unknown>,
): Promise<StoredJson> | undefined => {
  const fields = fieldsWithDigits(source.known, values)
  return fields.length === 0 ? undefined : readCommon(database, source, ids, fields)
}

const readCommon = async (
  database: Database,
  source: Omit<Target, 'actor' | 'id'>,
  ids: string[],
  fields: string[],
): Promise<StoredJson> => {
  const [first, ...others] = (await readJson(database, source, ids, fields)).values()
  return new Map(
    [...(first ?? [])].filter(([name, text]) => others.every((other) => other.get(name) === text)),
  )
}
