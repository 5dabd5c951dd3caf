// What a window and a browser remember for the demo. Where storage is barred or full, as in some private windows, it is
// remembered until the page goes.

interface Memory {
  get(key: string): string | null
  set(key: string, value: string): void
  remove(key: string): void
}

function memoryIn(area: () => Storage): Memory {
  /** What storage didn't take. */
  const here = new Map<string, string>()
  const isDone = (act: (storage: Storage) => void): boolean => {
    try {
      act(area())
      return true
    } catch {
      return false
    }
  }
  return {
    get(key) {
      let stored: string | null = null
      isDone((storage) => {
        stored = storage.getItem(key)
      })
      return here.get(key) ?? stored
    },
    set(key, value) {
      if (isDone((storage) => storage.setItem(key, value))) here.delete(key)
      else here.set(key, value)
    },
    remove(key) {
      here.delete(key)
      isDone((storage) => storage.removeItem(key))
    },
  }
}

export const ofWindow = memoryIn(() => sessionStorage)
export const ofBrowser = memoryIn(() => localStorage)
