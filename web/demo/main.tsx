// The demo's page starts here.
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
import './styles/parts.css'
import './styles/underneath.css'
import { startPage } from './start.tsx'

startPage(document.getElementById('root') as HTMLElement)
