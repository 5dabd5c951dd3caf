// Component tests wait for what they look for as long as a slow and busy machine needs.
import { configure } from '@testing-library/react'

configure({ asyncUtilTimeout: 20_000 })
