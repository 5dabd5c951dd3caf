// How high a row of a table is of which only the visible rows are rendered: as styles/tokens.css has it, more for fingers.
import { useSyncExternalStore } from 'react'

const isCoarse = matchMedia('(pointer: coarse)')

const subscribe = (onChange: () => void) => {
  isCoarse.addEventListener('change', onChange)
  return () => isCoarse.removeEventListener('change', onChange)
}

/** In pixels. */
export const useRowHeight = (): number => useSyncExternalStore(subscribe, () => (isCoarse.matches ? 48 : 40))
