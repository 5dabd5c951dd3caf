// Text to the clipboard, where the browser lets a page do that.

/** `false` where it doesn't: on insecure origins, or without permission. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
