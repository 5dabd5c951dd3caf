// Code that a component needs only sometimes: on its way with the component's first render, and asked for again while it can't be had.

import { useEffect, useState } from 'react'
import type { LazyModule } from '../../client/base/lazy-module.ts'

const TRY_AGAIN_MS = 3000

export function useCode<M>(module: LazyModule<M>): M | null {
  const [code, setCode] = useState(module.now)
  useEffect(() => {
    if (code) return
    let isHere = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = () => {
      module.load().then(
        (loaded) => isHere && setCode(() => loaded),
        () => {
          if (isHere) timer = setTimeout(load, TRY_AGAIN_MS)
        },
      )
    }
    load()
    return () => {
      isHere = false
      clearTimeout(timer)
    }
  }, [code, module])
  return code ?? module.now()
}
