// What a heap is made of, by the names of its objects, and what one has more than another.
import { readFileSync } from 'node:fs'

type Counts = Map<string, { count: number; bytes: number }>

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[]] } }
  nodes: number[]
  strings: string[]
}

/** See https://chromium.googlesource.com/v8/v8/+/main/include/v8-profiler.h: a node is a row of numbers. */
const countsIn = (path: string): Counts => {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(path, 'utf8')) as Snapshot
  const { node_fields: fields, node_types: types } = snapshot.meta
  const at = (name: string) => fields.indexOf(name)
  const counts: Counts = new Map()
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kind = types[0][nodes[node + at('type')] as number] as string
    const own = strings[nodes[node + at('name')] as number] as string
    const name = /string|number/.test(kind) ? kind : `${kind} ${own.slice(0, 60)}`
    const known = counts.get(name) ?? { count: 0, bytes: 0 }
    known.count += 1
    known.bytes += nodes[node + at('self_size')] as number
    counts.set(name, known)
  }
  return counts
}

/** What has grown most between two snapshots, a line each. */
export const grownBetween = (before: string, after: string): string => {
  const old = countsIn(before)
  return [...countsIn(after)]
    .map(([name, { count, bytes }]) => ({
      name,
      count: count - (old.get(name)?.count ?? 0),
      bytes: bytes - (old.get(name)?.bytes ?? 0),
    }))
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, 12)
    .map(({ name, count, bytes }) => `${bytes} bytes more in ${count} more of ${name}`)
    .join('\n')
}
