// The book of what each version was. A version that was answered with two contents, and a save over what nobody had seen,
// are written down as wrong.

/** A record as somebody was answered it. */
export interface Seen {
  id: string
  version: number
  fields: Record<string, unknown>
}

export const createBook = () => {
  const contents = new Map<string, string>()
  const wrong: string[] = []
  const held: Seen[] = []

  const note = ({ id, version, fields }: Seen) => {
    const [key, content] = [`${id} at version ${version}`, JSON.stringify(fields)]
    const before = contents.get(key)
    if (before === undefined) held.push({ id, version, fields })
    else if (before !== content) wrong.push(`${key} is ${before} and ${content}`)
    contents.set(key, before ?? content)
  }

  /** A save that passed: besides what it changed, and what it was openly merged with, it is what its base was. */
  const noteSave = (base: Seen, changes: Record<string, unknown>, saved: Seen, merged: string[] = []) => {
    note(saved)
    for (const [field, value] of Object.entries(saved.fields)) {
      const expected = field in changes ? changes[field] : base.fields[field]
      if (merged.includes(field) || JSON.stringify(value) === JSON.stringify(expected)) continue
      wrong.push(
        `a save of ${JSON.stringify(changes)} on version ${base.version} of ${base.id} went over ${field}: ${JSON.stringify(value)} instead of ${JSON.stringify(expected)}`,
      )
    }
  }

  return { held, wrong, note, noteSave }
}
