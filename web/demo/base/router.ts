// Client-side navigation over the browser's history. Invariant: no navigation leaves unsaved edits without asking; back and
// forward go through the guard too.
import { useEffect, useSyncExternalStore } from 'react'

/** Resolves with whether the page may be left, once the person has answered. */
type Guard = () => Promise<boolean>

const listeners = new Set<() => void>()
let guard: Guard | null = null
let shown = location.pathname + location.search
/** Rises with each page that is gone to: one that is only renamed stays as it is. */
let visit = 0

const show = (address: string, isRenamed = false) => {
  shown = address
  if (!isRenamed) visit += 1
  for (const listener of listeners) listener()
}

const mayLeave = async (): Promise<boolean> => guard === null || (await guard())

/** The person that the address names: frames of the split view have `?as=bob`. It never changes while the page is open. */
export const asPerson = new URLSearchParams(location.search).get('as')

const keepPerson = (address: string): string => {
  if (asPerson === null) return address
  return `${address}${address.includes('?') ? '&' : '?'}as=${encodeURIComponent(asPerson)}`
}

/** The address for a link: it keeps naming the same person. */
export const hrefOf = (address: string): string => keepPerson(address)

/** Goes to an address of the demo, unless the guard refuses. */
export const navigate = async (address: string): Promise<void> => {
  const target = keepPerson(address)
  if (target === shown || !(await mayLeave())) return
  history.pushState(null, '', target)
  scrollTo(0, 0)
  show(target)
}

/** The page that is shown has another address from now on, and stays as it is. */
export const rename = (address: string): void => {
  history.replaceState(null, '', keepPerson(address))
  show(keepPerson(address), true)
}

addEventListener('popstate', async () => {
  const target = location.pathname + location.search
  if (guard === null) return show(target)
  history.pushState(null, '', shown)
  if (await mayLeave()) {
    history.replaceState(null, '', target)
    show(target)
  }
})

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** The path that is shown now. */
export const usePath = (): string =>
  useSyncExternalStore(subscribe, () => new URL(shown, location.origin).pathname)

/** Differs for each page that was gone to: its React key. */
export const useVisit = (): number => useSyncExternalStore(subscribe, () => visit)

/** While `isOn`, asks before leaving: in-app by `ask`, and by the browser's own question when the page is closed. */
export const useLeaveGuard = (isOn: boolean, ask: Guard): void => {
  useEffect(() => {
    if (!isOn) return
    const beforeUnload = (event: BeforeUnloadEvent) => event.preventDefault()
    guard = ask
    addEventListener('beforeunload', beforeUnload)
    return () => {
      guard = null
      removeEventListener('beforeunload', beforeUnload)
    }
  }, [isOn, ask])
}
