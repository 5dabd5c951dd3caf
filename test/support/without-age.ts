// How far the node had read goes on between two requests that are to be answered alike.

/** The text of an answer without the node's age. */
export const withoutAge = (text: string): string =>
  text.replace(/,?"(as_of|behind_ms)":("[^"]*"|\d+|null)/g, '').replace('{,', '{')
