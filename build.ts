import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { viewerFiles } from './src/http/openapi/page.ts'

/**
 * Of the Kubernetes client only what is used, a fifteenth: its package doesn't say that the rest
 * may be left out.
 */
const usedAlone: Plugin = {
  name: 'used alone',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, pluginData, ...from }) => {
      const isPart =
        path === '@kubernetes/client-node' || /node_modules\/@kubernetes\/client-node\//.test(from.importer)
      if (!isPart || pluginData === asked) return undefined
      return { ...(await resolve(path, { ...from, pluginData: asked })), sideEffects: false }
    })
  },
}
const asked = Symbol('resolved by esbuild itself')

/**
 * Makes dist/: server.js (the API), settings.js (for `jobferry config`), supervisor.js (of its jobs), uploader.js (the sidecar), the chunks that they share or load
 * late, supervise.sh, the files of the page /docs, cli.js (the command line), client.js (the client library), and the licences
 * of everything that was bundled.
 */
const options = {
  entryPoints: {
    server: 'src/main.ts',
    supervisor: 'src/backends/local/supervisor/main.ts',
    uploader: 'sidecar/main.ts',
    settings: 'src/config/file/main.ts',
  },
  outdir: 'dist',
  bundle: true,
  // What is imported late stays a file of its own: the uploader must not evaluate a client it
  // doesn't use.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Names stay whole, so that stack traces can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // An ES module has no `require`; bundled CommonJS packages call it for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  metafile: true,
  plugins: [usedAlone],
} satisfies BuildOptions

/** What runs on callers' machines, with their own Node; package.json names the oldest. */
const forCallers = {
  ...options,
  entryPoints: { cli: 'src/cli/main.ts', client: 'src/client/index.ts' },
  target: 'node20',
  splitting: false,
} satisfies BuildOptions

await rm('dist', { recursive: true, force: true })
const built = await Promise.all([build(options), build(forCallers)])
await mkdir('dist', { recursive: true })
await mkdir('dist/swagger-ui')
for (const file of [...viewerFiles, 'LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt']) {
  await copyFile(`node_modules/swagger-ui-dist/${file}`, `dist/swagger-ui/${file}`)
}
await copyFile('sidecar/supervise.sh', 'dist/supervise.sh')
await chmod('dist/supervise.sh', 0o755)
await chmod('dist/cli.js', 0o755)
const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs))
await writeFile('dist/LICENSES.txt', await licences(inputs))
for (const [path, { bytes }] of built.flatMap(({ metafile }) => Object.entries(metafile.outputs))) {
  console.log(`${path.padEnd(40)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`)
}

/**
 * The licence texts of the packages whose code is in the bundles: each demands to be passed on with
 * it.
 */
async function licences(inputs: readonly string[]): Promise<string> {
  const packages = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []))
  const texts = await Promise.all([...packages].sort().map(licence))
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

async function licence(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')))
  return [`${name} ${version} (${license})`, ...texts].join('\n\n')
}
