import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'

/*
 * A worker that swaps folders and files for links to what the uploader alone may read, as fast as it can:
 * `node swapper.ts SECONDS`, then it leaves the links in their place. SIGTERM doesn't end it. Imports nothing of the
 * project.
 */

/** Folders `dir-N` and files `file-N` are swapped. */
export const swappedCount = 40

/** What stands in every file while it is none of the uploader's. */
export const harmless = 'harmless'.repeat(1000)

function prepare(): string[] {
  const names: string[] = []
  for (let number = 0; number < swappedCount; number += 1) {
    const [folder, file] = [`dir-${number}`, `file-${number}`]
    mkdirSync(folder)
    for (const name of ['secret-key', 'access-key']) writeFileSync(`${folder}/${name}`, harmless)
    writeFileSync(file, harmless)
    symlinkSync('/credentials', `${folder}.link`)
    symlinkSync('/credentials/secret-key', `${file}.link`)
    names.push(folder, file)
  }
  return names
}

function swap(name: string): void {
  renameSync(name, `${name}.was`)
  renameSync(`${name}.link`, name)
}

function swapBack(name: string): void {
  renameSync(name, `${name}.link`)
  renameSync(`${name}.was`, name)
}

if (import.meta.main) {
  process.chdir(process.env.RESULT_DIRECTORY ?? '')
  process.on('SIGTERM', () => {})
  const names = prepare()
  console.log('swapping')
  for (const end = Date.now() + Number(process.argv[2]) * 1000; Date.now() < end; ) {
    for (const name of names) swap(name)
    for (const name of names) swapBack(name)
  }
  for (const name of names) swap(name)
}
