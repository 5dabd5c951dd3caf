// `npm run dashboard`: writes deploy/grafana.json, a dashboard over the metrics of all nodes. A test holds it to the metrics that a
// server has. `--print`: to the standard output instead.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const rate = (metric, by, filter = '') =>
  `sum by (${by}) (rate(noclobber_${metric}${filter}[$__rate_interval]))`
const quantile = (q, metric, by = '') =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (rate(noclobber_${metric}_bucket[$__rate_interval])))`
const perNode = (metric) => `noclobber_${metric}`

/** By row: a title, its unit, and the queries with their legends. */
const ROWS = {
  'What people notice': [
    [
      'From a change to its watchers',
      's',
      [
        [quantile(0.5, 'delivery_seconds'), 'p50'],
        [quantile(0.99, 'delivery_seconds'), 'p99'],
      ],
    ],
    ['Time since the log was read', 's', [[perNode('feed_idle_seconds'), '{{instance}}']]],
    ['Requests', 'reqps', [[rate('requests_total', 'operation'), '{{operation}}']]],
    ['Requests, p99', 's', [[quantile(0.99, 'request_seconds', 'operation'), '{{operation}}']]],
    ['Answers by status', 'reqps', [[rate('requests_total', 'status'), '{{status}}']]],
    ['Writes by outcome', 'wps', [[rate('writes_total', 'outcome'), '{{outcome}}']]],
  ],
  'Live events': [
    ['Sockets', 'short', [[`sum by (transport) (${perNode('sockets')})`, '{{transport}}']]],
    ['Rooms', 'short', [[perNode('rooms'), '{{instance}}']]],
    ['Tabs at a record', 'short', [[`max(${perNode('present_tabs')})`, 'tabs']]],
    ['Events sent', 'eps', [[rate('events_total', 'event'), '{{event}}']]],
    ['Changes read', 'cps', [[rate('changes_total', 'instance'), '{{instance}}']]],
    ['Reads of the log', 'ops', [[rate('log_reads_total', 'instance'), '{{instance}}']]],
  ],
  'The change log': [
    ['Size', 'bytes', [[`max(${perNode('log_bytes')})`, 'log']]],
    ['Its oldest change', 's', [[`max(${perNode('log_age_seconds')})`, 'age']]],
    ['Since it was pruned', 's', [[`max(${perNode('log_pruned_seconds')})`, 'pruned']]],
  ],
  'What to alert on': [
    [
      'Changes that could not be handed on',
      'short',
      [[rate('skipped_changes_total', 'instance'), '{{instance}}']],
    ],
    ['Waiting for a connection', 'short', [[perNode('pool_waiting'), '{{instance}}']]],
    ['Connections in use', 'short', [[perNode('pool_used'), '{{instance}}']]],
    ['Refusals by a limit', 'short', [[rate('limited_total', 'limit'), '{{limit}}']]],
    ['Slow readers', 'short', [[rate('slow_readers_total', 'instance'), '{{instance}}']]],
    ['Redis: 1 reached, 0 not, -1 none', 'short', [[perNode('redis_up'), '{{instance}}']]],
    ['Redis, in flight', 'short', [[perNode('redis_in_flight'), '{{instance}}']]],
    [
      'Messages between nodes not taken',
      'short',
      [[rate('node_messages_dropped_total', 'reason'), '{{reason}}']],
    ],
  ],
}

const COLUMNS = 3
const SIZE = { w: 24 / COLUMNS, h: 8 }
const datasource = { type: 'prometheus', uid: '$' + '{datasource}' }

const panels = []
let y = 0
for (const [title, graphs] of Object.entries(ROWS)) {
  const id = panels.length + 1
  panels.push({ id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] })
  y += 1
  for (const [at, [name, unit, queries]] of graphs.entries())
    panels.push({
      id: panels.length + 1,
      type: 'timeseries',
      title: name,
      datasource,
      gridPos: { x: (at % COLUMNS) * SIZE.w, y: y + Math.floor(at / COLUMNS) * SIZE.h, ...SIZE },
      fieldConfig: { defaults: { unit }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
      targets: queries.map(([expr, legendFormat], n) => ({
        refId: String.fromCharCode(65 + n),
        datasource,
        expr,
        legendFormat,
      })),
    })
  y += Math.ceil(graphs.length / COLUMNS) * SIZE.h
}

const text = `${JSON.stringify(
  {
    title: 'noclobber',
    uid: 'noclobber',
    schemaVersion: 39,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }],
    },
    panels,
  },
  null,
  2,
)}\n`

if (process.argv.includes('--print')) process.stdout.write(text)
else await writeFile(fileURLToPath(new URL('../deploy/grafana.json', import.meta.url)), text)
