// Unique ids, of a tab or of a write.

/** `crypto.randomUUID` exists on secure origins alone; a page opened by address in a local network is none. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
