import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'

/*
 * A worker that swaps folders and files for links to files that only the uploader may read, as
 * fast as possible for `node swapper.ts SECONDS`; at its end the links are in place. It ignores
 * SIGTERM. Imports nothing of the project.
 */

/** Number of the swapped folders `dir-N`, and of the swapped files `file-N`. */
export const swappedCount = 40

/** The content of every file of the worker's own. */
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
