import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { postJson } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { applyManifests, kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { eventually } from '../../support/time/eventually.ts'
import type { Goal, Row, Run, Topic } from '../measure.ts'
import { mark, momentIn, now } from '../moments.ts'
import { mcImage } from '../peers/mc-image.ts'

/**
 * A worker's script, run in the result directory; `last` is the file that the benchmark requests.
 */
interface Work {
  what: string
  script: string
  last: string
  goal: Goal
}

const gibibyte = 'dd if=/dev/zero of=file bs=1M count=1024 2>/dev/null'
const works: readonly Work[] = [
  { what: '1 KiB', script: 'sleep 2; head -c 1024 /dev/zero > file', last: 'file', goal: { most: 1.3 } },
  {
    what: '1 GiB, written just before',
    script: `sleep 2; ${gibibyte}`,
    last: 'file',
    goal: { peerPlus: 1.3 },
  },
  { what: '1 GiB, closed 5 s before', script: `${gibibyte}; sleep 5`, last: 'file', goal: { most: 1.3 } },
  {
    what: '10,000 × 4 KiB, written just before',
    script: `sleep 2; i=0; while [ $i -lt 10000 ]; do printf '%4096d' $i > f$i; i=$((i+1)); done`,
    last: 'f9999',
    goal: { ratio: 0.7 },
  },
]

/**
 * Time from a worker's end until its result is readable, against a
 * Job that runs `mc cp` after its work.
 */
export const ends: Topic = {
  name: 'ends',
  async *run({ rounds, only }) {
    const image = await mcImage()
    await using api = await startOnCluster({ name: 'bench' })
    for (const work of works.filter(({ what }) => what.includes(only))) {
      const [ours, peers]: [Run[], Run[]] = [[], []]
      const sides = [
        async () => peers.push(await byMc(api, image, work)),
        async () => ours.push(await byJobferry(api, work)),
      ]
      for (let round = 0; round < rounds; round += 1) {
        for (const run of round % 2 === 0 ? sides : sides.toReversed()) {
          // The previous run's writes would go to the disk for seconds more and slow down this run.
          await promisify(execFile)('sync')
          await run()
        }
      }
      const { what, goal } = work
      const row: Row = {
        what: `worker's end → downloadable, ${what}`,
        unit: 's',
        ours,
        peer: { name: 'a Job with mc cp', runs: peers },
        goal,
      }
      yield row
    }
  },
}

async function byJobferry(api: OnCluster, { script, last }: Work): Promise<Run> {
  const { body } = await postJson(
    `${api.url}/job/deploy`,
    busybox(`cd "$RESULT_DIRECTORY"; ${script}; ${mark('end')}`),
  )
  const job = `${api.url}/job/${body.job_uuid}`
  for (;;) {
    const { status } = await fetch(`${job}/result?file=${last}&wait=60`, { method: 'HEAD' })
    if (status === 200) break
    if (status !== 409) throw new Error(`the result of ${job}: ${status}`)
  }
  const there = now()
  const end = momentIn(await (await fetch(`${job}/log`)).text(), 'end')
  await fetch(job, { method: 'DELETE' })
  return { value: there - end }
}

async function byMc(api: OnCluster, image: string, work: Work): Promise<Run> {
  const name = `peer-${Math.random().toString(36).slice(2, 8)}`
  const key = `peer/${name}/${work.last}`
  await applyManifests(
    JSON.stringify(jobOfMc(name, image, `${api.bucket}/peer/${name}`, work)),
    '-n',
    api.namespace,
  )
  const there = await eventually(
    async () => {
      await api.client.statObject(api.bucket, key)
      return now()
    },
    { within: 180_000, every: 20 },
  )
  // The last file in order needn't be the last one to arrive.
  const log = await eventually(
    async () => {
      const text = await kubectl('-n', api.namespace, 'logs', `job/${name}`, '-c', 'worker')
      if (!text.includes('copied=')) throw new Error('not copied yet')
      return text
    },
    { within: 120_000 },
  )
  await kubectl('-n', api.namespace, 'delete', 'job', name, '--wait=true')
  const many = work.what.startsWith('10,000')
  return { value: (many ? momentIn(log, 'copied') : there) - momentIn(log, 'end') }
}

function jobOfMc(name: string, image: string, target: string, { script }: Work) {
  const { protocol, host } = new URL(given('S3_ENDPOINT_FOR_PODS'))
  const [key, secret] = [given('S3_ACCESS_KEY'), given('S3_SECRET_KEY')]
  const copy = `/tools/mc --quiet cp --recursive /output/ bench/${target}/ >/dev/null; ${mark('copied')}`
  const mounts = [
    { name: 'output', mountPath: '/output' },
    { name: 'tools', mountPath: '/tools' },
  ]
  const home = { name: 'HOME', value: '/tools' }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 0,
          volumes: mounts.map((mount) => ({ name: mount.name, emptyDir: {} })),
          initContainers: [
            {
              name: 'mc',
              image,
              imagePullPolicy: 'Never',
              command: ['/mc', '--quiet', 'cp', '/mc', '/tools/mc'],
              env: [home],
              volumeMounts: mounts,
            },
          ],
          containers: [
            {
              name: 'worker',
              ...worker(`chmod +x /tools/mc; cd /output; ${script}; ${mark('end')}; ${copy}`),
              env: [home, { name: 'MC_HOST_bench', value: `${protocol}//${key}:${secret}@${host}` }],
              volumeMounts: mounts,
            },
          ],
        },
      },
    },
  }
}

function worker(script: string) {
  const { image, image_pull_policy: imagePullPolicy, command } = busybox(script)
  return { image, imagePullPolicy, command }
}
