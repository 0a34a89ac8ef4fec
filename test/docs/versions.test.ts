import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { version as programVersion } from '../../src/util/version.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

it.each<[string, () => (string | undefined)[]]>([
  ['package-lock.json', () => [JSON.parse(read('package-lock.json')).version]],
  ['src/util/version.ts', () => [programVersion]],
  [
    "the chart's Chart.yaml",
    () => {
      const chart = parse(read('manifests/chart/Chart.yaml')) as { version: string; appVersion: string }
      return [chart.version, chart.appVersion]
    },
  ],
  [
    "the chart's values.yaml",
    () => [tagOf((parse(read('manifests/chart/values.yaml')) as { image: string }).image)],
  ],
  [
    'manifests/base',
    () =>
      (parse(read('manifests/base/kustomization.yaml')) as Kustomization).images.map((image) => image.newTag),
  ],
  [
    'docs/installing.md',
    () =>
      [...read('docs/installing.md').matchAll(/(?:ref=v|--branch v|jobferry:)(\d[\w.-]*)/g)].map(
        (found) => found[1],
      ),
  ],
  ['the newest release of CHANGELOG.md', () => [/^## \[(\d[^\]]*)\]/m.exec(read('CHANGELOG.md'))?.[1]]],
])('%s names the version of package.json', (_, versions) => {
  const found = versions()
  expect(found.length).toBeGreaterThan(0)
  expect(found.filter((one) => one !== version)).toEqual([])
})

it('no package that is installed without dev packages reports its installation', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> }
  const scripted = Object.entries(packages).filter(([, one]) => one.hasInstallScript && !one.dev)
  expect(scripted).toEqual([])
  // Its own package of that name reports to its maker.
  expect(packages['node_modules/@scarf/scarf']?.name).toBe('content-disposition')
})

it.each(['edc-control-plane', 'edc-data-plane', 'edc-signaling', 'signaling', 'walk-through'])(
  'the page %s and the mapping that it begins with are at most half of what one page was in 0.1.0',
  (page) => {
    const pages = [read('docs/dataspace.md'), read(`docs/dataspace/${page}.md`)]
    expect(Buffer.byteLength(pages.join(''))).toBeLessThan(24_658 / 2)
  },
)

interface LockedPackage {
  name?: string
  dev?: boolean
  hasInstallScript?: boolean
}

interface Kustomization {
  images: { newTag: string }[]
}

function tagOf(image: string): string | undefined {
  return /:([^:/]+)$/.exec(image)?.[1]
}
