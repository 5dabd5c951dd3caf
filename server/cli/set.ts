// `noclobber set`: changes fields of a record through the API, guarded as an editor's save is: it reads the version,
// saves on it, and reports a conflict instead of overwriting.
import { API, API_HELP, apiOf, fieldsOf, hintsFor, pathOf, printRefusal, versionNow } from './api.ts'
import { COMMON, type Command, EXIT, number, UsageError } from './command.ts'

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
