// The server with one symbol replaced: its sources, bundled with the replacements and loaded beside the real ones. What
// is published knows nothing of it. The symbol is found in the syntax tree of its module, so neither the layout nor the
// wording of the code counts; a symbol that isn't there fails the test that uses it.
import { access, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin, parseAst } from 'vite'
import { atEnd } from './at-end.ts'
import { besideSource } from './beside-source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One symbol of one module, and what takes its place. */
export interface Mutant {
  /** From the root: `server/http/origin.ts`. */
  module: string
  /** A function or constant at the top level of the module, exported or not. */
  symbol: string
  /** Gives the replacement. It is called once, with the real value, when the module is loaded. */
  broken: (real: never) => unknown
}

/** Where the bundles find what takes the place of a symbol: the mutant's of this number while it is loaded, else the real value. */
const REPLACE = Symbol.for('noclobber.mutants')

/** The module's code in which the top-level `symbol` is what `replace` makes of it. */
export function replaceSymbol(code: string, symbol: string, replace: string): string | null {
  for (const statement of parseAst(code).body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type === 'FunctionDeclaration' && declaration.id?.name === symbol)
      return `${symbol} = ${replace}(${symbol});${code}`
    if (declaration?.type !== 'VariableDeclaration') continue
    for (const { id, init } of declaration.declarations) {
      if (id.type !== 'Identifier' || id.name !== symbol || !init) continue
      const { start, end } = init
      return `${code.slice(0, start)}${replace}(${code.slice(start, end)})${code.slice(end)}`
    }
  }
  return null
}

/** Loads the server with the symbol of one of these mutants replaced. */
export type LoadBroken = (mutant: Mutant) => Promise<typeof import('noclobber/server')>

/**
 * Bundles the server once, with a place for each of the mutants. What is loaded for one is a copy of the bundle: a module of its own,
 * in which all other symbols are the real ones.
 */
export async function bundleMutants(mutants: Mutant[]): Promise<LoadBroken> {
  for (const { module } of mutants)
    await access(join(root, module)).catch(() => {
      throw new Error(`There is no module ${module}: was it renamed? Name it as it is called now.`)
    })
  // Below node_modules, so that the bundle finds what it imports.
  const outDir = await mkdtemp(join(root, 'node_modules', 'noclobber-broken-'))
  atEnd(() => rm(outDir, { recursive: true, force: true }))
  const replaced = new Set<Mutant>()
  const plugin: Plugin = {
    name: 'broken-symbols',
    transform: (code, id) => {
      const own = mutants.filter(({ module }) => join(root, module) === id)
      if (own.length === 0) return null
      let mutated = code
      for (const mutant of own) {
        const { module, symbol } = mutant
        const replace = `globalThis[Symbol.for('${REPLACE.description}')](${mutants.indexOf(mutant)})`
        const next = replaceSymbol(mutated, symbol, replace)
        if (next === null)
          throw new Error(`${module} has no function or constant ${symbol} at its top level: was it renamed?`)
        mutated = next
        replaced.add(mutant)
      }
      return { code: mutated, map: null }
    },
  }
  await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [besideSource, plugin],
    build: {
      ssr: join(root, 'server/index.ts'),
      outDir,
      rolldownOptions: { output: { entryFileNames: 'server.mjs' } },
    },
  })
  for (const mutant of mutants)
    if (!replaced.has(mutant)) throw new Error(`${mutant.module} is no part of the server.`)
  return async (mutant) => {
    const number = mutants.indexOf(mutant)
    const copy = join(outDir, `broken-${number}.mjs`)
    await copyFile(join(outDir, 'server.mjs'), copy)
    const replace = (at: number) => (real: never) => (at === number ? mutant.broken(real) : real)
    Object.assign(globalThis, { [REPLACE]: replace })
    return import(/* @vite-ignore */ copy)
  }
}
