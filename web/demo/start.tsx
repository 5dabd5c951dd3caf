// Renders the page, and asks the server who is signed in.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { openSession } from './base/session.ts'

export const startPage = (place: HTMLElement): void => {
  openSession()
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
