import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const sources = await filesBelow('src', 'sidecar')
/** By file: each test asks for those of all files. */
const specifiers = new Map<string, string[]>()

describe('imports', () => {
  it('point downwards, as the lines under "Layers" in ARCHITECTURE.md say', async () => {
    const layers = await layersOfArchitecture()
    expect(layers.size).toBeGreaterThan(10)
    const upwards = await importsThat((from, to) => {
      const above = layers.get(layerOf(from))
      const below = layers.get(layerOf(to))
      return above !== undefined && below !== undefined && layerOf(from) !== layerOf(to) && above >= below
    })
    expect(upwards).toEqual([])
  })

  it('of the sidecar are of job, result-format, store and util alone', async () => {
    const shared = ['sidecar', 'job', 'result-format', 'store', 'util']
    expect(
      await importsThat((from, to) => from.startsWith('sidecar/') && !shared.includes(layerOf(to))),
    ).toEqual([])
  })

  it('of the client are of the client and of Node alone, since it is published', async () => {
    const outside = []
    for (const file of sources.filter((file) => file.startsWith('src/client/'))) {
      const packages = (await specifiersOf(file)).filter((name) => !/^(?:\.|node:)/.test(name))
      outside.push(...packages.map((name) => `${file} imports ${name}`))
    }
    const upwards = await importsThat((from, to) => layerOf(from) === 'client' && layerOf(to) !== 'client')
    expect([...outside, ...upwards]).toEqual([])
  })

  it.each([
    ['@kubernetes/client-node', 'src/backends/kubernetes/'],
    ['minio', 'src/store/s3/'],
    ['express', 'src/http/'],
    ['amqplib', 'src/messaging/'],
    ['commander', 'src/cli/'],
  ])('of the package %s stand in %s alone', async (name, folder) => {
    const importing = []
    for (const file of sources) {
      if (!file.startsWith(folder) && (await specifiersOf(file)).includes(name)) importing.push(file)
    }
    expect(importing).toEqual([])
  })
})

it('no module calls fetch(), which follows redirects to any address, but the client, without them', async () => {
  // The client is published without packages: its only call is here.
  const transport = 'src/client/http/transport.ts'
  expect(await readFile(join(root, transport), 'utf8')).toContain("redirect: 'manual'")
  const calling = []
  for (const file of sources.filter((file) => file !== transport)) {
    const code = (await readFile(join(root, file), 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    if (/(?<![.#\w]|function )fetch\(|globalThis\.fetch/.test(code)) calling.push(file)
  }
  expect(calling).toEqual([])
})

it('no folder holds more than 15 files of its own', async () => {
  const counts = new Map<string, number>()
  for (const file of [...sources, ...(await filesBelow('test'))]) {
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  }

  const large = [...counts].filter(([, count]) => count > 15)
  expect(large).toEqual([])
})

/** The layers with the number of their line, counted from the top. */
async function layersOfArchitecture(): Promise<Map<string, number>> {
  const text = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
  const section = text.split('## Layers\n')[1]?.split('\n## ')[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('    '))
  return new Map(
    lines.flatMap((line, number) =>
      line
        .trim()
        .split(/\s+/)
        .map((name): [string, number] => [name, number]),
    ),
  )
}

function layerOf(file: string): string {
  const [top = '', folder = ''] = file.split('/')
  return top === 'src' ? folder : top
}

async function importsThat(isWrong: (from: string, to: string) => boolean): Promise<string[]> {
  const found = []
  for (const from of sources) {
    for (const specifier of await specifiersOf(from)) {
      if (!specifier.startsWith('.')) continue
      const to = normalize(join(dirname(from), specifier))
      if (isWrong(from, to)) found.push(`${from} imports ${to}`)
    }
  }
  return found
}

async function specifiersOf(file: string): Promise<string[]> {
  const known = specifiers.get(file)
  if (known !== undefined) return known
  const text = await readFile(join(root, file), 'utf8')
  const found = Array.from(
    text.matchAll(/(?:\bfrom |\bimport\(|\bimport )'([^']+)'/g),
    ([, specifier = '']) => specifier,
  )
  specifiers.set(file, found)
  return found
}

async function filesBelow(...folders: string[]): Promise<string[]> {
  const files = []
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)))
    }
  }
  return files
}
