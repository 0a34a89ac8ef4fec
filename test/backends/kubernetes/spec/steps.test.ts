import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { restartedBy } from '../../../../src/backends/kubernetes/job-metadata.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { ownItemsOf, requestField } from '../../../../src/backends/kubernetes/spec/field-map.ts'
import { checkMounts } from '../../../../src/backends/kubernetes/spec/mounts.ts'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { Problem } from '../../../../src/util/errors.ts'
import { uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { build } from './build-job.ts'

const steps: JobRequest['steps'] = [
  { name: 'stage', image: 'stage:1', command: ['fetch'], env: { A: 'own', KEY: 'hunter2' }, memory: '1Gi' },
  { name: 'compute', image: 'compute:1', gpu: 2, working_directory: '/work' },
  { name: 'organize', args: ['--all'], stdout: 'docs/log.txt' },
]
const fields: Partial<JobRequest> = {
  steps,
  ...{ image: 'default:1', command: ['run'], args: ['$HOME'], cpu: '500m', memory: '512Mi' },
  ...{ env: { A: 'all', B: 'all' }, job_env: { C: 'c' }, config_map_ref: ['env-1'] },
  volumes: [{ claim: 'data', mount_path: '/data', read_only: false }],
}
const given = { environmentKinds: ['plain' as const] }

function containersOf(request: Partial<JobRequest> = fields) {
  const { pod } = build(request, given)
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
}

/** Lists without what belongs to that folder. */
function withoutWord(template: unknown): unknown {
  const ofWord = new Set(['word', 'JOBFERRY_DIRECTORY', 'WORD_DIRECTORY'])
  return JSON.parse(JSON.stringify(template), (_, value: unknown) =>
    Array.isArray(value) ? value.filter((item) => !ofWord.has(item?.name)) : value,
  )
}

describe('a job without steps', () => {
  it('has the pod that version 0.2 made of it, and the folder for its word', () => {
    const request: Partial<JobRequest> = {
      ...{ env: { A: 'a' }, job_env: { B: 'b' }, cpu: '2', gpu: 1, config_map_ref: ['env-1'] },
      volumes: [{ claim: 'c', mount_path: '/data', read_only: false }],
    }
    const before: unknown = JSON.parse(
      readFileSync(new URL('pod-without-steps.json', import.meta.url), 'utf8'),
    )
    const { template } = build(request, { environmentKinds: ['secret'] }).job.spec ?? {}
    expect(withoutWord(template)).toEqual(before)
  })
})

describe('the steps of a job', () => {
  it('are init containers behind the uploader, and the last one is the worker', () => {
    const all = containersOf()
    expect(all.map(({ name }) => name)).toEqual(['uploader', 'step-stage', 'step-compute', 'worker'])
    expect(all.map(({ restartPolicy }) => restartPolicy)).toEqual(['Always', undefined, undefined, undefined])
    // Kubernetes refuses hooks of ordinary init containers.
    expect(all.map(({ lifecycle }) => lifecycle !== undefined)).toEqual([false, false, false, true])
    expect(build(fields, given).job.spec?.template.metadata?.annotations).toEqual({
      [annotations.lastStep]: 'organize',
    })
  })

  it('take the fields beside them that they lack, and no arguments with a command of their own', () => {
    const [, stage, compute, organize] = containersOf()
    expect(stage).toMatchObject({ image: 'stage:1', command: ['fetch'] })
    expect(stage).not.toHaveProperty('args')
    expect(stage?.resources?.limits).toEqual({ cpu: '500m', memory: '1Gi' })
    expect(compute).toMatchObject({
      ...{ image: 'compute:1', command: ['run'], args: ['$$HOME'], workingDir: '/work' },
      resources: { requests: { cpu: '500m', memory: '512Mi', 'nvidia.com/gpu': '2' } },
    })
    expect(organize).toMatchObject({ image: 'default:1', resources: { limits: { memory: '512Mi' } } })
    expect(organize?.resources?.limits).not.toHaveProperty('nvidia.com/gpu')
  })

  it('share results, inputs, which none can change, a scratch folder and the volumes', () => {
    const [, ...programs] = containersOf()
    for (const { volumeMounts } of programs) {
      expect(volumeMounts).toEqual([
        { name: 'results', mountPath: '/output' },
        { name: 'inputs', mountPath: '/input', readOnly: true },
        { name: 'scratch', mountPath: '/scratch' },
        { name: 'claim-0', mountPath: '/data', readOnly: false },
        { name: 'word', mountPath: '/run/jobferry' },
      ])
    }
    expect(build(fields, given).volumes).toContainEqual({ name: 'scratch', emptyDir: {} })
  })

  it('have the folder of their word but where their own variable has its name', () => {
    const [, ...programs] = containersOf({
      ...fields,
      steps: [{ name: 'one', env: { JOBFERRY_DIRECTORY: '/own' } }, { name: 'two' }],
    })
    const hasWord = programs.map(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === 'word'))
    expect(hasWord).toEqual([false, true])
  })

  it('have environments that are merged by name, without values in the Job', () => {
    const [, stage, compute] = containersOf()
    const keys = (container = stage) =>
      (container?.env ?? []).flatMap(({ name, valueFrom }) =>
        valueFrom?.secretKeyRef ? [`${name} ${valueFrom.secretKeyRef.key}`] : [],
      )
    expect(keys()).toEqual(['A step-0.env.A', 'B env.B', 'KEY step-0.env.KEY'])
    expect(keys(compute)).toEqual(['A env.A', 'B env.B'])
    expect(stage?.envFrom).toEqual([
      { configMapRef: { name: `job-${uuid}` } },
      { configMapRef: { name: 'env-1' } },
    ])
    expect(JSON.stringify(build(fields, given).job)).not.toContain('hunter2')
  })

  it('run in a shell where it connects their streams, the command as its arguments', () => {
    const worker = containersOf().at(-1)
    expect(worker?.command?.slice(0, 2)).toEqual(['/bin/sh', '-c'])
    expect(worker?.command?.slice(3)).toEqual([
      ...['step', '', '/output/docs/log.txt', '', '', '/scratch/.step-2', 'TERM', '', ''],
      ...['run', '--all'],
    ])
    expect(worker?.command?.[2]).toContain('exec 3</dev/null')
    // Each `$` is doubled, because Kubernetes would expand $(NAME).
    expect(worker?.command?.[2]?.replaceAll('$$', '')).not.toContain('$')
    expect(worker).not.toHaveProperty('args')
    expect(worker?.env).toContainEqual({ name: 'SCRATCH_DIRECTORY', value: '/scratch' })
  })

  it('make the uploader look longer at what they leave if there are several', () => {
    const hasMore = (request: Partial<JobRequest>) =>
      build(request).uploader?.env?.some(({ name }) => name === 'FURTHER_STEPS')
    expect([hasMore({ steps }), hasMore({ steps: steps?.slice(0, 1) ?? [] }), hasMore({})]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('a restart', () => {
  const restart = { uuid: '0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11', attempt: 'a', from: 'compute' }
  const plan = { uuid, request: clusterRequest('', fields), requestSha256: '', restart }
  const { job, pod, uploader } = build(fields, { ...given, plan })

  it('has no containers for steps that are reused, and the others keep their variables', () => {
    const all = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
    expect(all.map(({ name }) => name)).toEqual(['uploader', 'step-compute', 'worker'])
    expect(all[1]).toEqual(containersOf()[2])
    expect(restartedBy(job)).toEqual(restart)
    expect(
      restartedBy({ metadata: { annotations: { [annotations.restart]: '{"uuid": "x"}' } } }),
    ).toBeUndefined()
    const own = ownItemsOf(plan.request, pod)
    const paths = ['initContainers[1].workingDir', 'containers[0].args[0]']
    expect(paths.map((path) => requestField(`spec.template.spec.${path}`, own))).toEqual([
      'steps[1].working_directory',
      'steps[2].args[0]',
    ])
  })

  it('has an uploader that may write the results and knows whose they are', () => {
    const mount = (of: typeof uploader) => of?.volumeMounts?.find(({ name }) => name === 'results')?.readOnly
    expect([mount(uploader), mount(build(fields, given).uploader)]).toEqual([false, true])
    expect(uploader?.env).toEqual(
      expect.arrayContaining([
        { name: 'RESTORE_JOB', value: restart.uuid },
        { name: 'RESTORE_ATTEMPT', value: 'a' },
        { name: 'FURTHER_STEPS', value: 'true' },
      ]),
    )
  })
})

describe('the API server’s errors about steps', () => {
  const own = ownItemsOf(clusterRequest('', fields), build(fields, given).pod)
  const pod = 'spec.template.spec'

  it.each([
    [`${pod}.initContainers[1].image`, 'steps[0].image'],
    [`${pod}.initContainers[1].resources.limits[cpu]`, 'cpu'],
    [`${pod}.initContainers[1].env[2].name`, 'steps[0].env.KEY'],
    [`${pod}.initContainers[2].env[1].name`, 'env.B'],
    [`${pod}.initContainers[2].workingDir`, 'steps[1].working_directory'],
    [`${pod}.initContainers[2].volumeMounts[3].mountPath`, 'volumes[0].mount_path'],
    [`${pod}.containers[0].image`, 'image'],
    [`${pod}.containers[0].resources.limits[memory]`, 'memory'],
    ['data[step-0.env.KEY]', 'steps[0].env.KEY'],
  ])('name for %s the field %s', (path, field) => {
    expect(requestField(path, own)).toBe(field)
  })
})

it('refuses mounts over the scratch folder, which only a job with steps has', () => {
  const volumes = [{ claim: 'c', mount_path: '/scratch/a', read_only: false }]
  expect(() => checkMounts({ result_directory: '/scratch', volumes })).toThrow(/overlaps result_directory/)
  expect(() => checkMounts({ result_directory: '/output', volumes })).not.toThrow()
  expect(() => checkMounts({ result_directory: '/output', volumes, steps: steps ?? [] })).toThrow(Problem)
})
