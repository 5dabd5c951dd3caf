// What the doors export, read from the types that the build wrote: each name with its comment, its declaration and its members.
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** `./x.js` → `x.d.ts`, from the folder of the file that names it. */
const target = (file, from) => posix.join(posix.dirname(file), from.replace(/\.(js|tsx?)$/, '.d.ts'))

const LISTS = /(?:ex|im)port (?:type )?\{([^}]*)\} from '(\.[^']+)'/g

const partsOf = (list) =>
  list
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter((part) => part !== '')
    .map((part) => {
      const [own, as = own] = part.split(' as ')
      return { own, as }
    })

/** Of the same length, without what stands in comments and in texts. */
const blank = (code) =>
  code.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, (text) =>
    text.replace(/[^\n]/g, ' '),
  )

/** From `start` to the end of the statement. */
const statementAt = (code, start) => {
  const bare = blank(code)
  let depth = 0
  for (let at = start; at < bare.length; at++) {
    const character = bare[at]
    if ('{([<'.includes(character)) depth += 1
    else if ('})]'.includes(character)) depth -= 1
    else if (character === '>' && bare[at - 1] !== '=') depth -= 1
    if (depth > 0) continue
    if (character === ';') return code.slice(start, at + 1)
    if (
      character === '}' &&
      /^\s*\n(?!\s*[|&])/.test(bare.slice(at + 1, at + 80)) &&
      /^\s*export (declare )?(abstract )?(interface|class)/.test(code.slice(start, start + 60))
    )
      return code.slice(start, at + 1)
  }
  return code.slice(start)
}

/** The object that a function gives: between the last closing bracket and its partner. */
const returnedBy = (code) => {
  const bare = blank(code)
  const end = bare.lastIndexOf('}')
  let depth = 0
  for (let at = end; at >= 0; at--) {
    if (bare[at] === '}') depth += 1
    else if (bare[at] === '{' && --depth === 0) return code.slice(at + 1, end)
  }
  return ''
}

/** `A<B, C>, D` → `A<B, C>` and `D`. */
const partsAt = (separator, text) => {
  let depth = 0
  let begun = 0
  const parts = []
  for (let at = 0; at <= text.length; at++) {
    if ('<({['.includes(text[at] || ' ')) depth += 1
    else if ('>)}]'.includes(text[at] || ' ')) depth -= 1
    else if (at === text.length || (text[at] === separator && depth === 0)) {
      parts.push(text.slice(begun, at).trim())
      begun = at + 1
    }
  }
  return parts
}

/** What stands behind its own `extends`; what its parameters extend is none of it. */
const afterExtends = (head) => {
  let depth = 0
  for (const { 0: sign, index } of head.matchAll(/<|(?<!=)>|\bextends /g)) {
    if (sign === '<') depth += 1
    else if (sign === '>') depth -= 1
    else if (depth === 0) return head.slice(index + sign.length).replace(/\bimplements [\s\S]*/, '')
  }
  return ''
}

/** What an interface extends: each name, and which of its members it takes. */
const heritageOf = (head) =>
  partsAt(',', afterExtends(head)).flatMap((text) => {
    const [, name, given = ''] = /^(\w+)(?:<([\s\S]*)>)?$/.exec(text) ?? []
    if (!name) return []
    if (!/^(Omit|Pick|Partial|Required|Readonly)$/.test(name)) return { parent: name, among: () => true }
    const [parent = '', keys = ''] = partsAt(',', given)
    const named = [...keys.matchAll(/'(\w+)'/g)].map(([, key]) => key)
    const among = (member) => !keys || named.includes(member) === (name === 'Pick')
    return { parent: /^\w+/.exec(parent)?.[0] ?? '', among }
  })

/** A comment's text, with its tags as lines of their own. */
const sentenceOf = (comment) =>
  (comment ?? '')
    .trim()
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()

/** One literal: the type says all there is to say of it. */
const LITERAL = /^[\w?]+: ('[^']*'|true|false)( \| undefined)?$/

const explained = (name, comment, declared) => {
  const text = declared.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' ')
  const [, literal] = LITERAL.exec(text.replace(/^readonly /, '')) ?? []
  return { name, comment: comment || (literal ? `Always \`${literal.replaceAll("'", '')}\`.` : ''), text }
}

