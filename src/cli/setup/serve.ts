import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { CommandError, exitCodes } from '../exit-codes.ts'

const leastNode = 24

/** `jobferry serve`: what `npm start` does, in this process. */
export async function serve(): Promise<number> {
  const major = Number(process.versions.node.split('.')[0])
  if (major < leastNode) {
    const message = `serve needs Node ${leastNode}, and this is ${process.version}; the other commands do not`
    throw new CommandError(exitCodes.config, message)
  }
  // Built, the program stands beside this one; of the sources, two folders above.
  const program = firstThatExists('./server.js', '../../main.ts')
  if (program === undefined) throw new CommandError(exitCodes.internal, 'the server is not in this package')
  if (!existsSync('manifests/jobs')) {
    const jobs = firstThatExists('../manifests/jobs', '../../../manifests/jobs')
    if (jobs !== undefined) process.env.JOBS_DIRECTORY ??= fileURLToPath(jobs)
  }
  await import(program.href)
  return Number(process.exitCode ?? 0)
}

function firstThatExists(...paths: string[]): URL | undefined {
  return paths.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url))
}
