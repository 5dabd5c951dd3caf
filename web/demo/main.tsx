// The demo's page starts here. The simulated network (base/cable.ts) is installed first: modules that are loaded later may keep
// the browser's own classes.
import './styles/base.css'
import 'noclobber/styles.css'
import 'noclobber/history.css'
import './styles/tokens.css'
import './styles/controls.css'
import './styles/shell.css'
import './styles/table.css'
import './styles/project.css'
import './styles/import.css'
import './styles/tasks.css'
import './styles/underneath.css'
import { layCable } from './base/cable.ts'

layCable()
import('./start.tsx').then(({ startPage }) => startPage(document.getElementById('root') as HTMLElement))