export const readDoors = (root) => {
  const texts = new Map()
  const textOf = (file) => {
    if (!texts.has(file)) texts.set(file, readFileSync(join(root, 'dist', file), 'utf8'))
    return texts.get(file)
  }

  const find = (file, name) => {
    const text = textOf(file)
    const found = new RegExp(
      `^(/\\*\\*(?:[^*]|\\*(?!/))*\\*/\\n)?(?:// .*\\n)*(export )?(declare )?(abstract )?(const|function\\*?|class|interface|type) ${name}\\b`,
      'm',
    ).exec(text)
    if (found) {
      const [, comment] = found
      const start = found.index + (comment?.length ?? 0)
      return {
        file,
        name,
        comment: sentenceOf(comment),
        code: statementAt(text, start).replace(/^(\/\/.*\n)*/, ''),
      }
    }
    for (const [, list, from] of text.matchAll(LISTS))
      for (const { own, as } of partsOf(list)) if (as === name) return find(target(file, from), own)
    return null
  }

  const membersIn = (body) => {
    const own = []
    for (let at = 0; at < body.length; ) {
      const found = /^\s*(\/\*\*[\s\S]*?\*\/)?\s*(?=\S)/.exec(body.slice(at))
      if (!found) break
      at += found[0].length
      const end = endOfMember(body, at)
      const text = body.slice(at, end).trim().replace(/;$/, '')
      const name = /^(?:readonly )?([\w$]+)\??/.exec(text)?.[1]
      if (name && name !== 'constructor') own.push(explained(name, sentenceOf(found[1]), text))
      at = end
    }
    return own
  }

  /** The members of an interface, those that it inherits from what no door exports too. */
  const membersOf = ({ file, code }, isExported) => {
    const made = /= ReturnType<typeof (\w+)>(?: & ([A-Z]\w*))?;?\s*$/.exec(code)
    if (made) {
      const beside = made[2] && !isExported(made[2]) ? find(file, made[2]) : null
      return [
        ...membersIn(returnedBy(find(file, made[1]).code)),
        ...(beside ? membersOf(beside, isExported) : []),
      ]
    }
    const head = /^[^{]*/.exec(code)[0]
    if (!/\b(interface|class)\b/.test(head)) return []
    const body = code.slice(head.length + 1, code.lastIndexOf('}'))
    const own = membersIn(body)
    const inherited = heritageOf(head).flatMap(({ parent, among }) => {
      const declared =
        isExported(parent) || /^(Error|Record|Fields)$/.test(parent) ? null : find(file, parent)
      const members = declared ? membersOf(declared, isExported) : []
      return members.filter(({ name }) => among(name))
    })
    return [...inherited.filter(({ name }) => !own.some((one) => one.name === name)), ...own]
  }

  const endOfMember = (body, start) => {
    const bare = blank(body)
    let depth = 0
    for (let at = start; at < bare.length; at++) {
      if ('{(['.includes(bare[at])) depth += 1
      else if ('})]'.includes(bare[at])) depth -= 1
      else if (bare[at] === ';' && depth === 0) return at + 1
    }
    return bare.length
  }

  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const doors = Object.entries(exports)
    .filter(([, door]) => /\.js$/.test(door.default ?? ''))
    .map(([name, door]) => {
      const file = door.types.replace('./dist/', '')
      const text = textOf(file)
      const listed = [...text.matchAll(/export (?:type )?\{([^}]*)\} from '/g)].flatMap(([, list]) =>
        partsOf(list).map(({ as }) => as),
      )
      const own = [
        ...text.matchAll(
          /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/gm,
        ),
      ].map(([, one]) => one)
      return { name: name.slice(2), file, names: [...new Set([...listed, ...own])] }
    })
  return doors.map((door) => ({
    name: door.name,
    entries: door.names.map((name) => {
      const found = find(door.file, name)
      if (!found) throw new Error(`noclobber/${door.name} exports ${name}, which is declared nowhere.`)
      const kind = /\b(const|function|class|interface|type) /.exec(found.code)?.[1] ?? 'const'
      return { ...found, name, kind, members: membersOf(found, (parent) => door.names.includes(parent)) }
    }),
  }))
}
