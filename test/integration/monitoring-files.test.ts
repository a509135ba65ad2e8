import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { families } from '../../src/observe/families.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type PromqlUse, readPromql } from '../support/promql.ts'

const folder = new URL('../../config/', import.meta.url).pathname
const readYaml = (path: string): unknown => parse(readFileSync(folder + path, 'utf8'))

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] }
}

const { groups } = readYaml('prometheus/alerts.yml') as { groups: { name: string; rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(readFileSync(`${folder}grafana/dashboards/tidegate.json`, 'utf8')) as Dashboard
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((query) => ({ title, ...query })))

/** Added to every series by what scrapes it. */
const ofPrometheus = ['job', 'instance']

/** The names that series of a gateway have in Prometheus, with their labels. */
const series = new Map<string, readonly string[]>([['up', ofPrometheus]])
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({
    config: { discovery: { fixed: { type: 'static', services: { a: [] } } }, routes: [{ path: '/', service: 'a' }] },
  })
  const { text } = await gateway.admin('/metrics')
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const own: readonly string[] = families.find((family) => family.name === name)?.labels ?? []
    // Prometheus keeps `instance` for what it scrapes.
    const labels = [...own.map((label) => (label === 'instance' ? 'exported_instance' : label)), ...ofPrometheus]
    if (type === 'histogram') series.set(`${name}_bucket`, [...labels, 'le'])
    else series.set(name, labels)
  }
})

afterAll(async () => gateway.close())

/** The labels that the answer of an expression has. */
function labelsLeft({ metrics, groupings }: PromqlUse): readonly string[] {
  return groupings.length > 0 ? groupings : metrics.flatMap(({ name }) => series.get(name) ?? [])
}

function expectKnown(expression: string): void {
  const { metrics, groupings } = readPromql(expression)
  expect(metrics.length).toBeGreaterThan(0)
  for (const { name, labels } of metrics) {
    expect([...series.keys()]).toContain(name)
    for (const label of [...labels, ...groupings]) expect(series.get(name)).toContain(label)
  }
}

describe('config/prometheus', () => {
  it('has a gateway scraped, with the rules beside it', () => {
    expect(readYaml('prometheus/prometheus.yml')).toMatchObject({
      rule_files: ['alerts.yml'],
      scrape_configs: [{ job_name: 'tidegate' }],
    })
  })

  it.each(rules)('$alert reads metrics that a gateway prints, by labels that they have', ({ expr }) => {
    expectKnown(expr)
  })

  it.each(rules)(
    '$alert says how bad it is, and what is wrong in words that it knows',
    ({ expr, labels, annotations }) => {
      expect(['page', 'ticket']).toContain(labels.severity)
      expect(annotations.summary).toBeDefined()
      const known = labelsLeft(readPromql(expr))
      const used = Object.values(annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)])
      for (const [, label] of used) expect(known).toContain(label)
    },
  )

  it('has no two alerts of one name', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    expect(rules.length).toBeGreaterThan(10)
  })
})

describe('config/grafana', () => {
  it.each(queries)('"$title" reads metrics that a gateway prints: $legendFormat', ({ expr, legendFormat }) => {
    expectKnown(expr.replaceAll('$__rate_interval', '1m'))
    const known = labelsLeft(readPromql(expr))
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(known).toContain(label)
  })

  it('has the variables that its queries use', () => {
    const variables = dashboard.templating.list
    expect(variables.map(({ name }) => name)).toEqual(['service'])
    for (const { definition } of variables) expect(definition).toBe('label_values(tidegate_endpoints, service)')
    const used = queries.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name))
    expect(new Set(used)).toEqual(new Set(['service', '__rate_interval']))
  })

  it('has panels with ids of their own, each on the provisioned datasource', () => {
    const { datasources } = readYaml('grafana/provisioning/datasources/prometheus.yaml') as {
      datasources: { uid: string; type: string }[]
    }
    expect(datasources.map(({ uid, type }) => [uid, type])).toEqual([['prometheus', 'prometheus']])
    for (const { datasource } of panels) expect(datasource?.uid).toBe('prometheus')
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    expect(queries.length).toBeGreaterThan(15)
  })
})
