// What a developer reads on the browser's console. Each is said once, with what to look at.

/**
 * A socket that the server or a proxy refused; a record or a list that the server doesn't let in; code that a page can't load; an input
 * that would lose a part of its value.
 */
export type Warning =
  | { kind: 'socket'; path: string; code?: unknown; detail?: unknown }
  | { kind: 'list'; type: string; scope: object; code: string }
  | { kind: 'record'; type: string; code: string }
  | { kind: 'code'; cause: string }
  | { kind: 'input'; name: string }

const MOST = 50
const said = new Set<string>()

const PAGE = 'docs/troubleshooting.md of the package noclobber'

function sentenceOf(warning: Warning): string {
  switch (warning.kind) {
    case 'socket':
      return warning.code
        ? `The server refused the socket at ${warning.path}: ${warning.code}. ${warning.detail ?? ''} See “HTTP works and the socket is refused” in ${PAGE}.`
        : `No socket at ${warning.path} so far; it is tried again, and then events come in another way. Is records.attach(server) called on the server that listens, and does each proxy pass on WebSockets and Host (Vite: ws: true, changeOrigin: false)? See “HTTP works and the socket is refused” in ${PAGE}.`
    case 'list':
      return warning.code === 'malformed'
        ? `The list of “${warning.type}” can't be watched by ${JSON.stringify(warning.scope)}: name these columns in \`lists\` of trackTable. See “A list that doesn't update” in ${PAGE}.`
        : `The list of “${warning.type}” is not watched (${warning.code}): is a type of that name declared in createRecordServer, and may this person read it? See “A list that doesn't update” in ${PAGE}.`
    case 'record':
      return `A record of “${warning.type}” is not watched (${warning.code}): it is not there, this person may not read it, or no type of that name is declared in createRecordServer.`
    case 'input':
      return `The input of “${warning.name}” is read-only: it can't show the whole value, and typing would lose the rest. A time of day needs <input type="datetime-local"> (as: 'datetime'), a day <input type="date">, an object or a list a control of your own.`
    case 'code':
      return `The code of a live connection could not be loaded, and events come in another way, or by polling: ${warning.cause}. Does the bundle take the browser's files of socket.io-client? See “HTTP works and the socket is refused” in ${PAGE}.`
  }
}

/** @param warning Said unless it was said before. */
export function say(warning: Warning): void {
  const sentence = sentenceOf(warning)
  if (said.has(sentence) || said.size >= MOST) return
  said.add(sentence)
  // biome-ignore lint/suspicious/noConsole: where a developer reads it
  console.warn(`noclobber: ${sentence}`)
}
