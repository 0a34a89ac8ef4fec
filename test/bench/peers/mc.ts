import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { StoreAccess } from '../../support/store/bucket.ts'
import type { Run } from '../measure.ts'
import { watchProcess } from '../resident.ts'
import { goProgram } from './go-program.ts'

const version = 'v0.0.0-20250313080218-cf909e1063a9'

/** MinIO's own client, the peer of every transfer, built once from its Go module. */
export interface Mc {
  /** Copies a folder's contents to `<bucket>/<prefix>`. */
  upload(folder: string, target: string): Promise<Run>
  /** Copies all objects below `<bucket>/<prefix>` into a folder. */
  download(source: string, folder: string): Promise<Run>
}

export async function createMc(store: StoreAccess): Promise<Mc> {
  const program = await mcProgram()
  const { protocol, host } = new URL(store.endpoint)
  const environment = {
    ...process.env,
    MC_HOST_bench: `${protocol}//${store.accessKey}:${store.secretKey}@${host}`,
  }
  const copy = async (from: string, to: string): Promise<Run> => {
    const start = performance.now()
    const child = spawn(program, ['--quiet', 'cp', '--recursive', from, to], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const watched = watchProcess(() => child.pid)
    const [code] = (await once(child, 'exit')) as [number | null]
    const seconds = (performance.now() - start) / 1000
    if (code !== 0) throw new Error(`mc cp ${from} ${to} ended with ${code}`)
    return { value: seconds, ...(await watched()) }
  }
  return {
    upload: (folder, target) => copy(`${folder}/`, `bench/${target}/`),
    download: (source, folder) => copy(`bench/${source}/`, `${folder}/`),
  }
}

/** Resolves with the path of the program `mc`. */
export function mcProgram(): Promise<string> {
  return goProgram('mc', 'github.com/minio/mc', version)
}
