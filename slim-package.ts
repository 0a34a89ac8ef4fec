import { existsSync } from 'node:fs'
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises'

/*
 * Before `npm pack`: a package.json without dependencies, since dist/ has all of them in its bundles,
 * and `npx jobferry` would install 325 MB. After it (`--restore`): the one that was there.
 * To publish: npm publish "$(npm pack --silent)".
 */
const whole = 'package.json.whole'

if (existsSync(whole)) await rename(whole, 'package.json')
if (process.argv[2] !== '--restore') {
  await copyFile('package.json', whole)
  const manifest = JSON.parse(await readFile(whole, 'utf8')) as Record<string, unknown>
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies', 'scripts'])
    delete manifest[field]
  await writeFile('package.json', `${JSON.stringify(manifest, null, 2)}\n`)
}
