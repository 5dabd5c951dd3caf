// Quoting for SQL, of names that come from the catalogue or from a migration.

/** An identifier as PostgreSQL reads it, whatever is in it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A table's name, with its schema where it has one: `app.orders`. */
export const quoteTable = (table: string): string => table.split('.').map(quoteName).join('.')

/** A text as SQL writes it, whatever `standard_conforming_strings` is. */
export const quoteText = (text: string): string => {
  const quoted = text.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}
