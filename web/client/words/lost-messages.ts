// The words of what the server lost when its database was restored, a part of messages.ts.

type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>

const bulk = 'The server was restored. Your change to {fields} of {count} records from {clock} was lost.'
const imported = 'The server was restored. Your import of {count} records from {clock} was lost.'

export const englishLostMessages = {
  bulk: { one: bulk.replace('records', 'record'), other: bulk } as Plural,
  import: { one: imported.replace('records', 'record'), other: imported } as Plural,
  notRestored: 'That did not succeed. Try again.',
  importAgain: 'Import it again',
}
