// `noclobber new`: a small app in a folder of its own, the one of docs/examples/minimal. Invariant: it writes into a new or an empty
// folder alone.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMMON, type Command, EXIT, UsageError } from './command.ts'

/** Where the example lies: from the sources, and from what is built of them. */
const PLACES = ['../../docs/examples/minimal', '../../../docs/examples/minimal']

const IGNORED = 'node_modules/\n.postgres/\n'

/** As npm takes it. */
const NAME = /^[a-z\d][a-z\d._-]{0,99}$/

const exampleFolder = async (): Promise<string> => {
  for (const place of PLACES) {
    const folder = fileURLToPath(new URL(place, import.meta.url))
    if (await stat(folder).catch(() => null)) return folder
  }
  throw new Error('This installation has no docs/examples/minimal: install the package anew.')
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new UsageError(error.code === 'ENOTDIR' ? `${folder} is a file.` : error.message)
  })

export const newApp: Command = {
  name: 'new',
  usage: 'FOLDER',
  summary: 'write a small app: one table, one type, a list and a form',
  help: [],
  options: { ...COMMON },
  run: async (terminal, values, [given, ...more]) => {
    if (!given || more.length > 0) throw new UsageError('Name one folder: noclobber new my-app')
    const folder = resolve(terminal.cwd, given)
    const name = basename(folder)
    if (!NAME.test(name))
      throw new UsageError(`${name} can’t be the name of a package: small letters, digits and -.`)
    if ((await namesIn(folder)).length > 0) throw new UsageError(`${folder} is not empty.`)
    const example = await exampleFolder()
    await mkdir(folder, { recursive: true })
    const files = (await readdir(example)).sort()
    for (const file of files) {
      const text = await readFile(join(example, file), 'utf8')
      const own = file === 'package.json' ? text.replace('"noclobber-minimal"', JSON.stringify(name)) : text
      await writeFile(join(folder, file), own, { flag: 'wx' })
    }
    await writeFile(join(folder, '.gitignore'), IGNORED, { flag: 'wx' })
    if (values.json) terminal.out(JSON.stringify({ folder, files: [...files, '.gitignore'] }))
    else {
      terminal.out(`Wrote ${files.length + 1} files to ${folder}.`)
      terminal.out(`Next: cd ${given} && npm install && npm start`)
    }
    return EXIT.done
  },
}
