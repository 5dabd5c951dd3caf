// Quoting for SQL, of names that come from the catalogue or from a migration.

/** An identifier as PostgreSQL reads it, whatever is in it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * A table's name, with its schema where it has one: `app.orders`. A name that has a dot is quoted as in SQL:
 * `app."orders.2026"`.
 */
export const quoteTable = (table: string): string =>
  (table.match(/"(?:[^"]|"")+"(?=\.|$)|[^.]+/g) ?? [table])
    .map((name) => (/^".+"$/s.test(name) ? name : quoteName(name)))
    .join('.')

/** SQL as Knex sends it as it stands: a `?` is no place for a value. */
export const asIs = (sql: string): string => sql.replaceAll('?', '\\?')

/** A text as SQL writes it, whatever `standard_conforming_strings` is. */
export const quoteText = (text: string): string => {
  const quoted = text.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

/** Names as an array that the triggers take: `{"project_id"}`. */
export const arrayText = (names: string[]): string =>
  `{${names.map((name) => `"${name.replace(/["\\]/g, '\\$&')}"`).join(',')}}`

/** The names of {@link arrayText}. */
export const textArray = (literal: string): string[] =>
  [...literal.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, name = '']) => name.replace(/\\(.)/g, '$1'))
