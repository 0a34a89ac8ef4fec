import { postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import type { Row, Run, Topic } from '../measure.ts'
import { mark, momentIn } from '../moments.ts'

const each = (files: number, mebibytes: number, then: string) =>
  `i=0; while [ $i -lt ${files} ]; do dd if=/dev/zero of=f$i bs=1M count=${mebibytes} 2>/dev/null; ${then}; i=$((i+1)); done`

const works = [
  { what: 'a worker that writes 2 GiB in 16 files', script: each(16, 128, 'true') },
  {
    what: 'a worker that computes between its 32 files of 16 MiB',
    script: each(32, 16, 'sha256sum f$i >/dev/null'),
  },
]

/**
 * The duration of a worker's own work with uploads of its closed
 * files, against the duration without.
 */
export const beside: Topic = {
  name: 'beside',
  async *run({ rounds, only }) {
    await using api = await startOnCluster({ name: 'bench' })
    for (const { what, script } of works.filter(({ what }) => what.includes(only))) {
      const runs: Record<'on' | 'off', Run[]> = { on: [], off: [] }
      for (let round = 0; round < rounds; round += 1) {
        // The order alternates, because a disk that still writes the
        // previous run's files slows the next.
        for (const how of round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
          runs[how].push(await workOf(api, script, how === 'on'))
        }
      }
      const peer = { name: 'upload_while_running: false', runs: runs.off }
      const row: Row = { what, unit: 's', ours: runs.on, peer, goal: { ratio: 1.1 } }
      yield row
    }
  },
}

/** Seconds from the worker's first write to its last, by the kernel's clock. */
async function workOf(api: OnCluster, script: string, whileRunning: boolean): Promise<Run> {
  const work = `cd "$RESULT_DIRECTORY"; sleep 1; ${mark('begin')}; ${script}; ${mark('end')}`
  const { body } = await postJson(`${api.url}/job/deploy`, {
    ...busybox(work),
    upload_while_running: whileRunning,
  })
  const uuid = String(body.job_uuid)
  await waitForFinal(api.url, uuid, 300)
  const job = `${api.url}/job/${uuid}`
  const log = await (await fetch(`${job}/log`)).text()
  await fetch(job, { method: 'DELETE' })
  return { value: momentIn(log, 'end') - momentIn(log, 'begin') }
}
