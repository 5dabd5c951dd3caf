// Text to the clipboard, where the browser lets a page do that: by its own call, which may be missing, refuse or never
// answer, and else by the old command.

const LIMIT_MS = 1000

/** `false` where neither works: then the text is to be copied by hand. */
export async function copyText(text: string): Promise<boolean> {
  const isCopied = await new Promise<boolean>((resolve) => {
    setTimeout(resolve, LIMIT_MS, false)
    void write(text).then(resolve)
  })
  return isCopied || copyByCommand(text)
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

function copyByCommand(text: string): boolean {
  const before = document.activeElement
  const place = Object.assign(document.createElement('textarea'), { value: text, readOnly: true })
  place.style.cssText = 'position: fixed; inset-block-start: 0; opacity: 0'
  document.body.append(place)
  place.select()
  try {
    return document.execCommand('copy')
  } catch {
    return false
  } finally {
    place.remove()
    if (before instanceof HTMLElement) before.focus({ preventScroll: true })
  }
}
