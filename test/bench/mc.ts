import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { StoreAccess } from '../support/bucket.ts'
import { run } from '../support/run.ts'
import type { Run } from './measure.ts'
import { watchResident } from './resident.ts'

const version = 'v0.0.0-20250313080218-cf909e1063a9'

/** MinIO's own client, the peer of every transfer: built once of its Go module. */
export interface Mc {
  /** Copies a folder's contents to `<bucket>/<prefix>`. */
  upload(folder: string, target: string): Promise<Run>
  /** Copies all below `<bucket>/<prefix>` into a folder. */
  download(source: string, folder: string): Promise<Run>
}

export async function createMc(store: StoreAccess): Promise<Mc> {
  const program = await built()
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
    const resident = watchResident(() => child.pid)
    const [code] = (await once(child, 'exit')) as [number | null]
    const seconds = (performance.now() - start) / 1000
    if (code !== 0) throw new Error(`mc cp ${from} ${to} ended with ${code}`)
    return { value: seconds, residentMiB: await resident() }
  }
  return {
    upload: (folder, target) => copy(`${folder}/`, `bench/${target}/`),
    download: (source, folder) => copy(`bench/${source}/`, `${folder}/`),
  }
}

async function built(): Promise<string> {
  const folder = join(homedir(), '.cache/jobferry-bench', version)
  const program = join(folder, 'mc')
  try {
    await access(program)
  } catch {
    console.error('bench: building mc from its Go module (once)')
    await mkdir(folder, { recursive: true })
    await run('env', [
      'CGO_ENABLED=0',
      `GOBIN=${folder}`,
      'go',
      'install',
      '-trimpath',
      `github.com/minio/mc@${version}`,
    ])
  }
  return program
}
