import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { startApiProcess } from '../../support/api/api-process.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { freePort } from '../../support/free-port.ts'
import { programEnvironment } from '../../support/program-environment.ts'
import { pythonWith } from '../../support/python-program.ts'

/** The version on PyPI of https://schemathesis.io. */
const version = '4.32.0'

/** An answer may be any that the document has, and none of the server's own failures. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'use_after_free',
]

export interface Fuzzed {
  code: number | null
  report: string
}

/**
 * Lets schemathesis call the embedded default as its OpenAPI document says, and otherwise, for so many seconds.
 * It makes its own requests from the document: wrong ones, and calls for what earlier calls have made.
 */
export async function fuzz(seconds: number, further: readonly string[] = []): Promise<Fuzzed> {
  const python = await pythonWith('schemathesis', version)
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-fuzz-'))
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  // Data flows need a public address; nobody has to wait long.
  const settings = { PORT: port, PUBLIC_URL: url, WAIT_MAX_SECONDS: '1', LOCAL_MAX_RUNNING: '2' }
  const data = join(folder, 'data')
  const api = await startApiProcess({ ...settings, DATA_DIRECTORY: data, JOBS_DIRECTORY: 'manifests/jobs' })
  try {
    const program = spawn(
      python,
      [
        ...['-m', 'schemathesis.cli', 'run', `${url}/openapi.json`, '--no-color'],
        ...['--checks', checks.join(), '--phases', 'examples,coverage,fuzzing,stateful'],
        ...['--max-time', String(seconds), '--request-timeout', '70', '--warnings', 'off'],
        ...['--generation-database', 'none', '--suppress-health-check', 'all'],
        // It has no end.
        ...['--exclude-operation-id', 'followAllJobs'],
        ...further,
      ],
      {
        cwd: folder,
        env: { ...programEnvironment(), PYTHONUNBUFFERED: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const [out, errors, [code]] = await Promise.all([
      text(program.stdout),
      text(program.stderr),
      once(program, 'exit') as Promise<[number | null]>,
    ])
    return { code, report: `${out}\n${errors}` }
  } finally {
    await api.stop()
    await endJobs(data)
    await rm(folder, { recursive: true, force: true })
  }
}

/** `npm run fuzz [-- --minutes 30] [-- options of schemathesis]` */
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { minutes: { type: 'string', default: '30' } },
    allowPositionals: true,
  })
  const { code, report } = await fuzz(60 * Number(values.minutes), positionals)
  console.log(report)
  process.exitCode = code ?? 1
}
