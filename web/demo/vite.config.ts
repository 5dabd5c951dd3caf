// Builds the demo's page to dist/web/demo. The public doors are read from their sources, so that a build needs no
// other build before it, and the page proves nothing but what the doors export.
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  plugins: [react()],
  resolve: {
    alias: {
      'noclobber/client': here('../client/index.ts'),
      'noclobber/history.css': here('../react/history/history.css'),
      'noclobber/history': here('../react/history/index.ts'),
      'noclobber/devtools': here('../devtools/index.ts'),
      'noclobber/offline': here('../client/offline/index.ts'),
      'noclobber/react': here('../react/index.ts'),
      'noclobber/styles.css': here('../react/styles.css'),
    },
  },
  build: { outDir: here('../../dist/web/demo'), emptyOutDir: true, assetsInlineLimit: 0 },
})
