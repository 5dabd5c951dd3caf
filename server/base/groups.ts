// Things by what they have in common, in the order in which they came.

/** Adds one to its group. */
export const addTo = <K, T>(groups: Map<K, T[]>, key: K, item: T): void => {
  const group = groups.get(key)
  if (group) group.push(item)
  else groups.set(key, [item])
}

/** All of them, by a key. */
export const groupBy = <K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> => {
  const groups = new Map<K, T[]>()
  for (const item of items) addTo(groups, keyOf(item), item)
  return groups
}
