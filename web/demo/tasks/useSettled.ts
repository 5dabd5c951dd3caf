// A value that has stayed the same for a moment: what somebody types is not searched for letter by letter.
import { useEffect, useState } from 'react'

export const useSettled = <T>(value: T, afterMs: number): T => {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs)
    return () => clearTimeout(timer)
  }, [value, afterMs])
  return settled
}
