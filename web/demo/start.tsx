// Puts the page into its place, and asks who is signed in.
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
