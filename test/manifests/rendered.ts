import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import { kubectl } from '../support/cluster/cluster.ts'
import { run } from '../support/run.ts'

export interface Rendered {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

/** What both ways of installing are given. */
export interface Given {
  namespace: string
  settings: Record<string, string>
  secrets: Record<string, string>
}

/** The objects that an overlay of manifests/base makes, by kind and name. */
export async function renderKustomize(given: Given): Promise<Map<string, Rendered>> {
  const overlay = await mkdtemp(join(tmpdir(), 'jobferry-overlay-'))
  const literals = (values: Record<string, string>) => Object.entries(values).map((pair) => pair.join('='))
  const labels = { 'app.kubernetes.io/name': 'jobferry', 'app.kubernetes.io/component': 'api' }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: given.namespace,
    labels: [{ pairs: labels }],
    resources: [relative(overlay, resolve('manifests/base'))],
    configMapGenerator: [
      { name: 'jobferry-settings', behavior: 'merge', literals: literals(given.settings) },
    ],
    secretGenerator: [{ name: 'jobferry', literals: literals(given.secrets) }],
    // Names without a hash, as the chart's are.
    generatorOptions: { disableNameSuffixHash: true },
  }
  try {
    const text = stringify(kustomization, { aliasDuplicateObjects: false })
    await writeFile(join(overlay, 'kustomization.yaml'), text)
    // The ConfigMaps of manifests/base have hashes of their own in their names.
    const rendered = await kubectl('kustomize', overlay)
    return byName(rendered.replaceAll(/\b(jobferry-(?:jobs|policy))-[a-z0-9]{10}\b/g, '$1'))
  } finally {
    await rm(overlay, { recursive: true })
  }
}

/** The objects that manifests/chart makes with these values, by kind and name. */
export async function renderChart(namespace: string, values: object): Promise<Map<string, Rendered>> {
  const args = ['template', 'jobferry', 'manifests/chart', '--namespace', namespace, '--values', '-']
  return byName(await run('helm', args, { input: JSON.stringify(values) }))
}

function byName(text: string): Map<string, Rendered> {
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null)
  return new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]))
}
