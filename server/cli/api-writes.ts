// `noclobber create`, `set` and `delete`: a record made, changed or deleted at the version that was looked at, through the API. Where
// somebody else has saved, they report a conflict instead of overwriting.
import { API, API_HELP, apiOf, fieldsOf, hintsFor, pathOf, printRefusal, versionNow } from './api.ts'
import { COMMON, type Command, EXIT, number, text, UsageError } from './command.ts'

export const create: Command = {
  name: 'create',
  usage: 'TYPE field=text… [field:=json…] [--id ID]',
  summary: 'create a record through the API',
  help: [
    '  field=text       sets a text; field:=12, field:=true, field:=null set JSON',
    '  --id ID          its key, where the type has uuids or texts as keys',
    ...API_HELP,
    '',
    'Prints the new id. Exit code 1 where the server refuses the values.',
  ],
  options: { ...COMMON, ...API, id: { type: 'string' } },
  run: async (terminal, values, [type, ...assignments]) => {
    if (!type) throw new UsageError('Name a type: noclobber create project name=Bridge')
    const fields = fieldsOf(assignments)
    const id = text(values, 'id')
    const made = await apiOf(terminal, values)('POST', pathOf(type), { fields, ...(id && { id }) })
    const { data } = made.body
    if (made.status !== 201 || !data) return printRefusal(terminal, values, made, hintsFor(fields, made.body))
    terminal.out(values.json ? JSON.stringify(data) : `Created ${type} ${data.id}: version ${data.version}.`)
    return EXIT.done
  },
}

export const remove: Command = {
  name: 'delete',
  usage: 'TYPE ID [--version N]',
  summary: 'delete a record through the API, guarded by its version',
  help: [
    '  --version N      delete only if the record is still at this version; default: as it is now',
    ...API_HELP,
    '',
    'Exit code 1 where somebody else saved first, or it may not be deleted.',
  ],
  options: { ...COMMON, ...API, version: { type: 'string' } },
  run: async (terminal, values, [type, id]) => {
    if (!type || !id) throw new UsageError('Name a record: noclobber delete project 1')
    const ask = apiOf(terminal, values)
    const path = pathOf(type, id)
    const version = await versionNow(ask, path, number(values, 'version', 0))
    if (typeof version !== 'number') return printRefusal(terminal, values, version)
    const gone = await ask('DELETE', path, { client_version: version })
    if (gone.status !== 204) return printRefusal(terminal, values, gone)
    terminal.out(
      values.json ? JSON.stringify({ type, id, version }) : `Deleted ${type} ${id}, version ${version}.`,
    )
    return EXIT.done
  },
}

export const set: Command = {
  name: 'set',
  usage: 'TYPE ID field=text… [field:=json…] [--version N]',
  summary: 'change a record through the API, guarded by its version',
  help: [
    '  field=text       sets a text; field:=12, field:=true, field:=null set JSON',
    '  --version N      save only if the record is still at this version; default: as it is now',
    ...API_HELP,
    '',
    'Exit code 1 where somebody else saved first, or the server refuses the values.',
  ],
  options: {
    ...COMMON,
    ...API,
    version: { type: 'string' },
  },
  run: async (terminal, values, [type, id, ...assignments]) => {
    if (!type || !id) throw new UsageError('Name a record: noclobber set project 1 status=done')
    const changes = fieldsOf(assignments)
    const ask = apiOf(terminal, values)
    const path = pathOf(type, id)
    const version = await versionNow(ask, path, number(values, 'version', 0))
    if (typeof version !== 'number') return printRefusal(terminal, values, version)
    const saved = await ask('PATCH', path, { client_version: version, changes })
    if (saved.status !== 200 || !saved.body.data)
      return printRefusal(terminal, values, saved, hintsFor(changes, saved.body))
    const { data } = saved.body
    if (values.json) terminal.out(JSON.stringify(data))
    else
      terminal.out(
        data.version === version
          ? `Nothing to change: ${type} ${id} is at version ${version}.`
          : `Saved ${type} ${id}: version ${data.version}.`,
      )
    return EXIT.done
  },
}
