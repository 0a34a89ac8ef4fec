import { expect, it } from 'vitest'
import type { Api } from '../../../../src/backends/kubernetes/api/api.ts'
import type { KubernetesJob, KubernetesObject } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations, jobName } from '../../../../src/backends/kubernetes/names.ts'
import { createJob } from '../../../../src/backends/kubernetes/operations/creation.ts'
import { planFor } from '../../../job/backend-under-test.ts'
import { answeringApi } from '../answering-api.ts'
import { at, job } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { settings } from '../spec/build-job.ts'

const plan = planFor(clusterRequest('exit 0'))
const name = jobName(plan.uuid)

it('answers with the job of the first creation if the quota that it fills refuses the second', async () => {
  const api = await fullNamespace({ job: jobOf(plan.requestSha256) })
  expect(await createJob(api, settings, plan)).toMatchObject({ created: false, job: { metadata: { name } } })
})

it('answers with the job of another request if a request of the same key is refused', async () => {
  const api = await fullNamespace({ job: jobOf('b'.repeat(64)) })
  const { created, job } = await createJob(api, settings, plan)
  expect([created, job.metadata?.annotations?.[annotations.requestSha256]]).toEqual([false, 'b'.repeat(64)])
})

it('refuses a job that a quota refuses and that is not there', async () => {
  const api = await fullNamespace({})
  await expect(createJob(api, settings, plan)).rejects.toMatchObject({ code: 'refused' })
})

it('says of a refused job that the one of its name is being deleted', async () => {
  const deleted = jobOf(plan.requestSha256)
  deleted.metadata = { ...deleted.metadata, deletionTimestamp: at(9) }
  const api = await fullNamespace({ job: deleted })
  await expect(createJob(api, settings, plan)).rejects.toMatchObject({ code: 'deletion-under-way' })
})

it('asks for another try if a refused job can not be looked for', async () => {
  const api = await answeringApi((_, method) =>
    method === 'POST' ? exceeded : { kind: 'Status', code: 429, message: 'too many requests' },
  )
  await expect(createJob(api, settings, plan)).rejects.toMatchObject({ code: 'unavailable' })
})

it('completes a half-made job whose Secret the first creation has made, whatever the quota says', async () => {
  const half = halfMade()
  const secret = { metadata: { name, uid: 'secret', ownerReferences: [ownerReference] } }
  const api = await fullNamespace({ job: half, secret })
  expect(await createJob(api, settings, plan)).toMatchObject({
    created: false,
    job: { spec: { suspend: false } },
  })
})

it("asks for another try if the rest of another process's job is refused", async () => {
  const api = await fullNamespace({ job: halfMade() })
  await expect(createJob(api, settings, plan)).rejects.toMatchObject({ code: 'unavailable' })
})

const exceeded = {
  ...{ kind: 'Status', code: 403, reason: 'Forbidden' },
  message: `jobs.batch "${name}" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1`,
}
const ownerReference = { apiVersion: 'batch/v1', kind: 'Job', name, uid: 'job-uid' }

function jobOf(requestSha256: string): KubernetesJob {
  return job({ metadata: { name }, annotations: { [annotations.requestSha256]: requestSha256 } })
}

/** Its creation has made the suspended Job so far. */
function halfMade(): KubernetesJob {
  const { requestSha256, creating } = annotations
  return job({
    metadata: { name },
    spec: { suspend: true },
    annotations: { [requestSha256]: plan.requestSha256, [creating]: at(0) },
  })
}

/** A namespace whose quota refuses every further object. */
async function fullNamespace(there: { job?: KubernetesJob; secret?: KubernetesObject }): Promise<Api> {
  return await answeringApi(({ pathname }, method) => {
    if (method === 'POST') return exceeded
    if (method === 'PATCH') return { ...there.job, spec: { ...there.job?.spec, suspend: false } }
    if (pathname.endsWith(`/jobs/${name}`)) return there.job ?? { kind: 'Status', code: 404 }
    return { metadata: {}, items: there.secret ? [there.secret] : [] }
  })
}
