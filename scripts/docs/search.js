// What the site's search finds, best first: sections that have all words of the question, then those that have most of them.

/** Words of a question that say nothing of its subject; `don`, `t` and `s` are what is left of “don’t” and “it’s”. */
const EMPTY = new Set(
  `a about an and any are as at be but by can cannot could do does doesn doesnt don dont for from get has have how i if in into is isn it
  its know me my no not of on or our please s should so t that the there this to was we what when where which who why will with would you
  your`.split(/\s+/),
)

/** “refused” and “refuse”, “updating” and “update” are one word. */
export const termOf = (word) => {
  const term = word.toLowerCase()
  return /^[a-z]{5,}$/.test(term) ? term.replace(/(?:ing|ed|es|s|e)$/, '') : term
}

export const SEARCHED = {
  fields: ['title', 'page', 'text'],
  storeFields: ['title', 'page'],
  processTerm: termOf,
}

const OPTIONS = {
  prefix: (term) => term.length > 2,
  fuzzy: (term) => (term.length > 4 ? 0.15 : false),
  boost: { title: 4, page: 2 },
  // An answer comes before the type that it speaks of, and what once was comes last.
  boostDocument: (id) => {
    if (/^reference\/\w+-types/.test(id)) return 0.4
    if (/^(benchmarks|changelog|architecture)\./.test(id)) return 0.5
    return id.startsWith('troubleshooting') ? 1.5 : 1
  },
}

/** @param index MiniSearch's, made with `SEARCHED`. */
export const find = (index, question) => {
  const isEmpty = (word) => EMPTY.has(word.toLowerCase())
  const saysNothing = question.split(/[\s'’.,?!]+/).every((word) => word === '' || isEmpty(word))
  const processTerm = (word) => (isEmpty(word) && !saysNothing ? null : termOf(word))
  const search = (combineWith) => index.search(question, { ...OPTIONS, processTerm, combineWith })
  const found = new Map([...search('AND'), ...search('OR')].map((result) => [result.id, result]))
  return [...found.values()]
}
