// What happens as soon as the page has been drawn, before anybody sees it.

import { useEffect, useLayoutEffect } from 'react'

// A server has no effects, and React 18 says so of this one.
export const useCommitEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect
